#pragma once
// The CPU as a Device: the free functions of kernels.h, and the process's memory.

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include "reprise/core/hash.h"
#include "reprise/core/large_memory.h"
#include "reprise/core/tensor_layout.h"
#include "reprise/numerics/device.h"
#include "reprise/numerics/exact_functions.h"
#include "reprise/numerics/target.h"

namespace reprise::numerics {

/// Thread-safe.
class CpuDevice : public Device {
 public:
  std::string_view kind() const override { return "cpu"; }
  std::string description() const override { return std::string(to_string(active_target())); }

  void* take(std::size_t num_bytes) override { return pool_.take(num_bytes); }
  void give(void* memory, std::size_t num_bytes) override { pool_.give(memory, num_bytes); }
  void write(void* to, const void* from_host, std::size_t num_bytes) override { std::memcpy(to, from_host, num_bytes); }
  void read(void* to_host, const void* from, std::size_t num_bytes) override { std::memcpy(to_host, from, num_bytes); }
  void copy(void* to, const void* from, std::size_t num_bytes) override { std::memcpy(to, from, num_bytes); }
  void clear(void* to, std::size_t num_bytes) override { std::memset(to, 0, num_bytes); }
  void synchronize() override {}
  std::function<void()> mark() override {
    return [] {};
  }
  std::size_t bytes_reserved() const override { return pool_.bytes_reserved(); }
  void* take_host(std::size_t num_bytes) override { return pool_.take(num_bytes); }
  void give_host(void* memory, std::size_t num_bytes) override { pool_.give(memory, num_bytes); }
  std::function<void()> begin_read(void* to_host, const void* from, std::size_t num_bytes) override {
    std::memcpy(to_host, from, num_bytes);
    return [] {};
  }
  std::vector<std::function<void()>> record(const std::function<void()>&) override { return {}; }
  void end_piece() override {}

  void gemm_nt_joint(std::int64_t m, std::int64_t k, const float* a, std::int64_t lda,
                     std::span<const GemmOutput> outputs) override {
    numerics::gemm_nt_joint(m, k, a, lda, outputs);
  }
  void gemm_nn_concatenated(std::int64_t m, std::int64_t n, std::span<const GemmPart> parts, float* c,
                            std::int64_t ldc) override {
    numerics::gemm_nn_concatenated(m, n, parts, c, ldc);
  }
  void gemm_tn(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda, const float* b,
               std::int64_t ldb, float* c, std::int64_t ldc) override {
    numerics::gemm_tn(m, n, k, a, lda, b, ldb, c, ldc);
  }
  void add_bias(std::int64_t num_rows, std::int64_t dim, const float* bias, float* y) override {
    numerics::add_bias(num_rows, dim, bias, y);
  }
  void bias_gradient(std::int64_t num_rows, std::int64_t dim, const float* dy, float* dbias) override {
    numerics::bias_gradient(num_rows, dim, dy, dbias);
  }
  void embedding_forward(std::int64_t num_tokens, std::int64_t dim, const std::int32_t* ids, const float* table,
                         float* y) override {
    numerics::embedding_forward(num_tokens, dim, ids, table, y);
  }
  void embedding_backward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const std::int32_t* ids,
                          const float* dy, float* dtable) override {
    numerics::embedding_backward(num_tokens, dim, vocab, ids, dy, dtable);
  }
  void add(std::int64_t count, const float* a, const float* b, float* out) override { numerics::add(count, a, b, out); }
  void scale_in_place(std::int64_t count, float factor, float* x) override {
    numerics::scale_in_place(count, factor, x);
  }
  void divide_in_place(std::int64_t count, float divisor, float* x) override {
    numerics::divide_in_place(count, divisor, x);
  }
  void activation_forward(Activation activation, std::int64_t count, const float* x, float* y) override {
    numerics::activation_forward(activation, count, x, y);
  }
  void activation_backward(Activation activation, std::int64_t count, const float* x, const float* dy,
                           float* dx) override {
    numerics::activation_backward(activation, count, x, dy, dx);
  }
  void gated_forward(Activation activation, std::int64_t count, const float* gate, const float* up, float* y) override {
    numerics::gated_forward(activation, count, gate, up, y);
  }
  void gated_backward(Activation activation, std::int64_t count, const float* gate, const float* up, const float* dy,
                      float* dgate, float* dup) override {
    numerics::gated_backward(activation, count, gate, up, dy, dgate, dup);
  }
  void dropout(std::int64_t num_sequences, std::int64_t count, const DropoutRule& rule, const std::uint64_t* samples,
               const float* x, float* y) override {
    numerics::dropout(num_sequences, count, rule, samples, x, y);
  }
  void exact_function(ExactFunction function, std::int64_t count, const float* x, float* y) override {
    switch (function) {
      case ExactFunction::kExp:
        return exact_exp(count, x, y);
      case ExactFunction::kLog:
        return exact_log(count, x, y);
      case ExactFunction::kSigmoid:
        return exact_sigmoid(count, x, y);
      case ExactFunction::kTanh:
        return exact_tanh(count, x, y);
      case ExactFunction::kErf:
        return exact_erf(count, x, y);
      case ExactFunction::kSin:
        return exact_sin(count, x, y);
      case ExactFunction::kCos:
        return exact_cos(count, x, y);
      case ExactFunction::kRsqrt:
        return exact_rsqrt(count, x, y);
    }
  }
  void rms_norm_forward(std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight, float epsilon,
                        float* y, float* inverse_rms) override {
    numerics::rms_norm_forward(num_rows, dim, x, weight, epsilon, y, inverse_rms);
  }
  void rms_norm_backward(std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x, const float* weight,
                         const float* inverse_rms, float* dx, float* dweight) override {
    numerics::rms_norm_backward(num_rows, dim, dy, x, weight, inverse_rms, dx, dweight);
  }
  void layer_norm_forward(std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight,
                          const float* bias, float epsilon, float* y, float* mean, float* inverse_deviation) override {
    numerics::layer_norm_forward(num_rows, dim, x, weight, bias, epsilon, y, mean, inverse_deviation);
  }
  void layer_norm_backward(std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x,
                           const float* weight, const float* mean, const float* inverse_deviation, float* dx,
                           float* dweight, float* dbias) override {
    numerics::layer_norm_backward(num_rows, dim, dy, x, weight, mean, inverse_deviation, dx, dweight, dbias);
  }
  void rotary_forward(std::int64_t num_sequences, std::int64_t length, const RotaryLayout& layout, const float* x,
                      const float* cos, const float* sin, float* y) override {
    numerics::rotary_forward(num_sequences, length, layout, x, cos, sin, y);
  }
  void rotary_backward(std::int64_t num_sequences, std::int64_t length, const RotaryLayout& layout, const float* dy,
                       const float* cos, const float* sin, float* dx) override {
    numerics::rotary_backward(num_sequences, length, layout, dy, cos, sin, dx);
  }
  void attention_forward(const AttentionShape& shape, const AttentionOptions& options, const float* q, const float* k,
                         const float* v, float* out, float* row_max, float* row_sum) override {
    numerics::attention_forward(shape, options, q, k, v, out, row_max, row_sum);
  }
  void attention_backward(const AttentionShape& shape, const AttentionOptions& options, const float* q, const float* k,
                          const float* v, const float* out, const float* row_max, const float* row_sum,
                          const float* dout, float* dq, float* dk, float* dv) override {
    numerics::attention_backward(shape, options, q, k, v, out, row_max, row_sum, dout, dq, dk, dv);
  }
  void head_loss_forward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const float* h,
                         const float* weight, const std::int32_t* targets, float* cross_entropy, float* z) override {
    numerics::head_loss_forward(num_tokens, dim, vocab, h, weight, targets, cross_entropy, z);
  }
  void head_loss_forward_backward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const float* h,
                                  const float* weight, const std::int32_t* targets, float z_weight,
                                  float* cross_entropy, float* z, float* dh, float* dweight) override {
    numerics::head_loss_forward_backward(num_tokens, dim, vocab, h, weight, targets, z_weight, cross_entropy, z, dh,
                                         dweight);
  }
  void chunk_sums_of_squares(std::int64_t count, const float* x, float* sums) override {
    for (std::int64_t first = 0; first < count; first += kChunkElements) {
      *sums++ = chunk_sum_of_squares(std::min<std::int64_t>(kChunkElements, count - first), x + first);
    }
  }
  void adamw_update(std::int64_t count, const AdamWStep& step, const float* g, float* w, float* m, float* v) override {
    numerics::adamw_update(count, step, g, w, m, v);
  }
  void digest_chunks(std::int64_t num_chunks, const std::int32_t* lengths, const float* x, std::uint8_t* digests,
                     std::uint8_t* non_finite) override {
    for (std::int64_t chunk = 0; chunk < num_chunks; ++chunk) {
      const std::span<const float> values(x + chunk * kChunkElements, static_cast<std::size_t>(lengths[chunk]));
      const Digest digest = sha256(std::as_bytes(values));
      std::copy(digest.bytes.begin(), digest.bytes.end(), digests + chunk * std::ssize(digest.bytes));
      non_finite[chunk] = find_non_finite(lengths[chunk], values.data()) < 0 ? 0 : 1;
    }
  }

 private:
  MemoryPool pool_;
};

}  // namespace reprise::numerics
