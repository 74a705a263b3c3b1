// What is taken for personal data, and the placeholders. The chosen placeholders were computed with Python's hashlib:
// int.from_bytes(sha256(b"reprise.pii.v1" + match).digest()[:8], "big") % count.

#include <gmock/gmock.h>

#include "filter_vectors.h"
#include "pii_spans.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Find = std::vector<PiiSpan> (*)(std::string_view);

std::vector<std::string> found(Find find, std::string_view text) {
  std::vector<std::string> matches;
  for (const PiiSpan& span : find(text)) matches.emplace_back(text.substr(span.begin, span.size));
  return matches;
}

std::string replaced(const std::string& preset, std::string text, Edits* edits = nullptr) {
  Edits counted;
  EXPECT_FALSE(make_filter(rule_of("pii", preset))->apply(text, counted).has_value());
  if (edits != nullptr) *edits = counted;
  return text;
}

TEST(PiiSpans, FindEmailAddresses) {
  EXPECT_THAT(found(find_emails, "Write to a.b+c@mail.example.co.uk, or <x@y.de>."),
              ElementsAre("a.b+c@mail.example.co.uk", "x@y.de"));
  EXPECT_THAT(found(find_emails, "a@b.c@d.e"), ElementsAre("a@b.c"));
  EXPECT_THAT(found(find_emails, "(first@x-1.org)last@x.org-"), ElementsAre("first@x-1.org", "last@x.org"));
  EXPECT_THAT(found(find_emails, "user@localhost, @name, a@, a@-b.de, a.@b.de, a@b..de, \u00E9@b.de"), IsEmpty());
  EXPECT_THAT(found(find_emails, ""), IsEmpty());
}

TEST(PiiSpans, FindIpAddresses) {
  EXPECT_THAT(found(find_ip_addresses, "from 8.8.8.8. To (255.255.255.255), v10.0.0.1x"),
              ElementsAre("8.8.8.8", "255.255.255.255", "10.0.0.1"));
  EXPECT_THAT(found(find_ip_addresses, "256.1.1.1 1.2.3 1.2.3.4.5 1.2.3.4567 .1.2.3.4 1..2.3.4"), IsEmpty());
}

TEST(PiiSpans, FindPhoneNumbersOfNorthAmerica) {
  EXPECT_THAT(found(find_phone_numbers, "Call (555) 123-4567 or 555.123.4567\n5551234567!"),
              ElementsAre("(555) 123-4567", "555.123.4567", "5551234567"));
  EXPECT_THAT(found(find_phone_numbers, "x555-123-4567 55-123-4567 555-123-45678 555/123/4567 12345678901"), IsEmpty());
  EXPECT_THAT(found(find_phone_numbers,
                    "\u3000"
                    "555 123 4567"),
              ElementsAre("555 123 4567"));
}

TEST(PiiSpans, TellPublicAddressesFromOthers) {
  for (const char* address : {"8.8.8.8", "11.0.0.0", "172.32.0.1", "100.128.0.0", "192.0.3.1", "224.0.0.1"}) {
    EXPECT_TRUE(is_public_ip(address)) << address;
  }
  for (const char* address : {"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.9.9", "172.31.255.255",
                              "192.0.2.1", "192.168.0.1", "198.19.0.1", "203.0.113.7", "255.255.255.255", "08.8.8.8"}) {
    EXPECT_FALSE(is_public_ip(address)) << address;
  }
}

TEST(Pii, PutsThePlaceholdersOfDolma) {
  EXPECT_EQ(replaced("dolma-v1.5", "a@b.de, 555-123-4567, 10.0.0.1"),
            " |||EMAIL_ADDRESS||| ,  |||PHONE_NUMBER||| ,  |||IP_ADDRESS||| ");
}

TEST(Pii, ChoosesAPlaceholderOfFineWebFromTheMatchAlone) {
  const std::string once = replaced("fineweb", "ada@lovelace.org");
  EXPECT_EQ(once, "firstname.lastname@example.org");
  EXPECT_EQ(replaced("fineweb", "9.9.9.9"), "220.127.116.11");
  EXPECT_EQ(replaced("fineweb", "bob@x.de 1.1.1.1 ada@lovelace.org"),
            "firstname.lastname@example.org 18.104.22.168 " + once);
  EXPECT_EQ(replaced("fineweb", "10.0.0.1 555-123-4567"), "10.0.0.1 555-123-4567");
}

TEST(Pii, ChangesNothingTheSecondTime) {
  for (const char* preset : {"dolma-v1.5", "fineweb"}) {
    const std::string once = replaced(preset, "a@b.de and c@d.fr at 8.8.8.8, 9.9.9.9, 555-123-4567");
    EXPECT_EQ(replaced(preset, once), once);
  }
}

TEST(Pii, CountsPlacesAndBytes) {
  Edits edits;
  replaced("dolma-v1.5", "a@b.de c@d.fr 10.0.0.1", &edits);
  EXPECT_EQ(edits.at("pii_email").num_lines, 2u);
  EXPECT_EQ(edits.at("pii_email").num_bytes, 12u);
  EXPECT_EQ(edits.at("pii_ip").num_lines, 1u);
}

TEST(Pii, DropsADolmaDocumentWithMoreThanFiveSpans) {
  const auto rule = rule_of("pii", "dolma-v1.5");
  expect_kept(rule, repeat("a@b.de", 5));
  expect_dropped(rule, repeat("a@b.de", 4) + " 10.0.0.1 555-123-4567", "pii_spans", 6, 5);
  expect_kept(rule_of("pii", "fineweb"), repeat("a@b.de", 6));
  expect_kept(rule, "");
}

}  // namespace
}  // namespace reprise::data
