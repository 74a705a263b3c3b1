#pragma once
// One zstd frame, compressed piece by piece; what has been compressed waits in memory. Not thread-safe.

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace reprise::data {

class ZstdWriter {
 public:
  ZstdWriter();
  ~ZstdWriter();
  ZstdWriter(const ZstdWriter&) = delete;
  ZstdWriter& operator=(const ZstdWriter&) = delete;

  void write(std::string_view bytes);
  /// Hands out what has been compressed since the last call.
  std::string take() { return std::exchange(output_, {}); }
  /// Ends the frame, with a checksum, and returns it, or what take() has not handed out.
  std::string finish();

 private:
  struct Stream;
  void run(std::string_view bytes, bool last);
  std::unique_ptr<Stream> stream_;
  std::string output_;
};

}  // namespace reprise::data
