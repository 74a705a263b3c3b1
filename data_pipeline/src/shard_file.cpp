#include "shard_file.h"

#include <fmt/core.h>

#include "reprise/core/error.h"
#include "shard_hdf5.h"

namespace reprise::data {
namespace {

constexpr const char* kFormat = "reprise.shard";
constexpr std::uint64_t kFormatVersion = 1;
constexpr const char* kDigestAttribute = "sha256";

template <typename T>
struct ElementType;
template <>
struct ElementType<std::uint16_t> {
  static hid_t file() { return H5T_STD_U16LE; }
  static hid_t memory() { return H5T_NATIVE_UINT16; }
};
template <>
struct ElementType<std::uint64_t> {
  static hid_t file() { return H5T_STD_U64LE; }
  static hid_t memory() { return H5T_NATIVE_UINT64; }
};
template <>
struct ElementType<char> {
  static hid_t file() { return H5T_STD_U8LE; }
  static hid_t memory() { return H5T_NATIVE_UINT8; }
};

template <typename Column>
Digest column_digest(const Column& column) {
  return sha256(std::as_bytes(std::span(column.data(), column.size())));
}

/// Reads and checks one file.
class ImageReader {
 public:
  ImageReader(const Hdf5Handle& file, const std::string& name, std::size_t num_bytes) : file_(file), name_(name) {
    if (!file_.valid()) fail("the file", fmt::format("is not HDF5, or cut short; bytes: {}", num_bytes));
  }

  void read_attributes(ShardAttributes& attributes) const {
    std::string format;
    std::uint64_t version = 0;
    if (!read_hdf5_attribute(file_, "format", format) || format != kFormat) fail("format", "is not a token shard");
    attribute("format_version", version);
    if (version != kFormatVersion) {
      fail("format_version", fmt::format("is not supported, this build reads {}: {}", kFormatVersion, version));
    }
    std::uint64_t is_last = 0;
    attribute("vocab_size", attributes.vocab_size);
    attribute("end_of_text", attributes.end_of_text);
    attribute("shard_index", attributes.shard_index);
    attribute("is_last", is_last);
    attribute("first_token", attributes.first_token);
    attribute("first_document", attributes.first_document);
    attributes.is_last = is_last != 0;
    attributes.tokenizer = digest(file_, "tokenizer_sha256");
    attributes.root = digest(file_, "root");
  }

  template <typename Column>
  void read_column(const std::string& column_name, Column& column) const {
    using Element = typename Column::value_type;
    const Hdf5Handle dataset = open_column(column_name);
    const Hdf5Handle type(H5Dget_type(dataset.get()), H5Tclose);
    if (!type.valid() || H5Tequal(type.get(), ElementType<Element>::file()) <= 0) fail(column_name, "has another type");
    column.assign(extent_of(column_name, dataset), Element{});
    if (!column.empty() &&
        H5Dread(dataset.get(), ElementType<Element>::memory(), H5S_ALL, H5S_ALL, H5P_DEFAULT, column.data()) < 0) {
      fail(column_name, "cannot be read");
    }
    const Digest expected = digest(dataset, kDigestAttribute);
    const Digest found = column_digest(column);
    if (found != expected) {
      fail(column_name, fmt::format("has another SHA-256 than it says: {} instead of {}", found.hex(), expected.hex()));
    }
  }

  [[noreturn]] void fail(const std::string& part, const std::string& what) const {
    throw Error(ErrorKind::kCorrupt, fmt::format("shard {}: {} {}", name_, part, what),
                "the file was changed or damaged; copy it again, or make the shards again");
  }

 private:
  /// Opens a dataset whose bytes lie plainly in the file: HDF5 would follow links to others, pipes and devices too.
  Hdf5Handle open_column(const std::string& column_name) const {
    H5L_info_t link{};
    if (H5Lget_info(file_.get(), column_name.c_str(), &link, H5P_DEFAULT) >= 0 && link.type != H5L_TYPE_HARD) {
      fail(column_name, "is a link, and not stored in the file");
    }
    Hdf5Handle dataset(H5Dopen2(file_.get(), column_name.c_str(), H5P_DEFAULT), H5Dclose);
    if (!dataset.valid()) fail(column_name, "is missing or unreadable");
    const Hdf5Handle created(H5Dget_create_plist(dataset.get()), H5Pclose);
    if (!created.valid() || H5Pget_layout(created.get()) != H5D_CONTIGUOUS ||
        H5Pget_external_count(created.get()) != 0) {
      fail(column_name, "is not stored contiguously in the file");
    }
    return dataset;
  }

  std::size_t extent_of(const std::string& column_name, const Hdf5Handle& dataset) const {
    const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose);
    hsize_t extent = 0;
    if (!space.valid() || H5Sget_simple_extent_ndims(space.get()) != 1 ||
        H5Sget_simple_extent_dims(space.get(), &extent, nullptr) != 1) {
      fail(column_name, "is not a list");
    }
    // A damaged extent must not ask for all the memory there is: the values lie in the file.
    const hsize_t stored = H5Dget_storage_size(dataset.get());
    const Hdf5Handle type(H5Dget_type(dataset.get()), H5Tclose);
    if (extent > 0 && stored / H5Tget_size(type.get()) != extent) fail(column_name, "is cut short");
    return static_cast<std::size_t>(extent);
  }

  void attribute(const char* attribute_name, std::uint64_t& value) const {
    if (!read_hdf5_attribute(file_, attribute_name, value)) fail(attribute_name, "(attribute) is missing");
  }

  Digest digest(const Hdf5Handle& object, const char* attribute_name) const {
    std::string hex;
    if (!read_hdf5_attribute(object, attribute_name, hex)) fail(attribute_name, "(attribute) is missing");
    const Result<Digest> parsed = Digest::from_hex(hex);
    if (!parsed) fail(attribute_name, fmt::format("(attribute) is not a SHA-256: \"{}\"", hex));
    return *parsed;
  }

  const Hdf5Handle& file_;
  const std::string& name_;
};

/// `offsets` must have one more entry than there are rows, begin at 0, not fall, and end at `size`.
bool offsets_fit(const std::vector<std::uint64_t>& offsets, std::size_t rows, std::size_t size) {
  if (offsets.size() != rows + 1 || offsets.front() != 0 || offsets.back() != size) return false;
  for (std::size_t k = 0; k < rows; ++k) {
    if (offsets[k] > offsets[k + 1]) return false;
  }
  return true;
}

void check_columns(const ImageReader& reader, const ShardColumns& columns, const ShardAttributes& attributes) {
  const std::size_t rows = columns.num_documents();
  if (columns.source_line.size() != rows) reader.fail("source_line", "has another length than num_bytes");
  const auto check_text = [&](const char* name, const TextColumn& column) {
    if (!offsets_fit(column.offsets, rows, column.bytes.size())) reader.fail(name, "has offsets that do not fit");
  };
  check_text("id", columns.id);
  check_text("language", columns.language);
  check_text("kind", columns.kind);
  check_text("source", columns.source);
  check_text("source_file", columns.source_file);
  if (!offsets_fit(columns.document_offsets, rows, columns.tokens.size())) {
    reader.fail("document_offsets", "do not fit the tokens");
  }
  for (std::size_t k = 0; k < rows; ++k) {
    const std::uint64_t end = columns.document_offsets[k + 1];
    if (end == columns.document_offsets[k] || columns.tokens[end - 1] != attributes.end_of_text) {
      reader.fail("tokens", fmt::format("have no end of text after document {}", k));
    }
  }
  for (std::size_t k = 0; k < columns.tokens.size(); ++k) {
    if (columns.tokens[k] >= attributes.vocab_size) {
      reader.fail("tokens", fmt::format("have an id outside the vocabulary at {}: {}", k, columns.tokens[k]));
    }
  }
}

}  // namespace

std::string write_shard_image(const ShardColumns& columns, const ShardAttributes& attributes) {
  const QuietHdf5 quiet;
  Hdf5Image image;
  Hdf5Handle file = create_hdf5_image(image);
  write_hdf5_attribute(file, "format", std::string(kFormat));
  write_hdf5_attribute(file, "format_version", kFormatVersion);
  write_hdf5_attribute(file, "vocab_size", attributes.vocab_size);
  write_hdf5_attribute(file, "end_of_text", attributes.end_of_text);
  write_hdf5_attribute(file, "tokenizer_sha256", attributes.tokenizer.hex());
  write_hdf5_attribute(file, "shard_index", attributes.shard_index);
  write_hdf5_attribute(file, "is_last", std::uint64_t{attributes.is_last});
  write_hdf5_attribute(file, "first_token", attributes.first_token);
  write_hdf5_attribute(file, "first_document", attributes.first_document);
  write_hdf5_attribute(file, "root", attributes.root.hex());
  for_each_column(columns, [&](const std::string& name, const auto& column) {
    using Element = typename std::decay_t<decltype(column)>::value_type;
    const Hdf5Handle dataset = write_hdf5_dataset(file, name, ElementType<Element>::file(),
                                                  ElementType<Element>::memory(), column.data(), column.size());
    write_hdf5_attribute(dataset, kDigestAttribute, column_digest(column).hex());
  });
  return close_hdf5_image(std::move(file), image);
}

ShardAttributes read_shard_attributes(const std::string& image, const std::string& name) {
  const QuietHdf5 quiet;
  const Hdf5Handle file = open_hdf5_image(image);
  const ImageReader reader(file, name, image.size());
  ShardAttributes attributes;
  reader.read_attributes(attributes);
  return attributes;
}

void read_shard_image(const std::string& image, const std::string& name, ShardColumns& columns,
                      ShardAttributes& attributes) {
  const QuietHdf5 quiet;
  const Hdf5Handle file = open_hdf5_image(image);
  const ImageReader reader(file, name, image.size());
  reader.read_attributes(attributes);
  for_each_column(columns,
                  [&](const std::string& column_name, auto& column) { reader.read_column(column_name, column); });
  check_columns(reader, columns, attributes);
}

}  // namespace reprise::data
