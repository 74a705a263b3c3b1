// DCLM-Baseline's removal of addresses from texts, its first step after the lists of banned addresses.

#include "dclm_domains.h"
#include "filter_rules.h"
#include "text_measures.h"

namespace reprise::data {
namespace {

class DclmUrls : public Filter {
 public:
  DclmUrls(bool everywhere, Disabled disabled) : everywhere_(everywhere), disabled_(std::move(disabled)) {}

  Judgement judge(TextMeasures& measures, bool) const override {
    Judgement judgement;
    std::string text(measures.text());
    // The published code asks for a top-level domain at the beginning of the page, where it means to search for one.
    if (!disabled_.contains("dclm_url") && (everywhere_ || begins_with_domain(text))) {
      edit("dclm_url", text, without_urls(text), judgement.edits);
    }
    if (!disabled_.contains("dclm_ip_address")) {
      edit("dclm_ip_address", text, without_ip_addresses(text), judgement.edits);
    }
    if (text != measures.text()) judgement.edited = std::move(text);
    return judgement;
  }

 private:
  static void edit(const char* rule, std::string& text, std::string left, Edits& edits) {
    if (left.size() == text.size()) return;
    edits[rule].num_bytes += text.size() - left.size();
    text = std::move(left);
  }

  bool everywhere_;
  Disabled disabled_;
};

}  // namespace

std::unique_ptr<Filter> make_dclm_urls(std::string_view preset, Disabled disabled) {
  return std::make_unique<DclmUrls>(preset == "dclm-intended", std::move(disabled));
}

}  // namespace reprise::data
