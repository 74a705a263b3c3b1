#include "cuda_device.h"

#include <algorithm>
#include <string>
#include <vector>

#include "elementwise.h"
#include "exact_functions.h"
#include "gemm.h"
#include "head_loss.h"
#include "queue.h"
#include "reprise/core/error.h"

namespace reprise::numerics::cuda {
namespace {

[[noreturn]] void not_yet(const char* what) {
  throw Error(ErrorKind::kInternal, std::string("no kernel yet: ") + what);
}

class CudaDevice final : public Device {
 public:
  CudaDevice(int index, std::string_view kind)
      : index_(index), kind_(kind), queue_(index), num_multiprocessors_(device_properties(index).num_multiprocessors) {}

  std::string_view kind() const override { return kind_; }
  std::string description() const override {
    const DeviceProperties properties = device_properties(index_);
    return properties.name + ", " + properties.versions;
  }

  void* take(std::size_t num_bytes) override { return queue_.take(num_bytes); }
  void give(void* memory, std::size_t num_bytes) override { queue_.give(memory, num_bytes); }
  void write(void* to, const void* from_host, std::size_t num_bytes) override {
    queue_.stream().write(to, from_host, num_bytes);
  }
  void read(void* to_host, const void* from, std::size_t num_bytes) override {
    queue_.stream().read(to_host, from, num_bytes);
  }
  void clear(void* to, std::size_t num_bytes) override { queue_.stream().clear(to, num_bytes); }
  void synchronize() override { queue_.stream().synchronize(); }
  std::size_t bytes_reserved() const override { return queue_.bytes_reserved(); }

  std::function<void()> record(const std::function<void()>& pass) override {
    queue_.stream().begin_capture();
    pass();
    return [graph = std::shared_ptr<Graph>(queue_.stream().end_capture())] { graph->launch(); };
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
  void add_bias(std::int64_t, std::int64_t, const float*, float*) override { not_yet("add_bias"); }
  void bias_gradient(std::int64_t, std::int64_t, const float*, float*) override { not_yet("bias_gradient"); }
  void embedding_forward(std::int64_t, std::int64_t, const std::int32_t*, const float*, float*) override {
    not_yet("embedding_forward");
  }
  void embedding_backward(std::int64_t, std::int64_t, std::int64_t, const std::int32_t*, const float*,
                          float*) override {
    not_yet("embedding_backward");
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
  void activation_forward(Activation, std::int64_t, const float*, float*) override { not_yet("activation_forward"); }
  void activation_backward(Activation, std::int64_t, const float*, const float*, float*) override {
    not_yet("activation_backward");
  }
  void gated_forward(Activation, std::int64_t, const float*, const float*, float*) override {
    not_yet("gated_forward");
  }
  void gated_backward(Activation, std::int64_t, const float*, const float*, const float*, float*, float*) override {
    not_yet("gated_backward");
  }
  void dropout(std::int64_t, std::int64_t, const DropoutRule&, const std::uint64_t*, const float*, float*) override {
    not_yet("dropout");
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
  void rms_norm_forward(std::int64_t, std::int64_t, const float*, const float*, float, float*, float*) override {
    not_yet("rms_norm_forward");
  }
  void rms_norm_backward(std::int64_t, std::int64_t, const float*, const float*, const float*, const float*, float*,
                         float*) override {
    not_yet("rms_norm_backward");
  }
  void layer_norm_forward(std::int64_t, std::int64_t, const float*, const float*, const float*, float, float*, float*,
                          float*) override {
    not_yet("layer_norm_forward");
  }
  void layer_norm_backward(std::int64_t, std::int64_t, const float*, const float*, const float*, const float*,
                           const float*, float*, float*, float*) override {
    not_yet("layer_norm_backward");
  }
  void rotary_forward(std::int64_t, std::int64_t, const RotaryLayout&, const float*, const float*, const float*,
                      float*) override {
    not_yet("rotary_forward");
  }
  void rotary_backward(std::int64_t, std::int64_t, const RotaryLayout&, const float*, const float*, const float*,
                       float*) override {
    not_yet("rotary_backward");
  }
  void attention_forward(const AttentionShape&, const AttentionOptions&, const float*, const float*, const float*,
                         float*, float*, float*) override {
    not_yet("attention_forward");
  }
  void attention_backward(const AttentionShape&, const AttentionOptions&, const float*, const float*, const float*,
                          const float*, const float*, const float*, const float*, float*, float*, float*) override {
    not_yet("attention_backward");
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
  void chunk_sums_of_squares(std::int64_t, const float*, float*) override { not_yet("chunk_sums_of_squares"); }
  void adamw_update(std::int64_t, const AdamWStep&, const float*, float*, float*, float*) override {
    not_yet("adamw_update");
  }

 private:
  void multiply(std::int64_t m, std::int64_t n, std::span<const ProductPart> parts, float* c, std::int64_t ldc) {
    std::int64_t k = 0;
    for (const ProductPart& part : parts) k += part.k;
    REPRISE_CHECK(parts.size() <= kMaxProductParts && std::max({m, n, k}) <= kMaxProductLength);
    multiply_parts(queue_, num_multiprocessors_, m, n, parts, c, ldc, false);
  }

  int index_;
  std::string kind_;
  Queue queue_;
  int num_multiprocessors_;
};

}  // namespace

std::unique_ptr<Device> make_device(int index, std::string_view kind) {
  return std::make_unique<CudaDevice>(index, kind);
}

}  // namespace reprise::numerics::cuda
