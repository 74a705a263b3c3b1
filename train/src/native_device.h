#pragma once
// The native profile gives the same bits on one kind of device alone, so a run must not get some of its steps from
// another.

#include <filesystem>
#include <string>

#include "reprise/configs/config.pb.h"
#include "reprise/dist/communicator.h"
#include "reprise/train/trainer.h"

namespace reprise::train {

/// The session log that expect_one_kind_of_device() is to look at; empty where the run begins.
std::filesystem::path log_of_device(const TrainOptions& options);

/// Under native, throws Error(kDevice) on every rank when `description` (TrainingModel::device_description()) is not
/// the same on all ranks, and Error(kCheckpoint) when the last session of the log computed on another device. A log
/// that is not there is not missed. Collective.
void expect_one_kind_of_device(const configs::Recipe& recipe, const std::string& description,
                               const std::filesystem::path& session_log, dist::Communicator& communicator);

}  // namespace reprise::train
