#include "lost_ranks.h"

#include <fmt/core.h>

namespace reprise::dist {

std::string missing_ranks_message(std::span<const int> missing, int rank, std::chrono::seconds patience) {
  std::string numbers;
  for (const int number : missing) numbers += (numbers.empty() ? "" : ", ") + std::to_string(number);
  const bool one = missing.size() == 1;
  return fmt::format("{} {} {} not come for {} s; rank {} was waiting for {}", one ? "rank" : "ranks", numbers,
                     one ? "has" : "have", patience.count(), rank, one ? "it" : "them");
}

}  // namespace reprise::dist
