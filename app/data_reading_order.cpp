// reprise data step-to-docs|doc-to-steps|show|mixture: which documents a step reads, and which steps read a document.

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "data_verbs.h"
#include "json_text.h"
#include "reprise/core/error.h"
#include "reprise/core/printable.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/mixture_table.h"
#include "reprise/data_pipeline/reading_order.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/train/fork.h"

namespace reprise::app {
namespace {

using nlohmann::ordered_json;

struct ReadingOrderFlags {
  std::string run;
  std::string config;
  std::string id;
  std::uint64_t step = 0;
  std::uint32_t sample = 0;
  bool ids = false;
  bool json = false;
};

/// The shards of a run and the order in which its recipe reads them.
struct Reading {
  explicit Reading(const ReadingOrderFlags& flags)
      : recipe(recipe_of(flags.run, flags.config)),
        tokens(data::TokenSet::open(std::filesystem::path(flags.run) / "shards", "train")),
        order(tokens, recipe, train::data_start(flags.run, recipe)) {}
  configs::Recipe recipe;
  data::TokenSet tokens;
  data::ReadingOrder order;
};

ordered_json to_json(const data::DocumentPart& part, const data::DocumentSpan& document) {
  return {{"id", document.id},
          {"source", document.source},
          {"kind", document.kind},
          {"lang", document.language},
          {"file", document.source_file},
          {"line", document.source_line},
          {"position", part.position},
          {"first_token", part.first_token},
          {"num_tokens", part.num_tokens},
          {"document_tokens", document.num_tokens}};
}

void print_part(const data::DocumentPart& part, const data::DocumentSpan& document) {
  fmt::print("  {:>5} {} tokens {}..{} of {}  {} {}:{}\n", part.position, printable(document.id), part.first_token,
             part.first_token + part.num_tokens - 1, document.num_tokens + 1, printable(document.language),
             printable(document.source_file), document.source_line);
}

/// ", stage main, group prose", or nothing where the recipe has no groups.
std::string place_text(const Reading& reading, const data::SamplePlace& place) {
  if (reading.recipe.train().group_size() == 0) return "";
  return fmt::format(", stage {}, group {}", reading.order.mixture().stages()[place.stage].name,
                     reading.order.groups().name(place.group));
}

/// Adds the same to an object.
void add_place(const Reading& reading, const data::SamplePlace& place, ordered_json& object) {
  if (reading.recipe.train().group_size() == 0) return;
  object["stage"] = reading.order.mixture().stages()[place.stage].name;
  object["group"] = reading.order.groups().name(place.group);
}

void step_to_docs(const ReadingOrderFlags& flags) {
  const Reading reading(flags);
  ordered_json samples = ordered_json::array();
  for (const data::SampleContent& content : reading.order.batch(flags.step)) {
    if (!flags.json) {
      fmt::print("sample {} (sequence {}, epoch {}{})\n", content.sample, content.place.sequence, content.place.epoch,
                 place_text(reading, content.place));
    }
    ordered_json parts = ordered_json::array();
    for (const data::DocumentPart& part : content.parts) {
      const data::DocumentSpan& document = reading.tokens.documents()[part.document];
      flags.json ? parts.push_back(to_json(part, document)) : print_part(part, document);
    }
    ordered_json sample = {
        {"sample", content.sample}, {"sequence", content.place.sequence}, {"epoch", content.place.epoch}};
    add_place(reading, content.place, sample);
    sample["documents"] = std::move(parts);
    samples.push_back(std::move(sample));
  }
  if (flags.json) fmt::print("{}\n", json_text({{"step", flags.step}, {"samples", std::move(samples)}}));
}

/// Says why no step reads a document that is not in the training shards.
ordered_json fate_of(const std::filesystem::path& run, const std::string& id) {
  ordered_json fate;
  data::for_each_dropped(data::dropped_path(run), [&](const data::DroppedDocument& dropped) {
    if (dropped.document.id != id) return;
    fate = {{"status", "dropped"},
            {"rule", dropped.drop.rule},
            {"value", dropped.drop.value},
            {"threshold", dropped.drop.threshold}};
  });
  if (fate.is_null()) {
    data::for_each_document(data::held_out_path(run), [&](const data::Document& document) {
      if (document.id == id) fate = {{"status", "held_out"}};
    });
  }
  REPRISE_REQUIRE(!fate.is_null(), ErrorKind::kUsage, fmt::format("the run has no document '{}'", id),
                  "`reprise data step-to-docs RUN STEP` shows ids");
  return fate;
}

void print_unread(const ReadingOrderFlags& flags) {
  ordered_json fate = fate_of(flags.run, flags.id);
  if (flags.json) {
    fate.update({{"id", flags.id}, {"visits", ordered_json::array()}});
    fmt::print("{}\n", json_text(fate));
  } else if (fate["status"] == "dropped") {
    fmt::print("{} is read by no step: dropped by {}, {:.6g} against {:g}\n", flags.id, fate["rule"].get<std::string>(),
               fate["value"].get<double>(), fate["threshold"].get<double>());
  } else {
    fmt::print("{} is read by no step: held out for evaluation\n", flags.id);
  }
}

void doc_to_steps(const ReadingOrderFlags& flags) {
  const Reading reading(flags);
  const std::optional<std::size_t> document = reading.order.find(flags.id);
  if (!document) return print_unread(flags);
  ordered_json visits = ordered_json::array();
  for (const data::Visit& visit : reading.order.visits(*document)) {
    for (const data::DocumentPart& part : visit.content.parts) {
      if (!flags.json) {
        fmt::print("step {} sample {} (epoch {}{}): tokens {}..{}, from position {}\n", visit.step,
                   visit.content.sample, visit.content.place.epoch, place_text(reading, visit.content.place),
                   part.first_token, part.first_token + part.num_tokens - 1, part.position);
      }
      ordered_json object = {
          {"step", visit.step},        {"sample", visit.content.sample},  {"epoch", visit.content.place.epoch},
          {"position", part.position}, {"first_token", part.first_token}, {"num_tokens", part.num_tokens}};
      add_place(reading, visit.content.place, object);
      visits.push_back(std::move(object));
    }
  }
  if (flags.json) {
    fmt::print("{}\n", json_text({{"status", "training"}, {"id", flags.id}, {"visits", std::move(visits)}}));
  } else if (visits.empty()) {
    fmt::print("{} is in the training shards, but the run ends before a step reads it\n", flags.id);
  }
}

void show(const ReadingOrderFlags& flags) {
  const Reading reading(flags);
  const data::SampleContent content = reading.order.batch(flags.step, flags.sample).front();
  const data::Tokenizer tokenizer =
      data::Tokenizer::load(std::filesystem::path(flags.run) / "tokenizer" / "tokenizer.json");
  for (const data::DocumentPart& part : content.parts) {
    const data::DocumentSpan& document = reading.tokens.documents()[part.document];
    print_part(part, document);
    const auto tokens = reading.tokens.tokens().subspan(document.first_token + part.first_token, part.num_tokens);
    const std::vector<data::TokenId> ids(tokens.begin(), tokens.end());
    if (flags.ids) {
      std::string line;
      for (const data::TokenId id : ids) line += (line.empty() ? "" : " ") + std::to_string(id);
      fmt::print("{}\n", line);
    } else {
      fmt::print("{}\n", tokenizer.decode(ids));
    }
  }
}

void mixture(const ReadingOrderFlags& flags) {
  if (flags.json) {
    const Reading reading(flags);
    fmt::print("{}", data::mixture_json(reading.order, reading.recipe.train()));
    return;
  }
  // Where the groups cannot fill the stages, their sizes help to put it right.
  const configs::Recipe recipe = recipe_of(flags.run, flags.config);
  const data::TokenSet tokens = data::TokenSet::open(std::filesystem::path(flags.run) / "shards", "train");
  fmt::print("{}\n", data::group_table(data::DocumentGroups(tokens, recipe.train())));
  fmt::print("{}", data::stage_table(data::ReadingOrder(tokens, recipe, train::data_start(flags.run, recipe)),
                                     recipe.train()));
}

}  // namespace

void add_reading_order_verbs(CLI::App& data) {
  const auto verb = [&](const char* name, const char* what, const char* footer) {
    const auto flags = std::make_shared<ReadingOrderFlags>();
    CLI::App* added = data.add_subcommand(name, what);
    added->add_option("RUN", flags->run, "Run folder with shards")->required()->check(CLI::ExistingDirectory);
    add_config_option(*added, flags->config);
    added->footer(footer);
    return std::pair(added, flags);
  };
  const auto [to_docs, step_flags] = verb("step-to-docs", "Documents that a step reads, sample by sample",
                                          "Example:\n  reprise data step-to-docs runs/tiny 37");
  to_docs->add_option("STEP", step_flags->step, "Step, from 1")->required();
  to_docs->add_flag("--json", step_flags->json, "Print as JSON");
  to_docs->callback([flags = step_flags] { step_to_docs(*flags); });

  const auto [to_steps, id_flags] = verb("doc-to-steps", "Steps that read a document, or why none does",
                                         "Example:\n  reprise data doc-to-steps runs/tiny ID");
  to_steps->add_option("ID", id_flags->id, "Id of the document")->required();
  to_steps->add_flag("--json", id_flags->json, "Print as JSON");
  to_steps->callback([flags = id_flags] { doc_to_steps(*flags); });

  const auto [shown, show_flags] = verb("show", "Text of one sample of a step, as the model saw it",
                                        "Example:\n  reprise data show runs/tiny --step 37 --sample 2");
  shown->add_option("--step", show_flags->step, "Step, from 1")->required();
  shown->add_option("--sample", show_flags->sample, "Sample of the batch, from 0")->capture_default_str();
  shown->add_flag("--ids", show_flags->ids, "Token ids in place of text");
  shown->callback([flags = show_flags] { show(*flags); });

  const auto [mixed, mixture_flags] =
      verb("mixture", "What each stage reads of each group: sequences, tokens, epochs",
           "Example:\n  reprise data mixture runs/tiny --config configs/runs/tiny.pbtxt");
  mixed->add_flag("--json", mixture_flags->json, "Print as JSON");
  mixed->callback([flags = mixture_flags] { mixture(*flags); });
}

}  // namespace reprise::app
