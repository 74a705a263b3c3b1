#include "reprise/core/printable.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "reprise/core/print_note.h"

namespace reprise {
namespace {

TEST(Printable, WritesControlCharactersAsInJson) {
  EXPECT_EQ(printable(std::string("a\0b", 3) + "\x1b]0;c\x07\n\x7f"), "a\\u0000b\\u001b]0;c\\u0007\\u000a\\u007f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J"),
            "\\u009b2J");
  EXPECT_EQ(printable("a\tb\nc\r", "\n\t"), "a\tb\nc\\u000d");
}

TEST(Printable, LeavesAllOtherTextAlone) {
  for (const char* text : {"", "caf\xc3\xa9 \xc2\xa0\xe2\x82\xac \\u001b", "\xc2", "\xff\x9b"})
    EXPECT_EQ(printable(text), text);
}

TEST(PrintNote, PutsNoControlCharacterOfAMessageOnTheTerminal) {
  testing::internal::CaptureStderr();
  print_note("error: {}\n  hint\n", "id \x1b[2J");
  std::fflush(stderr);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "error: id \\u001b[2J\n  hint\n");
}

}  // namespace
}  // namespace reprise
