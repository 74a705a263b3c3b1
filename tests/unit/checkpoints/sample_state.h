#pragma once
// A small state whose every value is a function of its place, cut among ranks, for the tests of checkpoints.

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "reprise/checkpoints/checkpoint.h"

namespace reprise::checkpoints {

/// Shapes that chunks of 4096 elements cut in the middle of rows, that fill one chunk exactly, and tiny ones.
inline TensorLayout sample_layout() {
  return TensorLayout({{"model.embed_tokens.weight", {300, 40}, true},
                       {"model.layers.0.norm.weight", {7}, false},
                       {"model.layers.0.mlp.weight", {129, 65}, true},
                       {"model.layers.1.odd.weight", {5, 30, 61}, true},
                       {"model.layers.1.exact.weight", {4096}, true},
                       {"lm_head.weight", {301, 40}, true}});
}

struct SampleState {
  TensorLayout layout = sample_layout();
  Header header;
  StateDigests digests;
  std::vector<float> weights, first_moments, second_moments;

  explicit SampleState(std::uint64_t step = 3, const TensorLayout& of = sample_layout()) : layout(of) {
    const auto fill = [&](std::vector<float>& flat, float scale) {
      flat.assign(static_cast<std::size_t>(layout.num_elements()), 0.0f);
      for (const TensorLayout::Entry& entry : layout.entries()) {
        for (std::int64_t i = 0; i < entry.spec.num_elements(); ++i) {
          const std::int64_t at = entry.offset + i;
          const std::int64_t mixed = (at * 7919 + static_cast<std::int64_t>(step) * 104729) % 1000003;
          flat[static_cast<std::size_t>(at)] = scale * static_cast<float>(mixed - 500000);
        }
      }
    };
    fill(weights, 1e-4f);
    fill(first_moments, 1e-6f);
    fill(second_moments, 1e-9f);
    digest();
    header.step = step;
    header.tokens_seen = step * 4096;
    header.next_sample = step * 16;
    header.adam_step = step;
    header.beta1_power = 0.729;
    header.beta2_power = 0.857375;
    header.seed = 0x123456789abcdef0u;
    header.recipe_hash = sha256("recipe");
    header.data_root = sha256("data");
    header.recipe_text = "name: \"sample\"\nseed: 1311768467463790320\n# gr\xc3\xbc\xc3\x9f\n";
  }

  void digest() {
    const ChunkRange all{0, layout.num_chunks()};
    digests.weights = chunk_digests(layout, all, weights);
    digests.first_moments = chunk_digests(layout, all, first_moments);
    digests.second_moments = chunk_digests(layout, all, second_moments);
  }

  StateView view(bool store_moments, int rank = 0, int num_ranks = 1) const {
    StateView view;
    view.slice = chunk_slice(layout.num_chunks(), rank, num_ranks);
    const auto of_slice = [&](const std::vector<float>& all) {
      return std::span(all).subspan(static_cast<std::size_t>(view.slice.begin * kChunkElements),
                                    static_cast<std::size_t>(view.slice.size() * kChunkElements));
    };
    view.weights = of_slice(weights);
    view.store_moments = store_moments;
    if (store_moments) {
      view.first_moments = of_slice(first_moments);
      view.second_moments = of_slice(second_moments);
    }
    return view;
  }

  Digest write(const std::filesystem::path& folder, bool store_moments, dist::Communicator& communicator,
               FileKind kind = FileKind::kScheduled) const {
    return write_checkpoint(folder, kind, header, layout, digests,
                            view(store_moments, communicator.rank(), communicator.size()), communicator);
  }
};

/// A folder of its own for one test, gone afterwards.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "reprise-checkpoints-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TestFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  operator const std::filesystem::path&() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace reprise::checkpoints
