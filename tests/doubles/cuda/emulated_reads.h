#pragma once
// Copies to the host beside the work, as late as they may be: done where they are waited for. A GPU may copy at any
// time before, so a copy stops the program when its source or its target has changed by then.

#include <cstddef>
#include <memory>

namespace reprise::emulation {

void* allocate_pinned(std::size_t num_bytes);
void free_pinned(void* memory);

struct Read;

/// Begins a copy from the GPU's memory to pinned memory. `stream`: whose copy it is.
std::shared_ptr<Read> begin_read(const void* stream, void* to_host, const void* from, std::size_t num_bytes);
/// Copies, the first time it is called. Any thread.
void finish(Read& read);
void finish_reads_of(const void* stream);
/// Stops the program when a copy under way uses memory that is freed.
void expect_no_read(const void* begin, std::size_t num_bytes);

}  // namespace reprise::emulation
