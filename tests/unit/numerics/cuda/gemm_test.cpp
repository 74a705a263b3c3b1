// [C-3] on a GPU: every layout, tile and split of k against the CPU.

#include "gemm.h"

#include <limits>

#include "two_devices.h"

namespace reprise::numerics {
namespace {

using Index = std::int64_t;
using cuda::ProductPlan;
using cuda::TileSize;

struct Operand {
  Index rows, columns;  // in memory
  Index stride;
  Index offset;  // from an address aligned to 256 bytes
};

/// Random values with NaNs wherever no operand is.
std::vector<float> operand_values(const Operand& operand, unsigned seed) {
  const std::vector<float> random = random_values(operand.rows * operand.columns, seed, true);
  std::vector<float> values(static_cast<std::size_t>(operand.offset + operand.rows * operand.stride),
                            std::numeric_limits<float>::quiet_NaN());
  for (Index i = 0; i < operand.rows; ++i) {
    for (Index j = 0; j < operand.columns; ++j) {
      values[operand.offset + i * operand.stride + j] = random[i * operand.columns + j];
    }
  }
  return values;
}

enum class Kind { kNt, kNn, kTn };

struct Case {
  Kind kind;
  Index m, n;
  std::vector<Index> sizes;  // k of the parts
  Index gap = 0;             // behind each row of the operands and of c
  Index offset = 0;          // of all of them, in floats
  bool continue_sums = false;
};

/// Runs `multiply(parts, c, ldc)` on operands in `memory` and returns c with all that lies between and behind its
/// rows.
template <typename Multiply>
std::vector<float> product(const Case& shape, DeviceMemory& memory, const Multiply& multiply) {
  std::vector<ProductPart> parts;
  unsigned seed = 1;
  for (const Index k : shape.sizes) {
    const Index a_rows = shape.kind == Kind::kTn ? k : shape.m, a_columns = shape.kind == Kind::kTn ? shape.m : k;
    const Index b_rows = shape.kind == Kind::kNt ? shape.n : k, b_columns = shape.kind == Kind::kNt ? k : shape.n;
    const Index lda = a_columns + shape.gap, ldb = b_columns + shape.gap;
    const float* const a = memory.copy_of(operand_values({a_rows, a_columns, lda, shape.offset}, seed++));
    const float* const b = memory.copy_of(operand_values({b_rows, b_columns, ldb, shape.offset}, seed++));
    ProductPart part{a + shape.offset, lda, 1, b + shape.offset, ldb, 1, k};
    if (shape.kind == Kind::kTn) std::swap(part.a_row, part.a_k);
    if (shape.kind == Kind::kNt) std::swap(part.b_k, part.b_column);
    parts.push_back(part);
  }
  const Index ldc = shape.n + shape.gap, count = shape.offset + (shape.m + 4) * ldc;
  float* const c = memory.copy_of(random_values(count, 99));
  multiply(parts, c + shape.offset, ldc);
  return memory.values(c, count);
}

void expect_product(const Case& shape, const ProductPlan& plan, const std::vector<float>& expected) {
  for (const char* order : {"forward", "backward", "20251122"}) {
    setenv("REPRISE_EMULATION_ORDER", order, 1);
    const std::unique_ptr<Device> device = emulation::make_emulated_device();
    DeviceMemory memory(*device);
    cuda::Queue queue(0);
    const std::vector<float> found =
        product(shape, memory, [&](const std::vector<ProductPart>& parts, float* c, Index ldc) {
          cuda::multiply_parts(queue, shape.m, shape.n, parts, c, ldc, shape.continue_sums, plan);
          queue.stream().synchronize();  // which the device knows nothing of
        });
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(found[i]), std::bit_cast<std::uint32_t>(expected[i]))
          << "element " << i << ": " << found[i] << " on the GPU, " << expected[i] << " on the CPU; order " << order;
    }
  }
}

void expect_product(const Case& shape, std::initializer_list<ProductPlan> plans) {
  DeviceMemory memory(cpu_device());
  const std::vector<float> expected =
      product(shape, memory, [&](const std::vector<ProductPart>& parts, float* c, Index ldc) {
        multiply_parts(shape.m, shape.n, parts, c, ldc, shape.continue_sums);
      });
  for (const ProductPlan& plan : plans) {
    SCOPED_TRACE(testing::Message() << "kind " << static_cast<int>(shape.kind) << ", " << shape.m << " x " << shape.n
                                    << ", " << shape.sizes.size() << " parts, first " << shape.sizes[0] << ", gap "
                                    << shape.gap << ", offset " << shape.offset << ", tile "
                                    << static_cast<int>(plan.tile) << ", splits " << plan.num_splits);
    expect_product(shape, plan, expected);
  }
}

constexpr ProductPlan kLarge{TileSize::kLarge, 1}, kSmall{TileSize::kSmall, 1};

TEST(CudaGemm, EveryLayoutAlignedOrNotHasTheBitsOfTheCpu) {
  for (const Kind kind : {Kind::kNt, Kind::kNn, Kind::kTn}) {
    expect_product({kind, 132, 140, {40}}, {kLarge, kSmall});
    expect_product({kind, 132, 140, {40}, 1}, {kLarge, kSmall});
    expect_product({kind, 132, 140, {40}, 4, 1}, {kLarge, kSmall});
  }
}

TEST(CudaGemm, EdgesOfTilesHaveTheBitsOfTheCpu) {
  for (const Kind kind : {Kind::kNt, Kind::kNn, Kind::kTn}) {
    for (const Index m : {1, 19, 31, 32, 33, 63, 65}) expect_product({kind, m, 68, {19}, 4}, {kSmall});
    for (const Index n : {1, 2, 3, 35, 36, 37, 63, 64, 65}) expect_product({kind, 21, n, {17}, 64 - n % 4}, {kSmall});
    for (const Index m : {127, 128, 129}) expect_product({kind, m, m, {18}}, {kLarge});
    expect_product({kind, 1, 1, {1}}, {kLarge, kSmall});
  }
}

TEST(CudaGemm, SegmentsEndWhereTheCpusDo) {
  for (const Kind kind : {Kind::kNt, Kind::kNn, Kind::kTn}) {
    for (const Index k : {1, 15, 16, 255, 256, 257, 511, 512, 513, 1000}) {
      expect_product({kind, 9, 20, {k}}, {kSmall, {TileSize::kSmall, 2}});
    }
    expect_product({kind, 9, 20, {1000}},
                   {kLarge, {TileSize::kLarge, 3}, {TileSize::kLarge, 4}, {TileSize::kSmall, 64}});
    for (const Index k : {31, 32, 33, 63}) expect_product({kind, 9, 20, {k}}, {kLarge});
    expect_product({kind, 40, 70, {600}}, {kLarge, kSmall, {TileSize::kSmall, 3}});
  }
}

TEST(CudaGemm, SegmentsRunOverAConcatenatedAxis) {
  const std::vector<Index> many = {100, 156, 0, 300, 1, 7, 16, 33};
  for (const std::vector<Index>& sizes : {many, {0, 5}, {256, 256}, {3, 0}, {512, 64, 64}}) {
    expect_product({Kind::kNn, 34, 37, sizes}, {kLarge, kSmall, {TileSize::kSmall, 2}, {TileSize::kLarge, 3}});
    expect_product({Kind::kNn, 34, 40, sizes, 8}, {kSmall, {TileSize::kSmall, 3}});
  }
}

TEST(CudaGemm, NoTermsGiveZeroUnlessSumsAreContinued) {
  for (const std::vector<Index>& sizes : {std::vector<Index>{0}, {0, 0}}) {
    expect_product({Kind::kNn, 5, 7, sizes, 2}, {kLarge, {TileSize::kSmall, 2}});
    expect_product({Kind::kNn, 5, 7, sizes, 2, 0, true}, {kLarge, {TileSize::kSmall, 2}});
  }
  expect_product({Kind::kNt, 0, 7, {3}}, {kLarge});
  expect_product({Kind::kNt, 7, 0, {3}}, {kLarge});
}

TEST(CudaGemm, SumsOfEarlierSegmentsAreContinued) {
  for (const Index k : {20, 256, 530}) {
    expect_product({Kind::kTn, 70, 72, {k}, 0, 0, true}, {kLarge, kSmall, {TileSize::kSmall, 3}});
    expect_product({Kind::kTn, 35, 37, {k}, 3, 2, true}, {kLarge, kSmall, {TileSize::kSmall, 3}});
  }
  for (const Kind kind : {Kind::kNt, Kind::kNn, Kind::kTn}) {
    for (const Index offset : {0, 1}) {
      expect_product({kind, 70, 72, {300}, 4, offset, true}, {kLarge, kSmall, {TileSize::kLarge, 2}});
    }
  }
}

TEST(CudaGemm, ManyTilesAreEachComputedOnce) {
  // More than a band of 16 tiles down, several across.
  expect_product({Kind::kNt, 1100, 130, {3}}, {kSmall});
}

TEST(CudaGemm, DevicesPlanTheirProductsThemselves) {
  const Index m = 70, k = 515, lda = 516;
  expect_same_bits([=](Device& device, DeviceMemory& memory) {
    const float* const a = memory.copy_of(random_values(m * lda, 1, true));
    std::vector<GemmOutput> outputs;
    for (const Index n : {64, 1, 35}) {
      const float* const b = memory.copy_of(random_values(n * k, 2 + static_cast<unsigned>(n), true));
      outputs.push_back({b, k, n, memory.output(m * n), n});
    }
    device.gemm_nt_joint(m, k, a, lda, outputs);
    std::vector<float> all;
    for (const GemmOutput& output : outputs) append(all, memory.values(output.c, m * output.n));

    const float *const q = memory.copy_of(random_values(m * 24, 50)), *const w =
                                                                          memory.copy_of(random_values(24 * 40, 51));
    const GemmPart parts[] = {{q, 24, w, 40, 24}, {a, lda, memory.copy_of(random_values(k * 40, 52)), 40, k}};
    float* const dx = memory.output(m * 40);
    device.gemm_nn_concatenated(m, 40, parts, dx, 40);
    append(all, memory.values(dx, m * 40));

    float* const dw = memory.output(24 * 40);
    device.gemm_tn(24, 40, m, q, 24, dx, 40, dw, 40);
    append(all, memory.values(dw, 24 * 40));
    return all;
  });
}

TEST(CudaGemm, NothingBesideTheTermsEntersASum) {
  // Infinities times a padded zero would be NaNs; a -0 plus a padded +0 would be +0.
  const float infinity = std::numeric_limits<float>::infinity();
  expect_same_bits([=](Device& device, DeviceMemory& memory) {
    const Index k = 5;
    const float* const a = memory.copy_of(std::vector<float>{infinity, 1.0f, 1.0f, 1.0f, 1.0f, 0x1p-149f, 0, 0, 0, 0});
    const float* const b =
        memory.copy_of(std::vector<float>{1.0f, -1.0f, -1.0f, -1.0f, -1.0f, -0x1p-149f, -0.0f, -0.0f, -0.0f, -0.0f});
    const GemmOutput output{b, k, 2, memory.output(4), 2};
    device.gemm_nt_joint(2, k, a, k, {&output, 1});
    return memory.values(output.c, 4);
  });
}

TEST(CudaGemm, PlansFillAGpu) {
  const auto plan = [](Index m, Index n, Index k) { return cuda::plan_product(m, n, k, 132); };
  EXPECT_EQ(plan(16384, 4096, 4096).tile, TileSize::kLarge);
  EXPECT_EQ(plan(16384, 4096, 4096).num_splits, 1);
  EXPECT_EQ(plan(64, 64, 256).tile, TileSize::kSmall);
  EXPECT_EQ(plan(64, 64, 256).num_splits, 1);
  EXPECT_GT(plan(256, 256, 65536).num_splits, 16);
  EXPECT_EQ(plan(5, 5, 0).num_splits, 1);
}

}  // namespace
}  // namespace reprise::numerics
