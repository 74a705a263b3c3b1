#pragma once
// Places where tests kill the process. REPRISE_FAULT="name:count[:rank[:what]]" raises SIGKILL the count-th time that the
// named point is passed (on that rank only, when one is given). `what` may also be "stop", which stops the whole process
// as a debugger does, or "hang", which keeps the thread there for ever. Without the variable a point costs one comparison.

#include <string_view>

namespace reprise {

/// Names of the points of a training, in the order of a step: "resume_read", "compute", "exchange", "gather", "log_append",
/// "snapshot", "tensor_write", "before_rename", "after_rename"; of a data build "data_segment", "data_chunk",
/// "data_measure", "data_lines", "data_encode", "data_step".
void fault_point(std::string_view name) noexcept;

/// Tells the points which rank this process is (default 0).
void set_fault_rank(int rank) noexcept;

}  // namespace reprise
