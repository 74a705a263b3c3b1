#pragma once
// TFRecord files: u64 length, u32 masked CRC-32C of the length, data, u32 masked CRC-32C of the data; little-endian.

#include <string>
#include <string_view>

namespace reprise::logs {

/// Returns `data` as one TFRecord.
std::string tf_record(std::string_view data);

/// The first record of an event file, which names its format.
std::string first_event_record();

}  // namespace reprise::logs
