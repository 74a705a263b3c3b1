// eval/results.json and its hash (docs/formats/eval_results.md).
#include <fmt/core.h>

#include <bit>
#include <charconv>
#include <nlohmann/json.hpp>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/parse_json.h"
#include "reprise/eval/evaluate.h"

namespace reprise::eval {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "reprise.eval.v1";

void hash_checkpoint(CanonicalHasher& hasher, const CheckpointResult& checkpoint) {
  hasher.u64("step", checkpoint.step).digest("checkpoint_root", checkpoint.checkpoint_root);
  hasher.u64("held_out", checkpoint.held_out.size());
  for (const HeldOutGroup& group : checkpoint.held_out) {
    hasher.string("name", group.name)
        .u64("documents", group.num_documents)
        .u64("tokens", group.num_tokens)
        .u64("bytes", group.num_bytes)
        .f64("nll_nats", group.nll_nats)
        .f64("bits_per_byte", group.bits_per_byte);
  }
  hasher.u64("pairs", checkpoint.pairs.size());
  for (const PairGroup& group : checkpoint.pairs) {
    hasher.string("name", group.name).u64("pairs", group.num_pairs).u64("correct", group.num_correct);
  }
}

/// The shortest decimal that reads back as the same double, and the bits beside it.
std::string real_fields(std::string_view name, double value) {
  char text[32];
  const std::to_chars_result end = std::to_chars(text, text + sizeof text, value);
  return fmt::format("\"{}\": {}, \"{}_bits\": \"{:016x}\"", name,
                     std::string_view(text, static_cast<std::size_t>(end.ptr - text)), name,
                     std::bit_cast<std::uint64_t>(value));
}

std::string quoted(const std::string& text) { return json(text).dump(); }

std::string to_json(const HeldOutGroup& group) {
  return fmt::format("{{\"name\": {}, \"documents\": {}, \"tokens\": {}, \"bytes\": {}, {}, {}}}", quoted(group.name),
                     group.num_documents, group.num_tokens, group.num_bytes, real_fields("nll_nats", group.nll_nats),
                     real_fields("bits_per_byte", group.bits_per_byte));
}

std::string to_json(const PairGroup& group) {
  return fmt::format("{{\"name\": {}, \"pairs\": {}, \"correct\": {}}}", quoted(group.name), group.num_pairs,
                     group.num_correct);
}

template <typename Group>
std::string list_to_json(const std::vector<Group>& groups) {
  std::string text = "[";
  for (std::size_t i = 0; i < groups.size(); ++i) text += (i == 0 ? "\n    " : ",\n    ") + to_json(groups[i]);
  return text + "]";
}

std::string to_json(const CheckpointResult& checkpoint) {
  return fmt::format("  {{\"step\": {}, \"checkpoint_root\": \"{}\",\n   \"held_out\": {},\n   \"pairs\": {}}}",
                     checkpoint.step, checkpoint.checkpoint_root.hex(), list_to_json(checkpoint.held_out),
                     list_to_json(checkpoint.pairs));
}

/// Reads one field with the type asked for; json's own exceptions carry the name of the field.
std::uint64_t whole(const json& object, const char* name) {
  const json& value = object.at(name);
  if (!value.is_number_unsigned()) throw std::invalid_argument(fmt::format("{} is not a whole number", name));
  return value.get<std::uint64_t>();
}

Digest digest_field(const json& object, const char* name) {
  const Result<Digest> digest = Digest::from_hex(object.at(name).get<std::string>());
  if (!digest) throw std::invalid_argument(fmt::format("{} is not a SHA-256", name));
  return *digest;
}

double real(const json& object, const std::string& name) {
  const std::string text = object.at(name + "_bits").get<std::string>();
  std::uint64_t bits = 0;
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), bits, 16);
  const double value = std::bit_cast<double>(bits);
  if (text.size() != 16 || end.ptr != text.data() + text.size() || object.at(name).get<double>() != value) {
    throw std::invalid_argument(fmt::format("{} and its bits differ", name));
  }
  return value;
}

CheckpointResult parse_checkpoint(const json& object) {
  CheckpointResult checkpoint;
  checkpoint.step = whole(object, "step");
  checkpoint.checkpoint_root = digest_field(object, "checkpoint_root");
  for (const json& entry : object.at("held_out")) {
    HeldOutGroup group;
    group.name = entry.at("name").get<std::string>();
    group.num_documents = whole(entry, "documents");
    group.num_tokens = whole(entry, "tokens");
    group.num_bytes = whole(entry, "bytes");
    group.nll_nats = real(entry, "nll_nats");
    group.bits_per_byte = real(entry, "bits_per_byte");
    checkpoint.held_out.push_back(std::move(group));
  }
  for (const json& entry : object.at("pairs")) {
    checkpoint.pairs.push_back({entry.at("name").get<std::string>(), whole(entry, "pairs"), whole(entry, "correct")});
  }
  return checkpoint;
}

EvalResult parse(const std::string& text) {
  const json object = parse_json<json>(text);
  if (object.at("format") != kFormat) throw std::invalid_argument(fmt::format("format is not {}", kFormat));
  EvalResult result;
  result.suite = digest_field(object, "suite");
  for (const json& entry : object.at("checkpoints")) result.checkpoints.push_back(parse_checkpoint(entry));
  if (digest_field(object, "result_hash") != result_hash(result))
    throw std::invalid_argument("result_hash does not match");
  return result;
}

/// Every figure of a group: the same text for the same bits.
std::string figures(const HeldOutGroup& group) {
  return fmt::format("{} bits per byte ({} nats over {} documents, {} tokens, {} bytes)", group.bits_per_byte,
                     group.nll_nats, group.num_documents, group.num_tokens, group.num_bytes);
}

std::string figures(const PairGroup& group) {
  return fmt::format("{} of {} minimal pairs right", group.num_correct, group.num_pairs);
}

template <typename Group>
void add_differences(const std::vector<Group>& stored, const std::vector<Group>& computed, std::uint64_t step,
                     std::vector<std::string>& found) {
  for (const Group& ours : computed) {
    for (const Group& theirs : stored) {
      if (ours.name != theirs.name || figures(ours) == figures(theirs)) continue;
      found.push_back(fmt::format("step {}, {}: {}; stored: {}", step, ours.name, figures(ours), figures(theirs)));
    }
  }
}

std::filesystem::path results_path(const std::filesystem::path& run_dir) { return run_dir / "eval" / "results.json"; }

}  // namespace

Digest result_hash(const EvalResult& result) {
  CanonicalHasher hasher(kFormat);
  hasher.digest("suite", result.suite).u64("checkpoints", result.checkpoints.size());
  for (const CheckpointResult& checkpoint : result.checkpoints) hash_checkpoint(hasher, checkpoint);
  return hasher.finish();
}

std::vector<std::string> differences(const CheckpointResult& stored, const CheckpointResult& computed) {
  std::vector<std::string> found;
  if (stored.checkpoint_root != computed.checkpoint_root) {
    found.push_back(fmt::format("step {}: of the checkpoint with root {}; stored: {}", computed.step,
                                computed.checkpoint_root.hex(), stored.checkpoint_root.hex()));
  }
  add_differences(stored.held_out, computed.held_out, computed.step, found);
  add_differences(stored.pairs, computed.pairs, computed.step, found);
  return found;
}

void write_results(const std::filesystem::path& run_dir, const EvalResult& result) {
  std::string text =
      fmt::format("{{\"format\": \"{}\",\n \"suite\": \"{}\",\n \"result_hash\": \"{}\",\n \"checkpoints\": [", kFormat,
                  result.suite.hex(), result_hash(result).hex());
  for (std::size_t i = 0; i < result.checkpoints.size(); ++i) {
    text += (i == 0 ? "\n" : ",\n") + to_json(result.checkpoints[i]);
  }
  text += "]}\n";
  const std::filesystem::path path = results_path(run_dir);
  make_folders(path.parent_path());
  write_file_atomically(path, text);
}

EvalResult read_results(const std::filesystem::path& run_dir) {
  const std::filesystem::path path = results_path(run_dir);
  const std::string text = read_file(path);
  try {
    return parse(text);
  } catch (const std::exception& problem) {
    throw Error(ErrorKind::kCorrupt, fmt::format("{} is not a whole result file: {}", path.string(), problem.what()),
                "remove it and run `reprise reproduce` again");
  }
}

}  // namespace reprise::eval
