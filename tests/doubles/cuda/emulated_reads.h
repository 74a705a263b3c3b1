#pragma once
// Copies to the host beside the work, as late as they may be: done where they are waited for. A GPU may copy at any
// time before, so a copy stops the program when its source or its target has changed by then.

#include <cstddef>
#include <memory>

#include "work_stream.h"

namespace reprise::emulation {

void* allocate_pinned(std::size_t num_bytes);
void free_pinned(void* memory);

struct Read;

/// Begins a copy from the GPU's memory to pinned memory, of what the work given so far leaves there. `stream`: whose
/// copy it is.
std::shared_ptr<Read> begin_read(const void* stream, void* to_host, const void* from, std::size_t num_bytes,
                                 WorkStream& work);
/// Copies, the first time it is called, behind all that the work's stream was given by then. Any thread.
void finish(Read& read);
void finish_reads_of(const void* stream);
/// Stops the program when a copy under way uses memory that is freed.
void expect_no_read(const void* begin, std::size_t num_bytes);

}  // namespace reprise::emulation
