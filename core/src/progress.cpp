#include "reprise/core/progress.h"

namespace reprise {
namespace {

class Silent final : public ProgressSink {
 public:
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void update(std::int64_t, std::string_view) override {}
  void end() override {}
};

}  // namespace

ProgressSink& no_progress() {
  static Silent silent;
  return silent;
}

}  // namespace reprise
