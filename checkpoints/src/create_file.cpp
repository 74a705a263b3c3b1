// Lays a checkpoint file out: attributes, recipe, digests, and a place for every tensor. Nothing here may depend on the
// clock, the library's defaults or the number of ranks: the bytes of a file are a function of its content.

#include <algorithm>

#include "file_access.h"
#include "file_format.h"
#include "write_file.h"

namespace reprise::checkpoints {
namespace {

class FileCreator {
 public:
  FileCreator(const std::filesystem::path& path, const FileContent& content)
      : content_(content), file_(path, nullptr), calls_(file_.calls()) {}
  void create();

 private:
  Handle make_group(const char* name, std::size_t num_links);
  Handle make_dataset(hid_t place, const std::string& name, hid_t type, const Handle& space);
  Handle fixed_text_type(std::size_t size);
  void write_header();
  void write_recipe();
  void write_digests();
  void place_tensors(const Part& part);
  void write_deltas();
  void write_sources();
  void write_table(const char* name, hid_t type, hid_t memory_type, std::vector<hsize_t> shape, const void* values);
  void attribute(hid_t object, const char* name, hid_t type, const void* value);
  void attribute(hid_t object, const char* name, std::string_view text);
  void attribute(hid_t object, const char* name, const Digest& digest) { attribute(object, name, digest.hex()); }

  const FileContent& content_;
  WritableFile file_;
  Calls& calls_;
  Handle dataset_create_;
};

Handle FileCreator::make_group(const char* name, std::size_t num_links) {
  std::size_t longest = 16;
  for (const TensorLayout::Entry& entry : content_.layout.entries()) {
    longest = std::max(longest, entry.spec.name.size());
  }
  const auto links = static_cast<unsigned>(std::min<std::size_t>(num_links, kMaxCompact));
  const Handle list = calls_.own(H5Pcreate(H5P_GROUP_CREATE), "prepare");
  calls_.check(H5Pset_obj_track_times(list.get(), false), "prepare");
  calls_.check(H5Pset_link_phase_change(list.get(), kMaxCompact, 0), "prepare");
  calls_.check(H5Pset_est_link_info(list.get(), links, static_cast<unsigned>(longest)), "prepare");
  return calls_.own(H5Gcreate2(file_.id(), name, H5P_DEFAULT, list.get(), H5P_DEFAULT), "create group", name);
}

Handle FileCreator::make_dataset(hid_t place, const std::string& name, hid_t type, const Handle& space) {
  return calls_.own(H5Dcreate2(place, name.c_str(), type, space.get(), H5P_DEFAULT, dataset_create_.get(), H5P_DEFAULT),
                    "create dataset", name);
}

Handle FileCreator::fixed_text_type(std::size_t size) {
  Handle type = calls_.own(H5Tcopy(H5T_C_S1), "prepare");
  calls_.check(H5Tset_size(type.get(), size), "prepare");
  calls_.check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "prepare");
  return type;
}

void FileCreator::attribute(hid_t object, const char* name, hid_t type, const void* value) {
  const Handle space = calls_.own(H5Screate(H5S_SCALAR), "prepare");
  const Handle made =
      calls_.own(H5Acreate2(object, name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT), "create attribute", name);
  calls_.check(H5Awrite(made.get(), type, value), "write attribute", name);
}

void FileCreator::attribute(hid_t object, const char* name, std::string_view text) {
  const Handle type = fixed_text_type(text.size());
  attribute(object, name, type.get(), text.data());
}

void FileCreator::write_header() {
  const hid_t root = file_.id();
  attribute(root, "format",
            std::string_view(content_.delta != nullptr     ? kDeltaFormatName
                             : content_.average != nullptr ? kAverageFormatName
                                                           : kFormatName));
  visit_header(content_.header, [&](const char* name, const auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, Digest>) {
      attribute(root, name, value);
    } else if constexpr (std::is_same_v<Value, double>) {
      attribute(root, name, H5T_IEEE_F64LE, &value);
    } else {
      attribute(root, name, sizeof value == 8 ? H5T_STD_U64LE : H5T_STD_U32LE, &value);
    }
  });
  attribute(root, "root", content_.root);
  if (content_.delta == nullptr) return;
  attribute(root, "anchor_root", content_.delta->anchor.root);
  attribute(root, "anchor_step", H5T_STD_U64LE, &content_.delta->anchor.step);
}

void FileCreator::write_recipe() {
  const std::string& text = content_.header.recipe_text;
  const Handle type = fixed_text_type(std::max<std::size_t>(text.size(), 1));
  calls_.check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "prepare");
  const Handle space = calls_.own(H5Screate(H5S_SCALAR), "prepare");
  const Handle dataset = make_dataset(file_.id(), "recipe_text", type.get(), space);
  attribute(dataset.get(), "sha256", sha256(std::string_view(text)));
  calls_.check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.c_str()), "write",
               "recipe_text");
}

void FileCreator::write_digests() {
  const Handle group = make_group("digests", kParts.size());
  const hsize_t shape[2] = {static_cast<hsize_t>(content_.layout.num_chunks()), sizeof(Digest)};
  for (const Part& part : kParts) {
    if (content_.average != nullptr && &part != &kParts[0]) continue;
    const Handle space = calls_.own(H5Screate_simple(2, shape, nullptr), "prepare");
    const Handle dataset = make_dataset(file_.id(), part.digests, H5T_STD_U8LE, space);
    const std::vector<Digest>& digests = content_.digests.*part.of;
    calls_.check(H5Dwrite(dataset.get(), H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, digests.data()), "write",
                 part.digests);
  }
}

void FileCreator::place_tensors(const Part& part) {
  const std::vector<TensorLayout::Entry>& entries = content_.layout.entries();
  const std::vector<Digest> digests = tensor_digests(content_.layout, content_.digests.*part.of);
  const Handle group = make_group(part.group, entries.size());
  for (std::uint64_t index = 0; index < entries.size(); ++index) {
    const TensorSpec& spec = entries[index].spec;
    const std::vector<hsize_t> shape(spec.shape.begin(), spec.shape.end());
    const int rank = static_cast<int>(shape.size());
    const Handle space =
        calls_.own(rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, shape.data(), nullptr), "prepare");
    const Handle dataset = make_dataset(group.get(), spec.name, H5T_IEEE_F32LE, space);
    attribute(dataset.get(), "index", H5T_STD_U64LE, &index);
    attribute(dataset.get(), "dtype", std::string_view("float32"));
    attribute(dataset.get(), "digest", digests[index]);
  }
}

void FileCreator::write_deltas() {
  const std::vector<TensorLayout::Entry>& entries = content_.layout.entries();
  const std::vector<Digest> digests = tensor_digests(content_.layout, content_.digests.weights);
  const Handle group = make_group(kDeltaGroup, entries.size());
  for (std::uint64_t index = 0; index < entries.size(); ++index) {
    const TensorSpec& spec = entries[index].spec;
    const std::vector<std::byte>& bytes = content_.delta->tensors[index];
    const hsize_t size = bytes.size();
    const Handle space = calls_.own(H5Screate_simple(1, &size, nullptr), "prepare");
    const Handle dataset = make_dataset(group.get(), spec.name, H5T_STD_U8LE, space);
    attribute(dataset.get(), "index", H5T_STD_U64LE, &index);
    attribute(dataset.get(), "dtype", std::string_view("float32"));
    attribute(dataset.get(), "shape", std::string_view(shape_text(spec.shape)));
    attribute(dataset.get(), "digest", digests[index]);
    calls_.check(H5Dwrite(dataset.get(), H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), "write",
                 spec.name);
  }
}

void FileCreator::write_table(const char* name, hid_t type, hid_t memory_type, std::vector<hsize_t> shape,
                              const void* values) {
  const Handle space = calls_.own(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), "prepare");
  const Handle dataset = make_dataset(file_.id(), name, type, space);
  calls_.check(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), "write", name);
}

void FileCreator::write_sources() {
  const std::vector<AverageSource>& sources = content_.average->sources;
  std::vector<Digest> roots;
  std::vector<std::uint64_t> steps;
  std::vector<double> weights;
  std::string places;
  for (const AverageSource& source : sources) {
    roots.push_back(source.root);
    steps.push_back(source.step);
    weights.push_back(source.weight);
    places += source.place + '\n';
  }
  const Handle group = make_group("sources", 4);
  const hsize_t count = sources.size();
  attribute(group.get(), "kind", std::string_view(content_.average->kind));
  write_table("sources/roots", H5T_STD_U8LE, H5T_NATIVE_UINT8, {count, sizeof(Digest)}, roots.data());
  write_table("sources/steps", H5T_STD_U64LE, H5T_NATIVE_UINT64, {count}, steps.data());
  write_table("sources/weights", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {count}, weights.data());
  write_table("sources/places", H5T_STD_U8LE, H5T_NATIVE_UINT8, {places.size()}, places.data());
}

void FileCreator::create() {
  file_.create();
  dataset_create_ = calls_.own(H5Pcreate(H5P_DATASET_CREATE), "prepare");
  calls_.check(H5Pset_obj_track_times(dataset_create_.get(), false), "prepare");
  calls_.check(H5Pset_layout(dataset_create_.get(), H5D_CONTIGUOUS), "prepare");
  calls_.check(H5Pset_alloc_time(dataset_create_.get(), H5D_ALLOC_TIME_EARLY), "prepare");
  calls_.check(H5Pset_fill_time(dataset_create_.get(), H5D_FILL_TIME_NEVER), "prepare");
  write_header();
  write_recipe();
  write_digests();
  if (content_.average != nullptr) write_sources();
  if (content_.delta != nullptr) {
    write_deltas();
  } else {
    place_tensors(kParts[0]);
  }
  if (content_.state.store_moments) {
    make_group("optimizer", 2);
    place_tensors(kParts[1]);
    place_tensors(kParts[2]);
  }
  file_.close();
}

}  // namespace

std::uint64_t size_bound(const FileContent& content) {
  constexpr std::uint64_t kFixed = 1 << 18;       // superblock, root group, rounding up of metadata blocks
  constexpr std::uint64_t kTensorMetadata = 640;  // object header with its attributes, link
  const std::uint64_t moments = content.state.store_moments ? 2 : 0;
  std::uint64_t metadata = 0;
  if (content.average != nullptr) {
    for (const AverageSource& source : content.average->sources) metadata += 64 + source.place.size();
  }
  for (const TensorLayout::Entry& entry : content.layout.entries()) {
    metadata += kTensorMetadata + 2 * entry.spec.name.size();
  }
  const std::uint64_t values = static_cast<std::uint64_t>(content.layout.num_parameters()) * sizeof(float);
  std::uint64_t weights = content.delta == nullptr ? values : 0;
  if (content.delta != nullptr) {
    for (const std::vector<std::byte>& tensor : content.delta->tensors) weights += tensor.size();
  }
  const auto chunks = static_cast<std::uint64_t>(content.layout.num_chunks());
  return kFixed + content.header.recipe_text.size() + weights + metadata + moments * (values + metadata) +
         kParts.size() * chunks * sizeof(Digest);
}

void create_file(const std::filesystem::path& path, const FileContent& content) {
  const Hdf5Lock lock;
  FileCreator(path, content).create();
}

}  // namespace reprise::checkpoints
