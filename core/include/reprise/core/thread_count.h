#pragma once
// How many threads, where nobody says.

namespace reprise {

/// Returns `wanted`, or where that is 0 or less one thread per core of the machine, shared by `num_ranks` processes on it;
/// at least 1.
int thread_count(int wanted, int num_ranks = 1);

}  // namespace reprise
