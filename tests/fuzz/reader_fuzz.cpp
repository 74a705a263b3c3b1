// Feeds bytes to the readers as each kind of input file. Whatever the bytes are, a reader hands out documents or throws
// an error of the data; it never crashes, and what it hands out is well-formed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "byte_source.h"
#include "document_reader.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr std::uint64_t kMaxLineBytes = 1 << 16;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_document(const Document& document) {
  std::string storage;
  require(!document.id.empty() && document.source_line > 0);
  for (const std::string* text : {&document.id, &document.text, &document.source, &document.license}) {
    require(well_formed_utf8(*text, storage).data() == text->data() || text->empty());
  }
}

/// Reads `bytes` as a file called `name` and returns the number of its documents.
std::uint64_t read_as(const std::string& name, std::string_view bytes, const InputPolicy& policy) {
  std::uint64_t num_documents = 0;
  const ReadHandler handler = {[&](Document&& document) {
                                 check_document(document);
                                 ++num_documents;
                               },
                               {}};
  auto source = decompressed(memory_source(bytes), compression_of(name), name, ErrorKind::kData);
  const InputContent content = read_documents(std::move(source), name, name, {kMaxLineBytes, policy}, handler);
  require(content.num_documents == num_documents);
  return num_documents;
}

void read_all_ways(std::string_view bytes) {
  InputPolicy lenient;
  for (const InputFault fault : input_faults()) lenient.skip(to_string(fault));
  for (const char* name : {"a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.txt", "a.txt.gz", "a.txt.zst"}) {
    const std::uint64_t skipping = read_as(name, bytes, lenient);  // must not throw
    try {
      // Without a fault to pass over, both policies see the same documents.
      require(read_as(name, bytes, {}) == skipping);
    } catch (const InputError& error) {
      require(error.kind() == ErrorKind::kData && !error.hint().empty());
    }
  }
}

}  // namespace
}  // namespace reprise::data

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  reprise::data::read_all_ways({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
