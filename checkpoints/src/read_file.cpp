#include "read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include "reprise/core/files.h"

namespace reprise::checkpoints {
namespace {

constexpr int kMaxDimensions = 8;

/// Says the system's own reason before HDF5 is asked, and returns the size of the file.
std::uint64_t require_readable(const std::filesystem::path& path) {
  const auto fail = [&](int error_number) {
    throw Error(ErrorKind::kIo, fmt::format("cannot open: {}: {}", path.string(), system_reason(error_number)),
                system_hint(error_number, FileUse::kRead));
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe would wait for a writer
  if (fd < 0) fail(errno);
  struct stat status {};
  const int result = ::fstat(fd, &status);
  const int error_number = errno;
  ::close(fd);
  if (result != 0) fail(error_number);
  if (S_ISDIR(status.st_mode)) fail(EISDIR);
  REPRISE_REQUIRE(S_ISREG(status.st_mode), ErrorKind::kIo,
                  fmt::format("cannot open: {}: a pipe or a device, and no file", path.string()),
                  "remove it, and copy the checkpoint again");
  return static_cast<std::uint64_t>(status.st_size);
}

FileKind kind_of(const std::filesystem::path& path) {
  return path.filename().string().starts_with("recovery-") ? FileKind::kRecovery : FileKind::kScheduled;
}

herr_t collect_link(hid_t, const char* name, const H5L_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

}  // namespace

FileReader::FileReader(const std::filesystem::path& path)
    : calls_(path.string(), ErrorKind::kCorrupt, Calls::OnFailure::kThrow) {
  info_.path = path;
  info_.kind = kind_of(path);
  info_.file_bytes = require_readable(path);
  const Handle access = calls_.own(H5Pcreate(H5P_FILE_ACCESS), "prepare");
  calls_.check(H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG), "prepare");
  // Finished checkpoints never change, and not every file system has locks.
  calls_.check(H5Pset_file_locking(access.get(), false, true), "prepare");
  REPRISE_REQUIRE(
      H5Fis_hdf5(path.c_str()) != 0, ErrorKind::kCorrupt,
      fmt::format("no HDF5 file, so no checkpoint: {}", path.string()),
      "name one of a run's checkpoints/step-NNNNNN.h5 (an exported model.safetensors is not read back), or copy the "
      "file again if it was one");
  file_ = calls_.own(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), "read as HDF5");
}

void FileReader::corrupt(const std::string& what) const {
  throw Error(ErrorKind::kCorrupt, fmt::format("checkpoint is damaged: {}: {}", what, info_.path.string()),
              "use another checkpoint of the run, or copy this one again");
}

void FileReader::read_attribute(hid_t object, const char* name, hid_t type, void* value) {
  const Handle attribute = calls_.own(H5Aopen(object, name, H5P_DEFAULT), "open attribute", name);
  const Handle stored = calls_.own(H5Aget_type(attribute.get()), "read the type of attribute", name);
  const Handle space = calls_.own(H5Aget_space(attribute.get()), "read the shape of attribute", name);
  if (H5Tequal(stored.get(), type) <= 0 || H5Sget_simple_extent_type(space.get()) != H5S_SCALAR) {
    corrupt(fmt::format("attribute {} is of another type", name));
  }
  calls_.check(H5Aread(attribute.get(), type, value), "read attribute", name);
}

std::string FileReader::read_text_attribute(hid_t object, const char* name) {
  const Handle attribute = calls_.own(H5Aopen(object, name, H5P_DEFAULT), "open attribute", name);
  const Handle type = calls_.own(H5Aget_type(attribute.get()), "read the type of attribute", name);
  const Handle space = calls_.own(H5Aget_space(attribute.get()), "read the shape of attribute", name);
  const std::size_t size = H5Tget_size(type.get());
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 || size == 0 ||
      size > 2 * kHexDigits || H5Sget_simple_extent_type(space.get()) != H5S_SCALAR) {
    corrupt(fmt::format("attribute {} is not a short text", name));
  }
  std::string text(size, '\0');
  calls_.check(H5Aread(attribute.get(), type.get(), text.data()), "read attribute", name);
  return text;
}

Digest FileReader::read_digest_attribute(hid_t object, const char* name) {
  const std::string text = read_text_attribute(object, name);
  const Result<Digest> digest = Digest::from_hex(text);
  if (!digest) corrupt(fmt::format("attribute {} is not a digest", name));
  return *digest;
}

bool FileReader::has_link(const char* name) {
  const htri_t exists = H5Lexists(file_.get(), name, H5P_DEFAULT);
  calls_.check(exists < 0 ? -1 : 0, "look for", name);
  return exists > 0;
}

std::vector<std::string> FileReader::links_of(const char* group) {
  std::vector<std::string> names;
  const Handle opened = open_group(group);
  calls_.check(H5Literate(opened.get(), H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, collect_link, &names), "list group",
               group);
  return names;
}

/// Refuses a path with a link to another file, which HDF5 would follow: what it holds is no part of this one.
void FileReader::require_own(const std::string& name) const {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = name.find('/', end + 1);
    const std::string path = name.substr(0, end);
    H5L_info_t link{};
    // One that is not there is named by the call that opens it.
    if (H5Lget_info(file_.get(), path.c_str(), &link, H5P_DEFAULT) < 0) return;
    if (link.type != H5L_TYPE_HARD) corrupt(fmt::format("{} is a link, and not stored in the file", path));
  }
}

Handle FileReader::open_group(const char* name) {
  require_own(name);
  return calls_.own(H5Gopen2(file_.get(), name, H5P_DEFAULT), "open group", name);
}

/// Opens a dataset whose bytes lie plainly in this file: nothing else is part of the format.
Handle FileReader::open_dataset(const std::string& name, hid_t type) {
  require_own(name);
  Handle dataset = calls_.own(H5Dopen2(file_.get(), name.c_str(), H5P_DEFAULT), "open dataset", name);
  const Handle stored = calls_.own(H5Dget_type(dataset.get()), "read the type of", name);
  const Handle created = calls_.own(H5Dget_create_plist(dataset.get()), "read the layout of", name);
  if (H5Pget_layout(created.get()) != H5D_CONTIGUOUS || H5Pget_external_count(created.get()) != 0) {
    corrupt(fmt::format("{} is not stored contiguously", name));
  }
  if (type >= 0 && H5Tequal(stored.get(), type) <= 0) corrupt(fmt::format("{} is of another type", name));
  return dataset;
}

std::vector<std::int64_t> FileReader::shape_of(const Handle& dataset, const std::string& name) {
  const Handle space = calls_.own(H5Dget_space(dataset.get()), "read the shape of", name);
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (H5Sis_simple(space.get()) <= 0 || rank < 0 || rank > kMaxDimensions) {
    corrupt(fmt::format("{} has {} dimensions", name, rank));
  }
  hsize_t dims[kMaxDimensions] = {};
  calls_.check(H5Sget_simple_extent_dims(space.get(), dims, nullptr), "read the shape of", name);
  return require_shape(std::vector<std::int64_t>(dims, dims + rank), name);
}

/// Refuses a shape larger than the file can stand for.
std::vector<std::int64_t> FileReader::require_shape(std::vector<std::int64_t> shape, const std::string& name) const {
  if (shape.size() > kMaxDimensions) corrupt(fmt::format("{} has {} dimensions", name, shape.size()));
  std::uint64_t left = most_elements();
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const auto size = static_cast<std::uint64_t>(shape[d]);
    if (size == 0 || size > left) corrupt(fmt::format("{} has {} elements in dimension {}", name, size, d));
    left /= size;
  }
  return shape;
}

/// No tensor has more elements than the file has bytes, or, of a file of differences, than its digests stand for.
std::uint64_t FileReader::most_elements() const {
  if (!info_.anchor) return info_.file_bytes;
  return info_.file_bytes / (kParts.size() * sizeof(Digest)) * static_cast<std::uint64_t>(kChunkElements);
}

void FileReader::read_header() {
  const std::string format = read_text_attribute(file_.get(), "format");
  if (format != kFormatName && format != kDeltaFormatName && format != kAverageFormatName) {
    corrupt("the format is another one");
  }
  if (format == kAverageFormatName) read_sources();
  visit_header(info_.header, [&](const char* name, auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, Digest>) {
      value = read_digest_attribute(file_.get(), name);
    } else if constexpr (std::is_same_v<Value, double>) {
      read_attribute(file_.get(), name, H5T_IEEE_F64LE, &value);
    } else {
      read_attribute(file_.get(), name, sizeof value == 8 ? H5T_STD_U64LE : H5T_STD_U32LE, &value);
    }
  });
  info_.root = read_digest_attribute(file_.get(), "root");
  info_.has_moments = has_link("optimizer");
  if (format != kDeltaFormatName) return;
  Anchor anchor{read_digest_attribute(file_.get(), "anchor_root"), 0};
  read_attribute(file_.get(), "anchor_step", H5T_STD_U64LE, &anchor.step);
  if (info_.has_moments) corrupt("a file of differences holds moments");
  info_.anchor = anchor;
}

void FileReader::read_recipe() {
  const Handle dataset = open_dataset("recipe_text", H5I_INVALID_HID);
  const Handle type = calls_.own(H5Dget_type(dataset.get()), "read the type of", "recipe_text");
  const std::size_t size = H5Tget_size(type.get());
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 || size == 0 ||
      size > info_.file_bytes || !shape_of(dataset, "recipe_text").empty()) {
    corrupt("recipe_text is not one text");
  }
  std::string text(size, '\0');
  calls_.check(H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()), "read", "recipe_text");
  if (text == std::string(1, '\0')) text.clear();
  if (sha256(std::string_view(text)) != read_digest_attribute(dataset.get(), "sha256")) {
    corrupt("recipe_text does not match its SHA-256");
  }
  info_.header.recipe_text = std::move(text);
}

/// Reads what a file says of one tensor of the weights.
TensorSpec FileReader::read_spec(const std::string& place, const std::string& name, std::uint64_t& index) {
  const Handle dataset = open_dataset(place, info_.anchor ? H5T_STD_U8LE : H5T_IEEE_F32LE);
  read_attribute(dataset.get(), "index", H5T_STD_U64LE, &index);
  if (!info_.anchor) return {name, shape_of(dataset, place), true};
  const std::optional<std::vector<std::int64_t>> shape = shape_of_text(read_text_attribute(dataset.get(), "shape"));
  if (!shape) corrupt(fmt::format("attribute shape of {} is none", place));
  return {name, require_shape(*shape, place), true};
}

void FileReader::read_layout() {
  const char* const group = info_.anchor ? kDeltaGroup : kParts[0].group;
  const std::vector<std::string> names = links_of(group);
  const std::uint64_t most = info_.anchor ? most_elements() : info_.file_bytes / sizeof(float);
  std::vector<TensorSpec> specs(names.size());
  std::uint64_t elements = 0;
  for (const std::string& name : names) {
    const std::string place = fmt::format("{}/{}", group, name);
    std::uint64_t index = 0;
    TensorSpec spec = read_spec(place, name, index);
    if (index >= specs.size() || !specs[index].name.empty()) {
      corrupt(fmt::format("{} has index {}, of {} tensors", place, index, specs.size()));
    }
    elements += static_cast<std::uint64_t>(spec.num_elements());
    if (elements > most) corrupt(fmt::format("{} is larger than the file", place));
    specs[index] = std::move(spec);
  }
  layout_ = TensorLayout(std::move(specs));
}

void FileReader::read_digests() {
  const auto num_chunks = layout_.num_chunks();
  for (const Part& part : kParts) {
    if (average_ && &part != &kParts[0]) continue;
    const Handle dataset = open_dataset(part.digests, H5T_STD_U8LE);
    const std::vector<std::int64_t> shape = shape_of(dataset, part.digests);
    if (shape != std::vector<std::int64_t>{num_chunks, static_cast<std::int64_t>(sizeof(Digest))}) {
      corrupt(fmt::format("{} has another shape than [{}, {}]", part.digests, num_chunks, sizeof(Digest)));
    }
    std::vector<Digest>& digests = digests_.*part.of;
    digests.resize(static_cast<std::size_t>(num_chunks));
    calls_.check(H5Dread(dataset.get(), H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, digests.data()), "read",
                 part.digests);
  }
}

void FileReader::check_root() {
  const Digest root = average_ ? average_root(*average_, info_.header, layout_, digests_.weights)
                               : checkpoint_root(info_.header, layout_, digests_);
  if (root != info_.root) {
    corrupt(fmt::format("header and digests give root {}, the file says {}", root.hex(), info_.root.hex()));
  }
}

void FileReader::read_description() {
  read_header();
  read_recipe();
  read_layout();
  read_digests();
  check_root();
}

void FileReader::check_tensor_digest(const Handle& dataset, const Part& part, const TensorLayout::Entry& entry) {
  const auto chunks =
      std::span(digests_.*part.of)
          .subspan(static_cast<std::size_t>(entry.first_chunk), static_cast<std::size_t>(entry.num_chunks));
  const Digest expected = tensor_digest(entry.spec, chunks);
  const Digest stored = read_digest_attribute(dataset.get(), "digest");
  if (stored != expected || read_text_attribute(dataset.get(), "dtype") != "float32") {
    corrupt(fmt::format("the attributes of {} {} are wrong: digest {}, its chunks give {}", part.noun, entry.spec.name,
                        stored.hex(), expected.hex()));
  }
}

void FileReader::check_chunks(const Part& part, const TensorLayout::Entry& entry, std::span<const float> values) {
  const ChunkRange range = chunks_of(entry);
  const std::vector<Digest> found = chunk_digests(layout_, range, values);
  for (std::int64_t chunk = range.begin; chunk < range.end; ++chunk) {
    const Digest& stored = (digests_.*part.of)[static_cast<std::size_t>(chunk)];
    const Digest& computed = found[static_cast<std::size_t>(chunk - range.begin)];
    if (computed == stored) continue;
    const std::int64_t first = (chunk - range.begin) * kChunkElements;
    corrupt(fmt::format("{} {}, chunk {} (elements {} to {}), has digest {}, the file says {}", part.noun,
                        entry.spec.name, chunk - range.begin, first, first + layout_.elements_in_chunk(chunk) - 1,
                        computed.hex(), stored.hex()));
  }
}

std::vector<float> FileReader::read_part(const Part& part) {
  return info_.anchor && &part == &kParts[0] ? read_deltas() : read_chunks(part, {0, layout_.num_chunks()});
}

std::vector<float> FileReader::read_chunks(const Part& part, const ChunkRange& kept) {
  std::vector<float> flat(static_cast<std::size_t>(kept.size() * kChunkElements));
  if (links_of(part.group).size() != layout_.entries().size()) {
    corrupt(fmt::format("{} holds another number of tensors than weights", part.group));
  }
  for (const TensorLayout::Entry& entry : layout_.entries()) {
    const std::string place = fmt::format("{}/{}", part.group, entry.spec.name);
    const Handle dataset = open_dataset(place, H5T_IEEE_F32LE);
    if (shape_of(dataset, place) != entry.spec.shape)
      corrupt(fmt::format("{} has another shape than the weight", place));
    check_tensor_digest(dataset, part, entry);
    read_tensor(dataset, place, part, entry, kept, flat);
  }
  return flat;
}

/// A tensor that is kept whole is read to its place, another one to memory of its own.
void FileReader::read_tensor(const Handle& dataset, const std::string& place, const Part& part,
                             const TensorLayout::Entry& entry, const ChunkRange& kept, std::span<float> flat) {
  const ChunkRange own = chunks_of(entry);
  const ChunkRange common{std::max(own.begin, kept.begin), std::min(own.end, kept.end)};
  const bool is_whole = common.size() == own.size();
  const auto floats = [](std::int64_t chunks) { return static_cast<std::size_t>(chunks * kChunkElements); };
  std::vector<float> aside(is_whole ? 0 : floats(own.size()));
  const std::span<float> values =
      is_whole ? flat.subspan(floats(own.begin - kept.begin), floats(own.size())) : std::span(aside);
  calls_.check(H5Dread(dataset.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "read", place);
  check_chunks(part, entry, values);
  if (is_whole || common.size() <= 0) return;
  std::ranges::copy(values.subspan(floats(common.begin - own.begin), floats(common.size())),
                    flat.begin() + static_cast<std::ptrdiff_t>(floats(common.begin - kept.begin)));
}

}  // namespace reprise::checkpoints
