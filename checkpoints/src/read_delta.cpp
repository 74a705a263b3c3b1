// Reading weights that are stored as differences: the anchor's weights first, checked by its own digests, then the
// difference of each tensor, then the chunks against this file's digests.

#include "read_file.h"
#include "weight_delta.h"

namespace reprise::checkpoints {
namespace {

bool claims_root(const std::filesystem::path& path, const Digest& root) {
  try {
    return FileReader(path).read_claimed_root() == root;
  } catch (const Error&) {
    return false;  // a damaged file is not the one that is looked for
  }
}

bool same_tensors(const TensorLayout& a, const TensorLayout& b) {
  if (a.entries().size() != b.entries().size()) return false;
  for (std::size_t i = 0; i < a.entries().size(); ++i) {
    if (a.entries()[i].spec.name != b.entries()[i].spec.name) return false;
    if (a.entries()[i].spec.shape != b.entries()[i].spec.shape) return false;
  }
  return true;
}

}  // namespace

std::filesystem::path find_anchor(const std::filesystem::path& path, const Anchor& anchor) {
  const std::filesystem::path folder = path.parent_path();
  const std::filesystem::path usual = folder / file_name(FileKind::kScheduled, anchor.step);
  if (claims_root(usual, anchor.root)) return usual;
  std::error_code ignored;  // a folder that cannot be listed holds no anchor
  for (const auto& entry : std::filesystem::directory_iterator(folder.empty() ? "." : folder, ignored)) {
    if (entry.path().extension() == ".h5" && claims_root(entry.path(), anchor.root)) return entry.path();
  }
  throw Error(ErrorKind::kCheckpoint,
              fmt::format("the anchor of {} is not beside it: the checkpoint of step {} with root {}", path.string(),
                          anchor.step, anchor.root.hex()),
              fmt::format("copy {} into the folder, or compute the step again: `reprise checkpoint materialize`",
                          file_name(FileKind::kScheduled, anchor.step)));
}

std::vector<float> FileReader::read_anchor_weights() {
  const std::filesystem::path path = find_anchor(info_.path, *info_.anchor);
  FileReader anchor(path);
  anchor.read_description();
  if (anchor.info().anchor) corrupt(fmt::format("its anchor {} is stored as differences itself", path.string()));
  if (!same_tensors(layout_, anchor.layout())) corrupt(fmt::format("its anchor {} has other tensors", path.string()));
  return anchor.read_part(kParts[0]);
}

std::vector<float> FileReader::read_deltas() {
  std::vector<float> flat = read_anchor_weights();
  for (const TensorLayout::Entry& entry : layout_.entries()) {
    const std::string place = fmt::format("{}/{}", kDeltaGroup, entry.spec.name);
    const Handle dataset = open_dataset(place, H5T_STD_U8LE);
    const std::vector<std::int64_t> shape = shape_of(dataset, place);
    if (shape.size() != 1 || static_cast<std::uint64_t>(shape[0]) > info_.file_bytes) {
      corrupt(fmt::format("{} is not a row of bytes", place));
    }
    check_tensor_digest(dataset, kParts[0], entry);
    std::vector<std::byte> bytes(static_cast<std::size_t>(shape[0]));
    calls_.check(H5Dread(dataset.get(), H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), "read", place);
    const auto count = static_cast<std::size_t>(entry.spec.num_elements());
    const std::span<float> values = std::span(flat).subspan(
        static_cast<std::size_t>(entry.offset), static_cast<std::size_t>(entry.num_chunks * kChunkElements));
    if (!apply_delta(bytes, values.first(count))) {
      corrupt(fmt::format("{} is no difference of {} values", place, count));
    }
    check_chunks(kParts[0], entry, values);
  }
  return flat;
}

}  // namespace reprise::checkpoints
