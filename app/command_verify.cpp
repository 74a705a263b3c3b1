#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "json_text.h"
#include "reprise/audit/verify.h"
#include "reprise/core/error.h"
#include "reprise/core/printable.h"

namespace reprise::app {
namespace {

void print_json(const audit::Verdict& verdict) {
  nlohmann::ordered_json json;
  json["holds"] = verdict.holds();
  json["root"] = verdict.root ? nlohmann::ordered_json(verdict.root->hex()) : nullptr;
  json["claims"] = nlohmann::ordered_json::array();
  for (const audit::Claim& claim : verdict.claims) {
    json["claims"].push_back({{"name", claim.name}, {"holds", claim.holds}, {"detail", claim.detail}});
  }
  json["not_checked"] = verdict.not_checked;
  fmt::print("{}\n", json_text(json));
}

void print_text(const audit::Verdict& verdict) {
  for (const audit::Claim& claim : verdict.claims) {
    fmt::print("{:<6} {:<34} {}\n", claim.holds ? "holds" : "FAILS", claim.name, printable(claim.detail, "\n\t"));
  }
  fmt::print("\nnot checked:\n");
  for (const std::string& line : verdict.not_checked) fmt::print("  {}\n", line);
  if (verdict.holds()) {
    fmt::print("\nVERIFIED root={}\n", verdict.root->hex());
  } else {
    fmt::print("\nNOT VERIFIED\n");
  }
}

}  // namespace

void add_verify_command(CLI::App& app, Context& context) {
  struct RunVerifyFlags {
    std::string run;
    bool json = false;
  };
  const auto flags = std::make_shared<RunVerifyFlags>();
  CLI::App* verb = app.add_subcommand(
      "verify", "Check the files of a finished run against each other and its root, computing nothing again");
  verb->add_option("RUN", flags->run, "Run folder, such as runs/tiny")->required();
  verb->add_flag("--json", flags->json, "Print the verdict as JSON");
  verb->footer("Exit code 0: every claim holds; 4: one does not.\n\nExample:\n  reprise verify runs/tiny");
  verb->callback([flags, &context] {
    const audit::Verdict verdict = audit::verify_run(flags->run);
    flags->json ? print_json(verdict) : print_text(verdict);
    context.status = verdict.holds() ? 0 : exit_code(ErrorKind::kCorrupt);
  });
}

}  // namespace reprise::app
