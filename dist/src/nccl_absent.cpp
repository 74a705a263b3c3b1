// In the place of the NCCL transport where nccl.h was not found when the program was built.

#include "reprise/core/error.h"
#include "reprise/dist/nccl.h"

namespace reprise::dist {

std::unique_ptr<Communicator> make_nccl_communicator(std::unique_ptr<Communicator>) {
  throw Error(ErrorKind::kDevice, "this program was built without NCCL: nccl.h was not found",
              "run scripts/setup.sh and build again, or unset REPRISE_BACKEND");
}

std::string describe_nccl() { return "not built in: nccl.h was not found"; }

}  // namespace reprise::dist
