#include "report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace reprise::conformance {
namespace {

bool same(const TrainingPoint& point) { return point.computed.hex() == point.expected; }

const char* verdict(bool good) { return good ? "same" : "DIFFERENT"; }

std::string text_of(const NativeReport& native) {
  if (!native.not_run.empty()) return fmt::format("native     not run: {}\n", native.not_run);
  std::string text = fmt::format("native     twice, on {}\n", native.device);
  for (const NativeRuns& runs : native.runs) text += "           " + line_of(runs) + "\n";
  return text;
}

nlohmann::ordered_json json_of(const NativeReport& native) {
  if (!native.not_run.empty()) return {{"not_run", native.not_run}};
  nlohmann::ordered_json json{{"device", native.device}};
  for (const NativeRuns& runs : native.runs) {
    nlohmann::ordered_json row{{"model", runs.model}, {"type", runs.type}, {"steps", runs.steps}};
    if (!runs.failed.empty()) {
      row["failed"] = runs.failed;
    } else {
      row.update({{"steps_compared", runs.steps_compared},
                  {"digest", runs.first.hex()},
                  {"digest_again", runs.again.hex()},
                  {"same", runs.same()},
                  {"largest_difference", runs.largest_difference},
                  {"tolerance", runs.tolerance},
                  {"gradient_distance", runs.gradient_distance},
                  {"gradient_tolerance", runs.gradient_tolerance},
                  {"near", runs.near()}});
    }
    json["runs"].push_back(std::move(row));
  }
  return json;
}

}  // namespace

std::uint64_t Report::num_mismatches() const {
  std::uint64_t count = operators ? operators->num_different_cells : 0;
  for (const numerics::FunctionCheck& function : functions) count += function.same() ? 0 : 1;
  if (training) {
    for (const TrainingPoint& point : training->points) count += same(point) ? 0 : 1;
  }
  if (native) {
    for (const NativeRuns& runs : native->runs) count += runs.num_mismatches();
  }
  return count;
}

std::string line_of(const OperatorReport& operators) {
  return fmt::format("{} operators, {} cells, {} values, {} cells differ", operators.num_operators, operators.num_cells,
                     operators.num_values, operators.num_different_cells);
}

std::string line_of(const numerics::FunctionCheck& check, std::string_view inputs) {
  return fmt::format("{:8} {} inputs: {} {}", check.function.name, inputs, check.computed.hex(), verdict(check.same()));
}

std::string line_of(const TrainingPoint& point) {
  return fmt::format("behind step {}: {} {}", point.steps, point.computed.hex(), verdict(same(point)));
}

std::string line_of(const NativeRuns& runs) {
  const std::string name = fmt::format("{:9} {:8} ", runs.model, runs.type);
  if (!runs.failed.empty()) return name + "FAILED: " + runs.failed;
  return name + fmt::format("{} {}, {} steps, losses of {} within {:.1e} of exact's, first gradients within {:.1e}: {}",
                            runs.first.hex(), verdict(runs.same()), runs.steps, runs.steps_compared,
                            runs.largest_difference, runs.gradient_distance, runs.near() ? "near" : "TOO FAR");
}

std::string to_text(const Report& report) {
  std::string text = fmt::format("device     {}\ncpu        {}\n", report.device, report.cpu);
  if (report.operators) {
    const OperatorReport& all = *report.operators;
    text += fmt::format("operators  {}\n           digest {}\n", line_of(all), all.digest.hex());
    for (const std::string& difference : all.differences) text += "           " + difference + "\n";
  }
  for (const numerics::FunctionCheck& check : report.functions) {
    text += fmt::format("function   {}\n", line_of(check, report.function_inputs));
  }
  if (report.training) {
    const TrainingReport& training = *report.training;
    text +=
        fmt::format("training   {} parameters, {} steps in {:.1f} s, loss {:.4f} to {:.4f}\n", training.num_parameters,
                    training.steps, training.seconds, training.first_loss, training.last_loss);
    for (const TrainingPoint& point : training.points) text += "           " + line_of(point) + "\n";
  }
  if (report.native) text += text_of(*report.native);
  return text + fmt::format("mismatches {}\n", report.num_mismatches());
}

std::string to_json(const Report& report) {
  nlohmann::ordered_json json;
  json["contract"] = "v1-candidate";
  json["device"] = report.device;
  json["cpu"] = report.cpu;
  if (report.operators) {
    const OperatorReport& all = *report.operators;
    json["operators"] = {{"operators", all.num_operators}, {"cells", all.num_cells},
                         {"values", all.num_values},       {"mismatches", all.num_different_cells},
                         {"digest", all.digest.hex()},     {"differences", all.differences}};
  }
  for (const numerics::FunctionCheck& check : report.functions) {
    json["functions"].push_back({{"name", check.function.name},
                                 {"inputs", report.function_inputs},
                                 {"digest", check.computed.hex()},
                                 {"published", check.published},
                                 {"same", check.same()}});
  }
  if (report.training) {
    const TrainingReport& training = *report.training;
    json["training"] = {{"parameters", training.num_parameters},
                        {"steps", training.steps},
                        {"seconds", training.seconds},
                        {"first_loss", training.first_loss},
                        {"last_loss", training.last_loss}};
    for (const TrainingPoint& point : training.points) {
      json["training"]["digests"].push_back({{"steps", point.steps},
                                             {"digest", point.computed.hex()},
                                             {"expected", point.expected},
                                             {"same", same(point)}});
    }
  }
  if (report.native) json["native"] = json_of(*report.native);
  json["mismatches"] = report.num_mismatches();
  return json.dump(2) + "\n";
}

}  // namespace reprise::conformance
