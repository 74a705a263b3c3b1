#include "cuda_device.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "activation.h"
#include "attention.h"
#include "chunk_digests.h"
#include "cuda_native_kernels.h"
#include "dropout.h"
#include "elementwise.h"
#include "embedding.h"
#include "exact_functions.h"
#include "gemm.h"
#include "head_loss.h"
#include "linear_bias.h"
#include "norm.h"
#include "optimizer.h"
#include "queue.h"
#include "reprise/core/error.h"
#include "rotary.h"

namespace reprise::numerics::cuda {
namespace {

RotaryShape rotary_shape(std::int64_t num_sequences, std::int64_t length, const RotaryLayout& layout) {
  REPRISE_CHECK_EQ(layout.rotary_dim % 2, 0);
  REPRISE_CHECK(0 < layout.rotary_dim && layout.rotary_dim <= layout.head_dim);
  return {num_sequences * length,
          length,
          static_cast<int>(layout.num_heads),
          static_cast<int>(layout.head_dim),
          static_cast<int>(layout.rotary_dim),
          layout.pairs == RotaryPairs::kInterleaved};
}

/// What the CPU checks, but for document starts.
void check_attention(const AttentionShape& shape, const AttentionOptions& options) {
  const auto fail = [](const char* problem) {
    throw Error(ErrorKind::kInternal, std::string("attention: ") + problem);
  };
  constexpr std::int64_t kLargestLength = 1 << 24;  // distances stay exact in float32
  if (shape.length > kLargestLength) fail("sequences are longer than 2^24");
  if (shape.num_kv_heads < 1 || shape.num_heads % shape.num_kv_heads != 0) {
    fail("the key-value heads do not divide the query heads");
  }
  if (options.window < 0) fail("the window is negative");
  if (!(options.softcap >= 0.0f)) fail("softcap is not a positive number");
  if (options.alibi_slopes != nullptr && shape.num_heads > kMostSlopes) fail("slopes of more than 256 heads on a GPU");
}

class CudaDevice final : public Device {
 public:
  CudaDevice(int index, std::string_view kind, WorkOrder order)
      : index_(index), kind_(kind), order_(order), queue_(index, order), num_multiprocessors_(device_properties(index).num_multiprocessors) {}

  std::string_view kind() const override { return kind_; }
  std::string description() const override {
    const DeviceProperties properties = device_properties(index_);
    return properties.name + ", " + properties.versions;
  }
  std::optional<int> gpu() const override { return index_; }

  void* take(std::size_t num_bytes) override { return queue_.take(num_bytes); }
  void give(void* memory, std::size_t num_bytes) override { queue_.give(memory, num_bytes); }
  void write(void* to, const void* from_host, std::size_t num_bytes) override {
    queue_.stream().write(to, from_host, num_bytes);
  }
  void read(void* to_host, const void* from, std::size_t num_bytes) override {
    queue_.stream().read(to_host, from, num_bytes);
  }
  void copy(void* to, const void* from, std::size_t num_bytes) override { queue_.stream().copy(to, from, num_bytes); }
  void clear(void* to, std::size_t num_bytes) override { queue_.stream().clear(to, num_bytes); }
  void synchronize() override { queue_.stream().synchronize(); }
  std::function<void()> mark() override { return queue_.mark(); }
  std::size_t bytes_reserved() const override { return queue_.bytes_reserved(); }
  bool give_back_unused() override { return queue_.give_back_unused(); }
  void on_shortage(std::function<void()> others_give_back) override {
    queue_.on_shortage(std::move(others_give_back));
  }

  void* take_host(std::size_t num_bytes) override { return queue_.take_host(num_bytes); }
  void give_host(void* memory, std::size_t num_bytes) override { queue_.give_host(memory, num_bytes); }
  std::function<void()> begin_read(void* to_host, const void* from, std::size_t num_bytes) override {
    return queue_.begin_read(to_host, from, num_bytes);
  }

  void end_piece() override { queue_.end_piece(); }
  std::vector<std::function<void()>> record(const std::function<void()>& pass) override {
    if (order_ == WorkOrder::kLibTorch) return {};  // CUDA captures no default stream
    try {
      queue_.begin_recording();
      pass();  // takes the memory that the recording will write to
      queue_.begin_capture();
      pass();
      return queue_.end_recording();
    } catch (...) {
      queue_.cancel_recording();
      throw;
    }
  }

  void gemm_nt_joint(std::int64_t m, std::int64_t k, const float* a, std::int64_t lda,
                     std::span<const GemmOutput> outputs) override {
    for (const GemmOutput& output : outputs) {
      const ProductPart part{a, lda, 1, output.b, 1, output.ldb, k};
      multiply(m, output.n, {&part, 1}, output.c, output.ldc);
    }
  }
  void gemm_nn_concatenated(std::int64_t m, std::int64_t n, std::span<const GemmPart> parts, float* c,
                            std::int64_t ldc) override {
    std::vector<ProductPart> products;
    for (const GemmPart& part : parts) products.push_back({part.a, part.lda, 1, part.b, part.ldb, 1, part.k});
    multiply(m, n, products, c, ldc);
  }
  void gemm_tn(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda, const float* b,
               std::int64_t ldb, float* c, std::int64_t ldc) override {
    const ProductPart part{a, 1, lda, b, ldb, 1, k};
    multiply(m, n, {&part, 1}, c, ldc);
  }
  void add_bias(std::int64_t num_rows, std::int64_t dim, const float* bias, float* y) override {
    cuda::add_bias(queue_, num_rows, dim, bias, y);
  }
  void bias_gradient(std::int64_t num_rows, std::int64_t dim, const float* dy, float* dbias) override {
    cuda::bias_gradient(queue_, num_rows, dim, dy, dbias);
  }
  void embedding_forward(std::int64_t num_tokens, std::int64_t dim, const std::int32_t* ids, const float* table,
                         float* y) override {
    cuda::embedding_forward(queue_, num_tokens, dim, ids, table, y);
  }
  void embedding_backward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const std::int32_t* ids,
                          const float* dy, float* dtable) override {
    cuda::embedding_backward(queue_, num_tokens, dim, vocab, ids, dy, dtable);
  }
  void add(std::int64_t count, const float* a, const float* b, float* out) override {
    cuda::add(queue_, count, a, b, out);
  }
  void scale_in_place(std::int64_t count, float factor, float* x) override {
    cuda::scale_in_place(queue_, count, factor, x);
  }
  void divide_in_place(std::int64_t count, float divisor, float* x) override {
    cuda::divide_in_place(queue_, count, divisor, x);
  }
  void activation_forward(Activation activation, std::int64_t count, const float* x, float* y) override {
    cuda::activation_forward(queue_, activation, count, x, y);
  }
  void activation_backward(Activation activation, std::int64_t count, const float* x, const float* dy,
                           float* dx) override {
    cuda::activation_backward(queue_, activation, count, x, dy, dx);
  }
  void gated_forward(Activation activation, std::int64_t count, const float* gate, const float* up, float* y) override {
    cuda::gated_forward(queue_, activation, count, gate, up, y);
  }
  void gated_backward(Activation activation, std::int64_t count, const float* gate, const float* up, const float* dy,
                      float* dgate, float* dup) override {
    cuda::gated_backward(queue_, activation, count, gate, up, dy, dgate, dup);
  }
  void dropout(std::int64_t num_sequences, std::int64_t count, const DropoutRule& rule, const std::uint64_t* samples,
               const float* x, float* y) override {
    REPRISE_CHECK(count <= std::int64_t{1} << 34);
    cuda::dropout(queue_, num_sequences, count, rule, samples, x, y);
  }
  void exact_function(ExactFunction function, std::int64_t count, const float* x, float* y) override {
    switch (function) {
      case ExactFunction::kExp:
        return exact_exp(queue_, count, x, y);
      case ExactFunction::kLog:
        return exact_log(queue_, count, x, y);
      case ExactFunction::kSigmoid:
        return exact_sigmoid(queue_, count, x, y);
      case ExactFunction::kTanh:
        return exact_tanh(queue_, count, x, y);
      case ExactFunction::kErf:
        return exact_erf(queue_, count, x, y);
      case ExactFunction::kSin:
        return exact_sin(queue_, count, x, y);
      case ExactFunction::kCos:
        return exact_cos(queue_, count, x, y);
      case ExactFunction::kRsqrt:
        return exact_rsqrt(queue_, count, x, y);
    }
  }
  void rms_norm_forward(std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight, float epsilon,
                        float* y, float* inverse_rms) override {
    cuda::rms_norm_forward(queue_, num_rows, dim, x, weight, epsilon, y, inverse_rms);
  }
  void rms_norm_backward(std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x, const float* weight,
                         const float* inverse_rms, float* dx, float* dweight) override {
    cuda::rms_norm_backward(queue_, num_rows, dim, dy, x, weight, inverse_rms, dx, dweight);
  }
  void layer_norm_forward(std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight,
                          const float* bias, float epsilon, float* y, float* mean, float* inverse_deviation) override {
    cuda::layer_norm_forward(queue_, num_rows, dim, x, weight, bias, epsilon, y, mean, inverse_deviation);
  }
  void layer_norm_backward(std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x,
                           const float* weight, const float* mean, const float* inverse_deviation, float* dx,
                           float* dweight, float* dbias) override {
    cuda::layer_norm_backward(queue_, num_rows, dim, dy, x, weight, mean, inverse_deviation, dx, dweight, dbias);
  }
  void rotary_forward(std::int64_t num_sequences, std::int64_t length, const RotaryLayout& layout, const float* x,
                      const float* cos, const float* sin, float* y) override {
    rotate(queue_, rotary_shape(num_sequences, length, layout), 1.0f, x, cos, sin, y);
  }
  void rotary_backward(std::int64_t num_sequences, std::int64_t length, const RotaryLayout& layout, const float* dy,
                       const float* cos, const float* sin, float* dx) override {
    rotate(queue_, rotary_shape(num_sequences, length, layout), -1.0f, dy, cos, sin, dx);
  }
  void attention_forward(const AttentionShape& shape, const AttentionOptions& options, const float* q, const float* k,
                         const float* v, float* out, float* row_max, float* row_sum) override {
    check_attention(shape, options);
    cuda::attention_forward(queue_, shape, options, q, k, v, out, row_max, row_sum);
  }
  void attention_backward(const AttentionShape& shape, const AttentionOptions& options, const float* q, const float* k,
                          const float* v, const float* out, const float* row_max, const float* row_sum,
                          const float* dout, float* dq, float* dk, float* dv) override {
    check_attention(shape, options);
    cuda::attention_backward(queue_, shape, options, q, k, v, out, row_max, row_sum, dout, dq, dk, dv);
  }
  void head_loss_forward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const float* h,
                         const float* weight, const std::int32_t* targets, float* cross_entropy, float* z) override {
    head_loss(queue_, num_multiprocessors_,
              {num_tokens, dim, vocab, h, weight, targets, 0.0f, cross_entropy, z, nullptr, nullptr});
  }
  void head_loss_forward_backward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const float* h,
                                  const float* weight, const std::int32_t* targets, float z_weight,
                                  float* cross_entropy, float* z, float* dh, float* dweight) override {
    head_loss(queue_, num_multiprocessors_,
              {num_tokens, dim, vocab, h, weight, targets, z_weight, cross_entropy, z, dh, dweight});
  }
  void chunk_sums_of_squares(std::int64_t count, const float* x, float* sums) override {
    cuda::chunk_sums_of_squares(queue_, count, x, sums);
  }
  void adamw_update(std::int64_t count, const AdamWStep& step, const float* g, float* w, float* m, float* v) override {
    cuda::adamw_update(queue_, count, step, g, w, m, v);
  }
  void digest_chunks(std::int64_t num_chunks, const std::int32_t* lengths, const float* x, std::uint8_t* digests,
                     std::uint8_t* non_finite) override {
    constexpr std::uintptr_t kAlignment = 16;
    REPRISE_CHECK_EQ(reinterpret_cast<std::uintptr_t>(x) % kAlignment, 0u);
    REPRISE_CHECK_EQ(reinterpret_cast<std::uintptr_t>(digests) % kAlignment, 0u);
    cuda::digest_chunks(queue_, num_chunks, lengths, x, reinterpret_cast<std::uint32_t*>(digests), non_finite);
  }
  NativeKernels* native_kernels() override { return &native_kernels_; }

 private:
  void multiply(std::int64_t m, std::int64_t n, std::span<const ProductPart> parts, float* c, std::int64_t ldc) {
    std::int64_t k = 0;
    for (const ProductPart& part : parts) k += part.k;
    REPRISE_CHECK(parts.size() <= kMaxProductParts && std::max({m, n, k}) <= kMaxProductLength);
    multiply_parts(queue_, num_multiprocessors_, m, n, parts, c, ldc, false);
  }

  int index_;
  std::string kind_;
  WorkOrder order_;
  Queue queue_;
  CudaNativeKernels native_kernels_{queue_};
  int num_multiprocessors_;
};

}  // namespace

std::unique_ptr<Device> make_device(int index, std::string_view kind, WorkOrder order) {
  const DeviceProperties properties = device_properties(index);
  if (properties.shared_bytes_per_block < kLeastSharedBytes) {
    throw Error(ErrorKind::kDevice,
                properties.name + ", " + properties.versions + ": a kernel can have " +
                    std::to_string(properties.shared_bytes_per_block >> 10) + " KiB of shared memory, and needs " +
                    std::to_string(kLeastSharedBytes >> 10),
                "compute capability 8.0 and every later one have it: A100, H100, B200, RTX 30 and later");
  }
  return std::make_unique<CudaDevice>(index, kind, order);
}

}  // namespace reprise::numerics::cuda
