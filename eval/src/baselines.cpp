// The baselines of evaluate.h: what a count table and a compressor make of the same held-out text. Outside the root.
#include <map>
#include <string>
#include <vector>

#include "reprise/core/error.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/eval/evaluate.h"
#include "reprise/eval/ngram.h"
#include "reprise/eval/tasks.h"
#include "reprise/numerics/host_math.h"
#include "xz_size.h"

namespace reprise::eval {
namespace {

constexpr const char* kAll = "all";

struct Totals {
  double nll_nats = 0;
  std::uint64_t num_bytes = 0;
};

std::map<std::string, double> ngram_bits(const HeldOutTask& train, const HeldOutTask& held_out,
                                         const std::vector<data::DocumentSpan>& documents, int order,
                                         std::uint32_t vocab_size) {
  const NgramModel model(train.streams(), order, vocab_size);
  Totals all;
  std::map<std::string, Totals> totals;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const double nll = model.nll_nats(held_out.streams()[i]);
    for (Totals* group : {&all, &totals[documents[i].language]}) {
      group->nll_nats += nll;
      group->num_bytes += documents[i].num_bytes;
    }
  }
  totals[kAll] = all;  // in the place of a language of that name, if there is one
  std::map<std::string, double> bits;
  for (const auto& [name, total] : totals) {
    if (total.num_bytes > 0) {
      bits[name] = total.nll_nats / numerics::exact_log(2.0) / static_cast<double>(total.num_bytes);
    }
  }
  return bits;
}

/// Bits per byte that xz adds for a group's held-out text after it has seen the training text.
std::map<std::string, double> xz_bits(const std::filesystem::path& run_dir, ProgressSink& progress, std::int64_t done) {
  std::string train;
  data::for_each_document(run_dir / "data" / "train.jsonl.zst", [&](const data::Document& d) { train += d.text; });
  std::map<std::string, std::string> groups;
  data::for_each_document(run_dir / "data" / "held_out.jsonl.zst", [&](const data::Document& d) {
    groups[kAll] += d.text;
    if (d.language == "en") groups["en"] += d.text;
  });
  const std::uint64_t dictionary = xz_dictionary(train.size() + groups[kAll].size());
  const std::uint64_t base = xz_size(train, dictionary);
  progress.update(++done);
  std::map<std::string, double> bits;
  for (const auto& [name, text] : groups) {
    if (!text.empty()) {
      const std::uint64_t added = xz_size(train + text, dictionary) - base;
      bits[name] = 8.0 * static_cast<double>(added) / static_cast<double>(text.size());
    }
    progress.update(++done);
  }
  return bits;
}

}  // namespace

Baselines compute_baselines(const std::filesystem::path& run_dir, ProgressSink& progress) {
  progress.begin("baselines", 5, "models");
  const data::Tokenizer tokenizer = data::Tokenizer::load(run_dir / "tokenizer" / "tokenizer.json");
  const data::TokenSet train_tokens = data::TokenSet::open(run_dir / "shards", "train");
  const data::TokenSet held_out_tokens = data::TokenSet::open(run_dir / "shards", "held_out");
  const HeldOutTask train(train_tokens.tokens(), train_tokens.documents(), tokenizer.end_of_text());
  const HeldOutTask held_out(held_out_tokens.tokens(), held_out_tokens.documents(), tokenizer.end_of_text());
  const auto bits = [&](int order) {
    return ngram_bits(train, held_out, held_out_tokens.documents(), order, tokenizer.vocab_size());
  };
  Baselines baselines;
  baselines.bigram = bits(2);
  progress.update(1);
  baselines.five_gram = bits(5);
  progress.update(2);
  baselines.xz = xz_bits(run_dir, progress, 2);
  progress.end();
  return baselines;
}

}  // namespace reprise::eval
