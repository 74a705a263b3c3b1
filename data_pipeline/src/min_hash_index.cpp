#include "min_hash_index.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "byte_order.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise::data {
namespace {

/// A file that is written once from beginning to end.
class AppendedFile {
 public:
  explicit AppendedFile(const std::filesystem::path& path) : path_(path), file_(std::fopen(path.c_str(), "wb")) {
    if (file_ == nullptr) fail();
  }
  ~AppendedFile() {
    if (file_ != nullptr) std::fclose(file_);
  }
  AppendedFile(const AppendedFile&) = delete;
  AppendedFile& operator=(const AppendedFile&) = delete;

  void write(const void* bytes, std::size_t size) {
    if (std::fwrite(bytes, 1, size, file_) != size) fail();
    position_ += size;
  }
  std::uint64_t position() const { return position_; }
  void close() {
    const int status = std::fclose(file_);
    file_ = nullptr;
    if (status != 0) fail();
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  [[noreturn]] void fail() const {
    const int reason = errno;
    throw Error(ErrorKind::kIo, fmt::format("cannot write: {}: {}", path_.string(), system_reason(reason)),
                system_hint(reason));
  }

  std::filesystem::path path_;
  std::FILE* file_;
  std::uint64_t position_ = 0;
};

/// What stands in front of the hashes of a record.
struct RecordHead {
  Digest text;
  std::uint64_t id_offset;
  std::uint64_t id_bytes;
};

}  // namespace

struct MinHashIndex::Files {
  explicit Files(const std::filesystem::path& folder) : records(folder / "signatures"), ids(folder / "ids") {}
  AppendedFile records;
  AppendedFile ids;
  std::unique_ptr<MappedFile> mapped_records, mapped_ids, forest;

  std::uint64_t& parent(std::uint64_t index) const {
    return reinterpret_cast<std::uint64_t*>(forest->writable_bytes().data())[index];
  }
};

struct MinHashIndex::Record {
  RecordHead head;
  const std::byte* hashes;
};

MinHashIndex::MinHashIndex(const MinHasher& hasher, const std::filesystem::path& folder, std::uint64_t memory_bytes)
    : hasher_(hasher),
      folder_(folder),
      record_bytes_(sizeof(RecordHead) + hasher.num_hashes() * sizeof(std::uint32_t)),
      buckets_(folder, "buckets", memory_bytes),
      files_(std::make_unique<Files>(folder)) {}

MinHashIndex::~MinHashIndex() = default;

void MinHashIndex::add(std::string_view id, const Digest& text, std::span<const std::uint32_t> signature) {
  const RecordHead head{text, files_->ids.position(), id.size()};
  files_->ids.write(id.data(), id.size());
  files_->records.write(&head, sizeof head);
  const std::vector<std::uint32_t> none(signature.empty() ? hasher_.num_hashes() : 0);
  const std::span<const std::uint32_t> hashes = signature.empty() ? std::span<const std::uint32_t>(none) : signature;
  files_->records.write(hashes.data(), hashes.size_bytes());
  std::string value;
  append_big_endian(value, num_documents_++);
  std::string key;
  for (std::size_t bucket = 0; !signature.empty() && bucket < hasher_.num_buckets(); ++bucket) {
    const BucketKey hash = hasher_.bucket_key(signature, bucket);
    key.clear();
    append_big_endian(key, hash.high);
    append_big_endian(key, hash.low);
    buckets_.add(key, value);
  }
}

void MinHashIndex::finish() {
  files_->records.close();
  files_->ids.close();
  files_->mapped_records = std::make_unique<MappedFile>(files_->records.path());
  files_->mapped_ids = std::make_unique<MappedFile>(files_->ids.path());
  files_->forest = std::make_unique<MappedFile>(folder_ / "forest", num_documents_ * sizeof(std::uint64_t));
  for (std::uint64_t i = 0; i < num_documents_; ++i) files_->parent(i) = i;
  buckets_.finish();
  const auto records = buckets_.open();
  std::string last_key;
  std::uint64_t last_document = 0;
  while (records->next()) {
    const auto document = read_big_endian<std::uint64_t>(records->value());
    if (records->key() == last_key) connect(last_document, document);
    last_key.assign(records->key());
    last_document = document;
  }
}

MinHashIndex::Record MinHashIndex::record(std::uint64_t index) const {
  const std::byte* place = files_->mapped_records->bytes().data() + index * record_bytes_;
  Record record{{}, place + sizeof(RecordHead)};
  std::memcpy(&record.head, place, sizeof record.head);
  return record;
}

bool MinHashIndex::is_preferred(std::uint64_t a, std::uint64_t b) const {
  const Digest text_a = record(a).head.text;
  const Digest text_b = record(b).head.text;
  return text_a != text_b ? text_a < text_b : a < b;
}

std::uint64_t MinHashIndex::root(std::uint64_t index) const {
  while (files_->parent(index) != index) {
    files_->parent(index) = files_->parent(files_->parent(index));
    index = files_->parent(index);
  }
  return index;
}

/// The preferred document of a component is its root, so that the root is the survivor.
void MinHashIndex::connect(std::uint64_t a, std::uint64_t b) {
  a = root(a);
  b = root(b);
  if (a == b) return;
  if (is_preferred(a, b)) {
    files_->parent(b) = a;
  } else {
    files_->parent(a) = b;
  }
}

std::optional<NearDuplicate> MinHashIndex::duplicate(std::uint64_t index) const {
  const std::uint64_t survivor = root(index);
  if (survivor == index) return std::nullopt;
  const Record kept = record(survivor);
  const Record dropped = record(index);
  std::vector<std::uint32_t> a(hasher_.num_hashes());
  std::vector<std::uint32_t> b(hasher_.num_hashes());
  std::memcpy(a.data(), kept.hashes, a.size() * sizeof(std::uint32_t));
  std::memcpy(b.data(), dropped.hashes, b.size() * sizeof(std::uint32_t));
  const auto* ids = reinterpret_cast<const char*>(files_->mapped_ids->bytes().data());
  return NearDuplicate{std::string(ids + kept.head.id_offset, kept.head.id_bytes), estimated_similarity(a, b)};
}

}  // namespace reprise::data
