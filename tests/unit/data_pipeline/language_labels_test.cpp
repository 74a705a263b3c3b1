// Stored language labels: written once, read after that, refused when they were changed.

#include "reprise/data_pipeline/language_labels.h"

#include <gmock/gmock.h>

#include <fstream>

#include "corpus_fixture.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/filter_files.h"
#include "reprise/data_pipeline/filter_presets.h"

namespace reprise::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class LanguageLabelsTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }

  std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / "language_labels";
  std::filesystem::path path_ = folder_ / "labels.jsonl";
};

LanguageLabels sample() {
  LanguageLabels labels({"cld2", "V2.0", "00ff"});
  labels.add("one text", {"en", 98});
  labels.add("un texte", {"fr", 60});
  return labels;
}

TEST_F(LanguageLabelsTest, ReadBackWhatWasWritten) {
  sample().write(path_);
  const LanguageLabels read = LanguageLabels::read(path_);
  EXPECT_EQ(read.detector(), (DetectorIdentity{"cld2", "V2.0", "00ff"}));
  EXPECT_EQ(read.size(), 2u);
  EXPECT_EQ(*read.find("un texte"), (LanguageLabel{"fr", 60}));
  EXPECT_EQ(read.find("another"), nullptr);
  EXPECT_EQ(read.digest(), sample().digest());
}

TEST_F(LanguageLabelsTest, DoNotDependOnTheOrderOfTexts) {
  LanguageLabels other({"cld2", "V2.0", "00ff"});
  other.add("un texte", {"fr", 60});
  other.add("one text", {"en", 98});
  sample().write(path_);
  other.write(folder_ / "other.jsonl");
  EXPECT_EQ(read_file(path_), read_file(folder_ / "other.jsonl"));
}

TEST_F(LanguageLabelsTest, RefuseAChangedFile) {
  sample().write(path_);
  const std::string good = read_file(path_);
  const auto message = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    std::ofstream(path_, std::ios::binary) << text;
    const Error error = error_of([&] { LanguageLabels::read(path_); });
    EXPECT_EQ(error.kind(), ErrorKind::kCorrupt);
    return std::string(error.what());
  };
  EXPECT_THAT(message("\"percent\":98", "\"percent\":99"), HasSubstr("labels.jsonl:1: digest is "));
  EXPECT_THAT(message("V2.0", "V2.1"), HasSubstr("digest is "));
  EXPECT_THAT(message("labels.v1", "labels.v9"), HasSubstr("unknown format"));
  EXPECT_THAT(message("{\"text\"", "{text"), HasSubstr("labels.jsonl:2: "));
  EXPECT_THAT(message("\"percent\":98", "\"percent\":" + std::string(200'000, '[')),
              AllOf(HasSubstr("labels.jsonl:3: "), HasSubstr("nest more than")));
  EXPECT_THAT(message(good, ""), HasSubstr("the file is empty"));
}

FilterCounts judge(const std::filesystem::path& file, LanguageLabels& labels, const LanguageDetector* detector) {
  FilterFilesOptions options;
  options.files = {file};
  options.language = LanguageCondition{&labels, detector, "en", 0.65};
  // A chain whose one rule keeps everything.
  configs::FilterRule rule;
  rule.set_name("pii");
  rule.set_preset("fineweb");
  return filter_files(FilterChain(std::span(&rule, 1)), options, [](const Document&, const Judgement&) {});
}

TEST_F(LanguageLabelsTest, KeepTextsWhoseShareReachesTheThreshold) {
  const std::filesystem::path file = folder_ / "texts.jsonl";
  std::ofstream(file) << R"({"id":"a","text":"at"})"
                      << "\n"
                      << R"({"id":"b","text":"below"})"
                      << "\n"
                      << R"({"id":"c","text":"autre"})"
                      << "\n";
  LanguageLabels labels({"cld2", "V2.0", "00ff"});
  labels.add("at", {"en", 65});
  labels.add("below", {"en", 64});
  EXPECT_EQ(error_of([&] { judge(file, labels, nullptr); }).kind(), ErrorKind::kData);
  labels.add("autre", {"fr", 99});
  const FilterCounts counts = judge(file, labels, nullptr);
  EXPECT_EQ(counts.num_kept, 1u);
  EXPECT_EQ(counts.dropped_by.at("language_en"), 2u);
}

TEST_F(LanguageLabelsTest, AreComputedByCld2WhereItIsThere) {
  std::unique_ptr<LanguageDetector> detector;
  try {
    detector = make_cld2_detector();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kDevice);
    GTEST_SKIP() << error.what();
  }
  EXPECT_EQ(detector->identity().name, "cld2");
  EXPECT_EQ(detector->identity().model_sha256.size(), 64u);
  EXPECT_EQ(detector->detect("All human beings are born free and equal in dignity and rights.").language, "en");
  EXPECT_EQ(detector->detect("Todos los seres humanos nacen libres e iguales en dignidad y derechos.").language, "es");
  EXPECT_EQ(detector->detect("Alle Menschen sind frei und gleich an W\u00FCrde und Rechten geboren.").language, "de");
  EXPECT_EQ(detector->detect(""), (LanguageLabel{"un", 0}));
}

}  // namespace
}  // namespace reprise::data
