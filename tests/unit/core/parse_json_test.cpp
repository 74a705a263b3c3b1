#include "reprise/core/parse_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace reprise {
namespace {

using nlohmann::json;

std::string nested(int depth) {
  const auto size = static_cast<std::size_t>(depth);
  return std::string(size, '[') + std::string(size, ']');
}

TEST(ParseJson, GivesWhatTheTextSays) {
  EXPECT_EQ(parse_json<json>(R"({"a": [1, {"b": "]"}]})"), (json{{"a", {1, {{"b", "]"}}}}}));
  EXPECT_EQ(parse_json<json>(nested(kMaxJsonDepth)).dump(), nested(kMaxJsonDepth));
}

TEST(ParseJson, RefusesWhatIsTooDeepToBeCopiedAndPrintedAndNamesTheByte) {
  for (const std::string& text : {nested(kMaxJsonDepth + 1), nested(1'000'000)}) {
    try {
      parse_json<json>("  " + text);
      FAIL();
    } catch (const json::parse_error& error) {
      EXPECT_EQ(error.byte, 2 + kMaxJsonDepth + 1);
      EXPECT_NE(std::string(error.what()).find("nest more than 100 deep"), std::string::npos) << error.what();
    }
  }
}

TEST(ParseJson, CountsNoBracketsInStringsNorThoseThatAreClosed) {
  const std::string brackets(1000, '[');
  EXPECT_EQ(parse_json<json>("[\"\\\"" + brackets + "\\\\\"]")[0], "\"" + brackets + "\\");
  std::string list = "[[]";
  for (int i = 0; i < 1000; ++i) list += ",{}";
  EXPECT_EQ(parse_json<json>(list + "]").size(), 1001u);
}

TEST(ParseJson, LeavesWhatIsNoJsonToTheParser) {
  for (const char* text : {"", "]]]]", "\"[[", "[1,", "{]"}) {
    EXPECT_THROW(parse_json<json>(text), json::parse_error) << text;
  }
}

}  // namespace
}  // namespace reprise
