#include "spike_window.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "reprise/core/error.h"

namespace reprise::train {
namespace {

// Below, the unbiased deviation has no meaning.
constexpr std::size_t kFewestValues = 2;

}  // namespace

/// Mean + sigma * unbiased standard deviation, in binary64, oldest step first.
double SpikeWindow::limit(double sigma, double Values::*value) const {
  const auto count = static_cast<double>(values_.size());
  double sum = 0;
  for (const Values& values : values_) sum += values.*value;
  const double mean = sum / count;
  double squares = 0;
  for (const Values& values : values_) {
    const double difference = values.*value - mean;
    const double square = difference * difference;
    squares += square;
  }
  const double spread = sigma * std::sqrt(squares / (count - 1));
  return mean + spread;
}

std::optional<logs::SkippedUpdate> SpikeWindow::judge(const configs::SpikeSkipping& recipe,
                                                      const Values& values) const {
  // The step itself counts as seen, as in OLMo-core.
  if (values_.size() < kFewestValues || values_.size() + 1 < recipe.window() / 2) return std::nullopt;
  logs::SkippedUpdate skipped;
  const auto check = [&](bool watched, double Values::*value, std::optional<double>& passed) {
    if (!watched) return;
    const double most = limit(recipe.sigma(), value);
    if (values.*value > most) passed = most;
  };
  check(recipe.loss(), &Values::loss, skipped.loss_limit);
  check(recipe.gradient_norm(), &Values::gradient_norm, skipped.gradient_norm_limit);
  if (!skipped.loss_limit && !skipped.gradient_norm_limit) return std::nullopt;
  return skipped;
}

void SpikeWindow::add(const configs::SpikeSkipping& recipe, const Values& values) {
  values_.push_back(values);
  while (values_.size() > recipe.window()) values_.pop_front();
}

std::string SpikeWindow::to_bytes() const {
  std::string bytes(values_.size() * sizeof(Values), '\0');
  for (std::size_t i = 0; i < values_.size(); ++i) {
    std::memcpy(bytes.data() + i * sizeof(Values), &values_[i], sizeof(Values));
  }
  return bytes;
}

SpikeWindow SpikeWindow::from_bytes(std::string_view bytes) {
  REPRISE_CHECK_EQ(bytes.size() % sizeof(Values), std::size_t{0});
  SpikeWindow window;
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Values)) {
    Values values;
    std::memcpy(&values, bytes.data() + at, sizeof(Values));
    window.values_.push_back(values);
  }
  return window;
}

SpikeWindow spike_window_of(const configs::SpikeSkipping& recipe, const logs::RunLog& log) {
  SpikeWindow window;
  for (const logs::RunRecord& record : log.records) {
    if (record.step) window.add(recipe, {record.step->loss, record.step->gradient_norm});
  }
  return window;
}

}  // namespace reprise::train
