#include "report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace reprise::conformance {
namespace {

bool same(const TrainingPoint& point) { return point.computed.hex() == point.expected; }

const char* verdict(bool good) { return good ? "same" : "DIFFERENT"; }

}  // namespace

std::uint64_t Report::num_mismatches() const {
  std::uint64_t count = operators ? operators->num_different_cells : 0;
  for (const numerics::FunctionCheck& function : functions) count += function.same() ? 0 : 1;
  if (training) {
    for (const TrainingPoint& point : training->points) count += same(point) ? 0 : 1;
  }
  return count;
}

std::string to_text(const Report& report) {
  std::string text = fmt::format("device     {}\ncpu        {}\n", report.device, report.cpu);
  if (report.operators) {
    const OperatorReport& all = *report.operators;
    text += fmt::format("operators  {} operators, {} cells, {} values, {} cells differ\n           digest {}\n",
                        all.num_operators, all.num_cells, all.num_values, all.num_different_cells, all.digest.hex());
    for (const std::string& difference : all.differences) text += "           " + difference + "\n";
  }
  for (const numerics::FunctionCheck& check : report.functions) {
    text += fmt::format("function   {:8} {} inputs: {} {}\n", check.function.name, report.function_inputs,
                        check.computed.hex(), verdict(check.same()));
  }
  if (report.training) {
    const TrainingReport& training = *report.training;
    text +=
        fmt::format("training   {} parameters, {} steps in {:.1f} s, loss {:.4f} to {:.4f}\n", training.num_parameters,
                    training.steps, training.seconds, training.first_loss, training.last_loss);
    for (const TrainingPoint& point : training.points) {
      text +=
          fmt::format("           behind step {}: {} {}\n", point.steps, point.computed.hex(), verdict(same(point)));
    }
  }
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
  json["mismatches"] = report.num_mismatches();
  return json.dump(2) + "\n";
}

}  // namespace reprise::conformance
