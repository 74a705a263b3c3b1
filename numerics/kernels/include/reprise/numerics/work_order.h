#pragma once

namespace reprise::numerics {

/// Among whose work a GPU does that of a Device, in the order in which it was given. kLibTorch: CUDA's default stream,
/// which LibTorch uses where it is not told otherwise; passes cannot be recorded there.
enum class WorkOrder { kOwn, kLibTorch };

}  // namespace reprise::numerics
