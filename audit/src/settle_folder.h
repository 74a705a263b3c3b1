#pragma once
// What stands in the folder that a run is to be made in.

#include <filesystem>
#include <memory>
#include <optional>

#include "reprise/audit/reproduce.h"
#include "reprise/configs/config.pb.h"
#include "reprise/numerics/device.h"

namespace reprise::audit {

enum class FolderState {
  kNew,          // no run; documents and tokens may be there, which a build in the folder uses or replaces
  kInterrupted,  // a run of this recipe that did not end
};

/// Makes room for the run, or refuses (kCheckpoint); throws kIo where another process works in the folder. A finished
/// run of the recipe is set aside in previous/; `overwrite` deletes what stands there, the files of a run only. Nothing
/// is touched before device and corpus are known to be there.
FolderState settle_folder(const configs::RunConfig& config, const ReproduceOptions& options);

/// The manifest of the run that was set aside; nothing where none was.
std::optional<Manifest> previous_manifest(const std::filesystem::path& run_dir);

/// Deletes the run that was set aside.
void remove_previous(const std::filesystem::path& run_dir);

/// The GPU that trains a run of the config; null: the CPU. Throws kDevice.
std::shared_ptr<numerics::Device> device_of_run(const configs::RunConfig& config);

}  // namespace reprise::audit
