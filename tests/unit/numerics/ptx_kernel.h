#pragma once
// Small kernels for the machine that executes PTX (doubles/ptx), and launches of them.

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "machine.h"

namespace reprise::ptx {

using Words = std::vector<std::uint32_t>;

/// A kernel of one parameter, an array of 32-bit words: %rd0 is its begin, %rd1 the place of the thread's word, %r0 the
/// number of the thread.
inline std::string kernel(const std::string& statements, const std::string& declarations = {}) {
  return R"(
.version 9.0
.target sm_90
.address_size 64
.extern .shared .align 16 .b8 dynamic[];
.visible .entry tested(
	.param .u64 tested_param_0
)
.maxntid 256, 1, 1
{
	.reg .pred 	%p<10>;
	.reg .b16 	%rs<10>;
	.reg .f32 	%f<10>;
	.reg .b32 	%r<20>;
	.reg .b64 	%rd<20>;
)" + declarations +
         R"(
	ld.param.u64 	%rd19, [tested_param_0];
	cvta.to.global.u64 	%rd0, %rd19;
	mov.u32 	%r0, %tid.x;
	mul.wide.u32 	%rd18, %r0, 4;
	add.s64 	%rd1, %rd0, %rd18;
)" + statements +
         "\n\tret;\n}\n";
}

struct Shape {
  std::uint32_t blocks = 1, threads = 1;
  std::uint32_t dynamic_shared = 0;  // bytes
  Order order = Order::kForward;
};

/// Executes a kernel whose parameter is `words`.
inline void run(const std::string& text, std::span<std::uint32_t> words, const Shape& shape, Races* races = nullptr) {
  const Module module = parse_module(text);
  const auto begin = reinterpret_cast<std::uint64_t>(words.data());
  Launch launch{module.at("tested"),  {shape.blocks, 1, 1},      {shape.threads, 1, 1},
                shape.dynamic_shared, std::vector<std::byte>(8), shape.order};
  std::memcpy(launch.parameters.data(), &begin, 8);
  Uses uses;
  const auto find_range = [&](std::uint64_t) { return Range{begin, begin + words.size_bytes()}; };
  execute(launch, find_range, uses, false, races);
}

}  // namespace reprise::ptx
