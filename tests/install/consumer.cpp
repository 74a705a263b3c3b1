#include <cstdio>

#include "reprise/core/hash.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/numerics/target.h"

int main() {
  const reprise::data::SampleOrder order(7, 10);
  std::printf("%s %llu %s\n", reprise::sha256("abc").hex().c_str(), static_cast<unsigned long long>(order.sequence_at(0)),
              std::string(reprise::numerics::to_string(reprise::numerics::active_target())).c_str());
}
