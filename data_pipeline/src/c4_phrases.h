#pragma once
// The phrases that C4 looks for, without regard to ASCII case. The whole page is searched first: most pages have none
// of them, and their lines need no look.

#include <cstdint>
#include <string_view>

namespace reprise::data {

class C4Phrases {
 public:
  explicit C4Phrases(std::string_view page);

  std::uint64_t count_lorem_ipsum(std::string_view line) const;
  bool has_javascript(std::string_view line) const;
  bool has_policy(std::string_view line) const;

 private:
  bool lorem_ipsum_, javascript_, policy_;
};

}  // namespace reprise::data
