// Word and sentence boundaries against Unicode's own test files, and what the filters make of the segments.

#include "segments.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "break_tables.h"
#include "text_measures.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;

using SegmentEnd = std::size_t (*)(std::string_view, std::size_t);

std::vector<std::string> segments_of(std::string_view text, SegmentEnd segment_end) {
  std::vector<std::string> segments;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = segment_end(text, begin);
    segments.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return segments;
}

/// Every case of a file: code points, and | at each boundary. Returns how many cases there were.
int check_cases(const std::string& name, SegmentEnd segment_end) {
  std::ifstream file(std::string(REPRISE_SOURCE_DIR) + "/tests/unit/data_pipeline/" + name);
  int count = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::string text;
    std::vector<std::string> expected;
    for (std::string field; fields >> field;) {
      if (field == "|") {
        expected.emplace_back();
        continue;
      }
      const auto code_point = static_cast<std::uint32_t>(std::stoul(field, nullptr, 16));
      append_utf8(text, code_point);
      append_utf8(expected.back(), code_point);
    }
    expected.pop_back();  // the boundary at the end begins nothing
    EXPECT_EQ(segments_of(text, segment_end), expected) << line;
    ++count;
  }
  return count;
}

TEST(Segments, FollowEveryCaseOfUnicodesWordBreakTest) {
  EXPECT_STREQ(break_tables_unicode_version(), "15.0.0");
  EXPECT_EQ(check_cases("word_breaks.txt", word_segment_end), 1823);
}

TEST(Segments, FollowEveryCaseOfUnicodesSentenceBreakTest) {
  EXPECT_EQ(check_cases("sentence_breaks.txt", sentence_segment_end), 502);
}

TEST(Segments, AreTheSameFromEveryBoundaryOn) {
  const std::string text = "Can't \"3,456.78\" fit\u200D? \U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7\U0001F1E9 a.b 1.2 x";
  const std::vector<std::string> whole = segments_of(text, word_segment_end);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(segments_of(std::string_view(text).substr(begin), word_segment_end),
              std::vector<std::string>(whole.begin() + static_cast<std::ptrdiff_t>(i), whole.end()));
    begin += whole[i].size();
  }
}

TEST(Segments, TakeTimeInProportionToTheText) {
  // Each closing mark asks whether a lower-case letter follows; a reader that looks ahead each time needs hours here.
  const std::string text = "a." + std::string(2000000, ')');
  EXPECT_EQ(sentence_segment_end(text, 0), text.size());
  EXPECT_EQ(word_segment_end("a" + std::string(2000000, '\''), 0), 1u);
}

std::vector<std::string> words_of(std::string_view text, Splitter splitter) {
  TextMeasures measures(text);
  std::vector<std::string> words;
  for (const Word& word : measures.words(splitter)) words.emplace_back(word.text);
  return words;
}

TEST(TextMeasures, SplitIntoWordsInThreeWays) {
  const std::string text = "Well-known: don't\u00A0pay $3.50 -- ever!";
  EXPECT_THAT(words_of(text, Splitter::kWhiteSpace),
              ElementsAre("Well-known:", "don't", "pay", "$3.50", "--", "ever!"));
  EXPECT_THAT(words_of(text, Splitter::kSegments),
              ElementsAre("Well", "-", "known", ":", "don't", "pay", "$", "3.50", "--", "ever", "!"));
  EXPECT_THAT(words_of(text, Splitter::kAlphanumerics), ElementsAre("Well", "known", "don't", "pay", "3.50", "ever"));
}

TEST(TextMeasures, TakeShortCutsThatChangeNoBoundary) {
  // Every text of four characters from these, in two surroundings.
  const std::vector<std::string> characters = {"a", "1",  "_", "'",      ".",      ":",      "\"",
                                               " ", "\n", ",", "\u00E9", "\u0308", "\u200D", "\u65E5"};
  const std::size_t count = characters.size();
  for (std::size_t i = 0; i < count * count * count * count; ++i) {
    std::string text = characters[i % count] + characters[i / count % count] + characters[i / count / count % count] +
                       characters[i / count / count / count];
    if (i % 2 == 1) text = "b" + text + "b";
    std::vector<std::string> expected;
    for (const std::string& segment : segments_of(text, word_segment_end)) {
      const CharacterClass kind = character_class(decode_character(segment, 0).code_point);
      if (kind == CharacterClass::kLetter || kind == CharacterClass::kNumber) expected.push_back(segment);
    }
    ASSERT_EQ(words_of(text, Splitter::kAlphanumerics), expected) << text;
  }
}

TEST(TextMeasures, TakeARunOfHyphensOrFullStopsForOneWord) {
  EXPECT_THAT(words_of("a...b ---- .-. !! ..\u0308", Splitter::kSegments),
              ElementsAre("a", "...", "b", "----", ".", "-", ".", "!", "!", ".", ".\u0308"));
}

TEST(TextMeasures, FindNoWordsWhereThereAreNone) {
  for (const Splitter splitter : {Splitter::kWhiteSpace, Splitter::kSegments, Splitter::kAlphanumerics}) {
    EXPECT_TRUE(words_of("", splitter).empty());
    EXPECT_TRUE(words_of("  \n\t\u3000\u00A0\n", splitter).empty());
  }
}

TEST(TextMeasures, SplitOtherScriptsBySegments) {
  EXPECT_THAT(words_of("\u65E5\u672C\u8A9E", Splitter::kSegments), ElementsAre("\u65E5", "\u672C", "\u8A9E"));
  EXPECT_THAT(words_of("\u043C\u0438\u0440 \u05E9\u05DC\u05D5\u05DD", Splitter::kAlphanumerics),
              ElementsAre("\u043C\u0438\u0440", "\u05E9\u05DC\u05D5\u05DD"));
}

}  // namespace
}  // namespace reprise::data
