#include "reprise/eval/tasks.h"

#include <fmt/core.h>

#include <map>
#include <utility>

#include "reprise/core/error.h"
#include "reprise/numerics/host_math.h"

namespace reprise::eval {
namespace {

TokenStream document_stream(std::span<const std::uint16_t> tokens, const data::DocumentSpan& document,
                            std::int32_t end_of_text) {
  REPRISE_REQUIRE(document.first_token <= tokens.size() && document.num_tokens <= tokens.size() - document.first_token,
                  ErrorKind::kCorrupt,
                  fmt::format("held-out document {} ends after the last token: {} + {} > {}", document.id,
                              document.first_token, document.num_tokens, tokens.size()),
                  "make the run again with `reprise reproduce`");
  TokenStream stream;
  stream.reserve(document.num_tokens + 2);
  stream.push_back(end_of_text);
  const auto body = tokens.subspan(document.first_token, document.num_tokens);
  stream.insert(stream.end(), body.begin(), body.end());
  stream.push_back(end_of_text);
  return stream;
}

/// Adds one document. The sum runs over the group's documents in order and over their tokens in order.
void add_document(const data::DocumentSpan& document, std::span<const float> losses, HeldOutGroup& group) {
  ++group.num_documents;
  group.num_tokens += losses.size();
  group.num_bytes += document.num_bytes;
  for (const float loss : losses) group.nll_nats += static_cast<double>(loss);
}

/// "all" first, then the others by name.
template <typename Group>
std::vector<Group> in_order(Group all, std::map<std::string, Group> by_name) {
  all.name = "all";
  std::vector<Group> groups{std::move(all)};
  for (auto& [name, group] : by_name) {
    group.name = name;
    groups.push_back(std::move(group));
  }
  return groups;
}

double sum_in_order(std::span<const float> losses) {
  double sum = 0;
  for (const float loss : losses) sum += static_cast<double>(loss);
  return sum;
}

}  // namespace

HeldOutTask::HeldOutTask(std::span<const std::uint16_t> tokens, std::vector<data::DocumentSpan> documents,
                         std::int32_t end_of_text)
    : documents_(std::move(documents)) {
  streams_.reserve(documents_.size());
  for (const data::DocumentSpan& document : documents_)
    streams_.push_back(document_stream(tokens, document, end_of_text));
}

std::vector<HeldOutGroup> HeldOutTask::score(const Scorer& scorer, std::size_t window_length, ThreadPool& pool,
                                             const OnScored& on_scored) const {
  const std::vector<std::vector<float>> losses = score_streams(scorer, streams_, window_length, pool, on_scored);
  HeldOutGroup all;
  std::map<std::string, HeldOutGroup> by_language;
  for (std::size_t i = 0; i < documents_.size(); ++i) {
    add_document(documents_[i], losses[i], all);
    add_document(documents_[i], losses[i], by_language[documents_[i].language]);
  }
  std::vector<HeldOutGroup> groups = in_order(std::move(all), std::move(by_language));
  const double ln2 = numerics::exact_log(2.0);
  for (HeldOutGroup& group : groups) {
    if (group.num_bytes > 0) group.bits_per_byte = group.nll_nats / ln2 / static_cast<double>(group.num_bytes);
  }
  return groups;
}

PairTask::PairTask(std::span<const MinimalPair> pairs, const Encoder& encode, std::int32_t end_of_text) {
  const auto add_sentence = [&](const std::string& sentence) {
    const std::vector<std::int32_t> ids = encode(" " + sentence);
    TokenStream stream{end_of_text};
    stream.insert(stream.end(), ids.begin(), ids.end());
    streams_.push_back(std::move(stream));
  };
  streams_.reserve(2 * pairs.size());
  for (const MinimalPair& pair : pairs) {
    phenomena_.push_back(pair.phenomenon);
    add_sentence(pair.good);
    add_sentence(pair.bad);
  }
}

std::vector<PairGroup> PairTask::score(const Scorer& scorer, std::size_t window_length, ThreadPool& pool,
                                       const OnScored& on_scored) const {
  const std::vector<std::vector<float>> losses = score_streams(scorer, streams_, window_length, pool, on_scored);
  PairGroup all;
  std::map<std::string, PairGroup> by_name;
  for (std::size_t i = 0; i < phenomena_.size(); ++i) {
    const bool correct = sum_in_order(losses[2 * i]) < sum_in_order(losses[2 * i + 1]);
    for (PairGroup* group : {&all, &by_name[phenomena_[i]]}) {
      ++group->num_pairs;
      if (correct) ++group->num_correct;
    }
  }
  return in_order(std::move(all), std::move(by_name));
}

}  // namespace reprise::eval
