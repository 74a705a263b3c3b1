#include "reprise/numerics/function_digests.h"

#include <array>
#include <bit>

#include "reprise/numerics/exact_functions.h"

namespace reprise::numerics {
namespace {

static_assert(std::endian::native == std::endian::little, "outputs are hashed as they lie in memory");

constexpr std::uint64_t kNumBlocks = (1ull << 32) / kFunctionBlock;

constexpr PublishedFunction kPublished[] = {
    {"exp", exact_exp, 1.0417, "3e5fb9cdd9dc6de89344d185c61f77aef18936d325c24e59d39362ddb2e3120e",
     "1ffe730ff67ba2569a33b445facc9a6d462d063f1ad0297e6a46ab1b08254b9b"},
    {"log", exact_log, 0.8217, "96626cac8df7b52809f290ec9a4184f5ba9417124f98be571422b10333cab49e",
     "ff6a379c366d91483e4bbc5ecbae4b2e118ba50c78bfa2915f6d5598f2065619"},
    {"sigmoid", exact_sigmoid, 0.8186, "bdbdab130e53646431a43a64426d1a456200fe44bbabf50c79ecab677624a672",
     "b8c323a741857520bb670df50a1d381c5119283c3793ff261f11016e046736c3"},
    {"tanh", exact_tanh, 1.3473, "0fc3ad6a9aff77475705feac9c4a1fdf0202c2573c7621f1440890e594207db9",
     "ad71d3e8cb6702ec4d01bd1cf4dfd08b19d92ddb939efdb801bb002f768ad7a4"},
    {"erf", exact_erf, 0.8926, "392b743b252a6d316efceb281bfade56cfc38152a6d03306d47f93576402c626",
     "2a70b991cf6cd93e6b143759fa9e63b13d61b7e975c037e0fd4fb83fbe317fdf"},
    {"sin", exact_sin, 1.2059, "38ffda709c5ee628220f4b0d1829c03b87dc7a0b3fb94f3c2da99f8acfa2c840",
     "b6f91b006a71961ed853c867c36561ab27440499fc70192074259b3842ba2ea6"},
    {"cos", exact_cos, 1.2049, "8f16ef9b9664b8d3c4b20c84a29cc4598db9ef546509167e1e358e668e48e6e7",
     "8bdb16d38104aee28d2082e5676f6e2599778123b2e3b23753151264f099f592"},
    {"rsqrt", exact_rsqrt, 1.4903, "3afa1fb0332558d3ab7b477172332cb1c8a267e6eb9c2dcd05ef8609681117a9",
     "25dd2af6114e27833e0aa0066cef6e08294949375b7247eca3f1fe121d166f76"},
};

std::uint64_t stride(FunctionInputs inputs) { return inputs == FunctionInputs::kAll ? 1 : kSampleStride; }

}  // namespace

std::span<const PublishedFunction> published_functions() { return kPublished; }

std::uint64_t num_function_inputs(FunctionInputs inputs) {
  const std::uint64_t step = stride(inputs);
  return (kNumBlocks + step - 1) / step * kFunctionBlock;
}

void for_each_function_block(FunctionInputs inputs, const std::function<void(std::span<const float> x)>& visit) {
  std::array<float, kFunctionBlock> x;
  for (std::uint64_t block = 0; block < kNumBlocks; block += stride(inputs)) {
    for (std::uint64_t i = 0; i < kFunctionBlock; ++i) {
      x[i] = std::bit_cast<float>(static_cast<std::uint32_t>(block * kFunctionBlock + i));
    }
    visit(x);
  }
}

Digest function_digest(const EvaluateFunction& evaluate, FunctionInputs inputs) {
  Sha256 hash;
  std::array<float, kFunctionBlock> y;
  for_each_function_block(inputs, [&](std::span<const float> x) {
    evaluate(static_cast<std::int64_t>(x.size()), x.data(), y.data());
    hash.update(std::as_bytes(std::span<const float>(y)));
  });
  return hash.finish();
}

std::vector<FunctionCheck> check_functions(FunctionInputs inputs, std::span<const PublishedFunction> functions) {
  std::vector<FunctionCheck> checks;
  for (const PublishedFunction& function : functions) {
    const std::string_view published = inputs == FunctionInputs::kAll ? function.all_digest : function.sample_digest;
    checks.push_back({function, function_digest(function.evaluate, inputs), published});
  }
  return checks;
}

}  // namespace reprise::numerics
