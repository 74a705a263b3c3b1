#pragma once
// A processor with memory of its own and the exact profile's operators on it: the CPU, or a GPU. Every device gives the
// same bits [C-21], so a caller decides where to compute and nothing else.
//
// Pointers are to the device's memory unless said. Work is done in the order of the calls; a GPU's calls return before
// it is done, until read() or synchronize() waits. One thread at a time; the CPU's operators any number.
// Failures: Error(kDevice) when the GPU refuses, Error(kOutOfMemory), Error(kInternal) when a shape makes no sense.
//
// The operators are those of kernels.h, whose comments say what they compute; the legend is there too.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/numerics/kernels.h"
#include "reprise/numerics/work_order.h"

namespace reprise::numerics {

class NativeKernels;

enum class ExactFunction { kExp, kLog, kSigmoid, kTanh, kErf, kSin, kCos, kRsqrt };

class Device {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// "cpu", "cuda".
  virtual std::string_view kind() const = 0;
  /// Model and versions, for logs.
  virtual std::string description() const = 0;
  /// Which of the GPUs that this process sees; none: the CPU.
  virtual std::optional<int> gpu() const { return std::nullopt; }

  // ---- Memory. On the CPU, that of the process.
  /// Returns at least `num_bytes`, aligned to 64 bytes, contents undefined; recycled by size, so that a pass that was
  /// run once allocates nothing when it is run again.
  virtual void* take(std::size_t num_bytes) = 0;
  virtual void give(void* memory, std::size_t num_bytes) = 0;
  virtual void write(void* to, const void* from_host, std::size_t num_bytes) = 0;
  /// Waits until the values are there.
  virtual void read(void* to_host, const void* from, std::size_t num_bytes) = 0;
  virtual void copy(void* to, const void* from, std::size_t num_bytes) = 0;
  virtual void clear(void* to, std::size_t num_bytes) = 0;
  virtual void synchronize() = 0;
  /// Returns a function that waits until what was called before is done, and not for what follows, for any thread. It
  /// throws what synchronize() throws. The device must outlive it.
  virtual std::function<void()> mark() = 0;
  virtual std::size_t bytes_reserved() const = 0;
  /// Frees what is kept for take() and part of no recording, for others that want memory of this device. Returns
  /// whether there was any.
  virtual bool give_back_unused() { return false; }
  /// Called when take() finds no memory left, before it tries for the last time: `others_give_back` frees what others
  /// keep of this device's memory unused. It must not use the device, and replaces the one before.
  virtual void on_shortage(std::function<void()> others_give_back) { (void)others_give_back; }

  // ---- Copies to the host beside the work
  /// Returns memory of the host for begin_read(), recycled like that of take(). Any thread.
  virtual void* take_host(std::size_t num_bytes) = 0;
  virtual void give_host(void* memory, std::size_t num_bytes) = 0;
  /// Begins to copy what `from` holds behind the calls before; those that follow do not wait for it. `to_host` is of
  /// take_host(). Returns a function that waits for the copy, for any thread, and throws what read() throws; until it
  /// has returned, neither side may be written or given back. The device must outlive it.
  virtual std::function<void()> begin_read(void* to_host, const void* from, std::size_t num_bytes) = 0;

  // ---- Passes that repeat. A device that can record runs `pass` twice, once to learn which memory it takes and once
  // to keep what it gives to the device, and returns functions that, called in their order, do the same again at the
  // same addresses: one for each piece of the pass. Else it returns none, and has not run `pass`. `pass` must do the
  // same each time and must not read(). The functions hold the memory that they write to, and must not outlive the
  // device.
  virtual std::vector<std::function<void()>> record(const std::function<void()>& pass) = 0;
  /// For a pass that is recorded: what follows belongs to the next piece. Otherwise does nothing.
  virtual void end_piece() = 0;

  // ---- Products [C-3], [C-36]
  virtual void gemm_nt_joint(std::int64_t m, std::int64_t k, const float* a, std::int64_t lda,
                             std::span<const GemmOutput> outputs) = 0;
  virtual void gemm_nn_concatenated(std::int64_t m, std::int64_t n, std::span<const GemmPart> parts, float* c,
                                    std::int64_t ldc) = 0;
  virtual void gemm_tn(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda, const float* b,
                       std::int64_t ldb, float* c, std::int64_t ldc) = 0;
  virtual void add_bias(std::int64_t num_rows, std::int64_t dim, const float* bias, float* y) = 0;
  virtual void bias_gradient(std::int64_t num_rows, std::int64_t dim, const float* dy, float* dbias) = 0;

  // ---- Embedding [C-9]
  virtual void embedding_forward(std::int64_t num_tokens, std::int64_t dim, const std::int32_t* ids, const float* table,
                                 float* y) = 0;
  virtual void embedding_backward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab,
                                  const std::int32_t* ids, const float* dy, float* dtable) = 0;

  // ---- Elementwise [C-13], [C-14], [C-38], [C-39]
  virtual void add(std::int64_t count, const float* a, const float* b, float* out) = 0;
  virtual void scale_in_place(std::int64_t count, float factor, float* x) = 0;
  virtual void divide_in_place(std::int64_t count, float divisor, float* x) = 0;
  virtual void activation_forward(Activation activation, std::int64_t count, const float* x, float* y) = 0;
  virtual void activation_backward(Activation activation, std::int64_t count, const float* x, const float* dy,
                                   float* dx) = 0;
  virtual void gated_forward(Activation activation, std::int64_t count, const float* gate, const float* up,
                             float* y) = 0;
  virtual void gated_backward(Activation activation, std::int64_t count, const float* gate, const float* up,
                              const float* dy, float* dgate, float* dup) = 0;
  /// samples[B] are in the device's memory too.
  virtual void dropout(std::int64_t num_sequences, std::int64_t count, const DropoutRule& rule,
                       const std::uint64_t* samples, const float* x, float* y) = 0;
  virtual void exact_function(ExactFunction function, std::int64_t count, const float* x, float* y) = 0;

  // ---- Rows [C-10], [C-11], [C-35], [C-37]
  virtual void rms_norm_forward(std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight,
                                float epsilon, float* y, float* inverse_rms) = 0;
  virtual void rms_norm_backward(std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x,
                                 const float* weight, const float* inverse_rms, float* dx, float* dweight) = 0;
  virtual void layer_norm_forward(std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight,
                                  const float* bias, float epsilon, float* y, float* mean,
                                  float* inverse_deviation) = 0;
  virtual void layer_norm_backward(std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x,
                                   const float* weight, const float* mean, const float* inverse_deviation, float* dx,
                                   float* dweight, float* dbias) = 0;
  virtual void rotary_forward(std::int64_t num_sequences, std::int64_t length, const RotaryLayout& layout,
                              const float* x, const float* cos, const float* sin, float* y) = 0;
  virtual void rotary_backward(std::int64_t num_sequences, std::int64_t length, const RotaryLayout& layout,
                               const float* dy, const float* cos, const float* sin, float* dx) = 0;

  // ---- Attention [C-12], [C-40]. options.document_starts are in the device's memory, and checked on the CPU alone;
  // options.alibi_slopes are in the host's.
  virtual void attention_forward(const AttentionShape& shape, const AttentionOptions& options, const float* q,
                                 const float* k, const float* v, float* out, float* row_max, float* row_sum) = 0;
  virtual void attention_backward(const AttentionShape& shape, const AttentionOptions& options, const float* q,
                                  const float* k, const float* v, const float* out, const float* row_max,
                                  const float* row_sum, const float* dout, float* dq, float* dk, float* dv) = 0;

  // ---- Head and losses [C-15]
  virtual void head_loss_forward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const float* h,
                                 const float* weight, const std::int32_t* targets, float* cross_entropy, float* z) = 0;
  virtual void head_loss_forward_backward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const float* h,
                                          const float* weight, const std::int32_t* targets, float z_weight,
                                          float* cross_entropy, float* z, float* dh, float* dweight) = 0;

  // ---- Optimizer [C-16], [C-17]
  /// sums[ceil(count / 4096)]: the sum of squares of each chunk of 4096 elements.
  virtual void chunk_sums_of_squares(std::int64_t count, const float* x, float* sums) = 0;
  virtual void adamw_update(std::int64_t count, const AdamWStep& step, const float* g, float* w, float* m,
                            float* v) = 0;

  // ---- State
  /// Of each chunk of kChunkElements (core/tensor_layout.h), whose first lengths[chunk] elements count: SHA-256 of
  /// their bytes, digests[32 * num_chunks], and whether one of them is NaN or infinite, non_finite[num_chunks], 0 or 1.
  /// x and digests are aligned to 16 bytes.
  virtual void digest_chunks(std::int64_t num_chunks, const std::int32_t* lengths, const float* x,
                             std::uint8_t* digests, std::uint8_t* non_finite) = 0;

  /// What the native profile computes beside LibTorch's operators (native_kernels.h), in order with the rest; null on
  /// the CPU. Lives as long as the device.
  virtual NativeKernels* native_kernels() { return nullptr; }

 protected:
  Device() = default;
};

/// The CPU, on the active target (target.h). Thread-safe; lives as long as the process.
Device& cpu_device();

/// Returns the GPU `index`. Throws Error(kDevice) where there is none, or in a build without CUDA.
std::unique_ptr<Device> make_cuda_device(int index, WorkOrder order = WorkOrder::kOwn);
/// Returns how many GPUs the process can use; 0 in a build without CUDA.
int num_cuda_devices();

}  // namespace reprise::numerics
