#pragma once
// Frames of run.log and session.log: u32 length, u32 CRC-32 of the payload, payload; little-endian.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace reprise::logs {

inline constexpr std::size_t kFrameHeaderBytes = 8;

/// The hint of every error about a damaged log: a resume cuts off what lies behind the checkpoint that it goes on from.
inline constexpr const char* kDamagedHint =
    "where it lies behind the run's last checkpoint, `reprise train --resume RUN` cuts it off; else restore the file "
    "from a copy, or train again";

/// Returns `payload` with its frame header. Payloads are 1 byte to 64 MiB long.
std::string frame(std::string_view payload);

/// One frame of a file.
struct Frame {
  std::size_t offset = 0;  // of the frame in the file
  std::string_view bytes;  // header and payload
  std::string_view payload;
};

/// Walks the frames of a file's bytes, which must outlive it. A last frame that is cut short is a torn tail, which a
/// killed writer leaves; everything else that does not fit is damage.
class FrameReader {
 public:
  /// `path` is for messages.
  FrameReader(std::string_view bytes, std::string path) : bytes_(bytes), path_(std::move(path)) {}

  /// Returns the next frame, or nothing at the end. Throws kCorrupt with path and offset.
  std::optional<Frame> next();
  /// Where the next frame starts: after the last, the length of the intact part.
  std::size_t offset() const { return offset_; }
  /// After next() returned nothing: whether a torn frame follows the intact part.
  bool torn() const { return offset_ < bytes_.size(); }

 private:
  void check_tail_is_torn(std::string_view rest) const;
  std::string_view bytes_;
  std::string path_;
  std::size_t offset_ = 0;
};

}  // namespace reprise::logs
