#pragma once
// Ranks that were given different things compute other bits, or exchange messages of other sizes: they are compared
// before that.

#include <functional>
#include <string>
#include <vector>

#include "reprise/core/error.h"
#include "reprise/core/hash.h"
#include "reprise/dist/communicator.h"
#include "reprise/train/trainer.h"
#include "run_folder.h"

namespace reprise::train {

/// One thing that all ranks must have alike.
struct SharedFact {
  ErrorKind kind;     // of the error where they have not
  std::string name;   // as the error calls it: "recipe"
  std::string value;  // one line
};

/// Says more of a fact in which `rank` differs from rank 0; called on all ranks alike, so it may exchange.
using Explain = std::function<std::string(const SharedFact& fact, int rank)>;

/// Throws, on every rank with the same words, unless all ranks give the same facts: the error names the first fact that
/// differs, and the rank and its host. Collective; nothing is exchanged by one rank alone.
void expect_same_on_ranks(const std::vector<SharedFact>& mine, dist::Communicator& communicator,
                          const Explain& explain = {});

/// Expects the same program, recipe, shards, tokenizer, last step and settings of the exchange. Collective.
void expect_one_run(const RunIdentity& identity, const TrainOptions& options, std::uint64_t last_step,
                    dist::Communicator& communicator);

/// Expects that what all ranks have read from `path` is the same: its root. Collective.
void expect_one_file(const std::filesystem::path& path, const Digest& root, ErrorKind kind,
                     dist::Communicator& communicator);

}  // namespace reprise::train
