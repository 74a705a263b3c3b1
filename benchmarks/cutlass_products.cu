// CUTLASS's matrix products without tensor cores, y = x W^T, to count their machine code beside ours
// (docs/benchmarks.md, "Registers and instructions"). cuBLAS, whose licence forbids to take it apart, has kernels that
// bear the names of these: cutlass_80_simt_sgemm_128x128_8x4, 128x256_8x4. Headers: the wheel nvidia-cutlass.
//
//     nvcc -std=c++17 -O3 -arch=sm_90 -cubin -DCOLUMNS=128 -I cutlass_library/source/include -o 128.cubin THIS FILE

#include <cutlass/gemm/device/gemm.h>

namespace {

using RowMajor = cutlass::layout::RowMajor;
using ColumnMajor = cutlass::layout::ColumnMajor;
using Block = cutlass::gemm::GemmShape<128, COLUMNS, 8>;
using Warp = cutlass::gemm::GemmShape<COLUMNS == 256 ? 64 : 32, 64, 8>;
using Product =
    cutlass::gemm::device::Gemm<float, RowMajor, float, ColumnMajor, float, RowMajor, float, cutlass::arch::OpClassSimt,
                                cutlass::arch::Sm80, Block, Warp, cutlass::gemm::GemmShape<1, 1, 1>,
                                cutlass::epilogue::thread::LinearCombination<float, 1, float, float>,
                                cutlass::gemm::threadblock::GemmIdentityThreadblockSwizzle<>, 4>;

}  // namespace

template __global__ void cutlass::Kernel<Product::GemmKernel>(Product::GemmKernel::Params);
