#pragma once
// One zstd frame, compressed in memory piece by piece. Not thread-safe.

#include <memory>
#include <string>
#include <string_view>

namespace reprise::data {

class ZstdWriter {
 public:
  explicit ZstdWriter(int level);
  ~ZstdWriter();
  ZstdWriter(const ZstdWriter&) = delete;
  ZstdWriter& operator=(const ZstdWriter&) = delete;

  void write(std::string_view bytes);
  /// Ends the frame, with a checksum, and returns it.
  std::string finish();

 private:
  struct Stream;
  void run(std::string_view bytes, bool last);
  std::unique_ptr<Stream> stream_;
  std::string output_;
};

}  // namespace reprise::data
