#pragma once
// How `reprise log show` prints records, whole or as they come.

#include <string>

#include "reprise/logs/run_log.h"
#include "reprise/logs/session_log.h"

namespace reprise::app {

/// Name, hashes and lineage of a run, a line each.
std::string run_lines(const logs::RunHeader& header);

/// The heading of the table of steps, and one line of it.
std::string step_heading();
std::string step_line(const logs::StepRecord& record, const logs::EvaluationRecord* evaluation = nullptr);
/// An evaluation that comes after the line of its step.
std::string evaluation_line(const logs::EvaluationRecord& evaluation);

/// The heading of the table of events, and one line of it.
std::string session_heading();
std::string session_line(const logs::SessionEvent& event);

/// Adds the figure "mfu" where the event has model FLOPs: achieved over peak.
void add_model_flops_utilisation(logs::SessionEvent& event, double peak_gflops);

}  // namespace reprise::app
