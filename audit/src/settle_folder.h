#pragma once
// What stands in the folder that a run is to be made in.

#include <filesystem>
#include <memory>
#include <optional>

#include "reprise/audit/reproduce.h"
#include "reprise/configs/config.pb.h"
#include "reprise/core/folder_lock.h"
#include "reprise/numerics/device.h"

namespace reprise::audit {

/// Where a run is computed.
struct Place {
  std::filesystem::path folder;
  /// Of the finished run in options.run_dir, which nothing touches: `folder` is again/ in it. Nothing: there is none.
  std::optional<Manifest> earlier;
  /// Of the folder with that run: keeps a second computation out of again/. Nothing: what works in `folder` locks it.
  std::unique_ptr<FolderLock> lock;
};

/// Makes room for the run, or refuses (kCheckpoint); throws kIo where another process works in the folder. `overwrite`
/// deletes what stands there, the files of a run only, and not again/. Nothing is touched before the corpus is
/// known to be there. A run of this recipe that did not end may stand in the place that is returned, and documents and
/// tokens without a run.
Place settle_folder(const configs::RunConfig& config, const ReproduceOptions& options);

/// Deletes what was computed in again/. Throws kCheckpoint, and leaves all, where somebody's own files are in it.
void remove_again(const std::filesystem::path& run_dir);

/// The GPU that trains a run of the config; null: the CPU. Throws kDevice.
std::shared_ptr<numerics::Device> device_of_run(const configs::RunConfig& config);

}  // namespace reprise::audit
