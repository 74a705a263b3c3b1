// Labels by fastText, with a model that the library trains here.

#include <fasttext/fasttext.h>
#include <gmock/gmock.h>

#include "corpus_fixture.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/language_labels.h"

namespace reprise::data {
namespace {

using testing::HasSubstr;

class FastTextDetector : public CorpusFixture {
 protected:
  /// Knows English and Spanish by a few sentences; softmax, so that the probabilities add up to 1.
  std::filesystem::path train(fasttext::model_name kind = fasttext::model_name::sup) const {
    std::string lines;
    for (int k = 0; k < 40; ++k) {
      lines +=
          "__label__en the house and the garden with the old trees\n__label__es la casa y el jardín con los árboles\n";
      lines += "__label__en all human beings are born free\n__label__es todos los seres humanos nacen libres\n";
    }
    write_file_atomically(folder_ / "train.txt", lines);
    fasttext::Args args;
    args.input = (folder_ / "train.txt").string();
    args.output = (folder_ / "model").string();
    args.model = kind;
    args.loss = kind == fasttext::model_name::sup ? fasttext::loss_name::softmax : fasttext::loss_name::ns;
    args.minn = 2;
    args.maxn = 3;
    args.bucket = 1000;
    args.dim = 8;
    args.lr = 0.5;
    args.epoch = 20;
    args.thread = 1;
    args.verbose = 0;
    args.minCount = 1;
    fasttext::FastText model;
    model.train(args);
    model.saveModel((folder_ / "model.bin").string());
    return folder_ / "model.bin";
  }
};

TEST_F(FastTextDetector, GivesTheLabelOfTheModelAndItsProbability) {
  const auto detector = make_fasttext_detector(train());
  const LanguageLabel english = detector->detect("the old garden and the house");
  EXPECT_EQ(english.language, "en");
  EXPECT_GE(english.percent, 65u);
  EXPECT_LE(english.percent, 100u);
  EXPECT_EQ(detector->detect("el jardín y la casa").language, "es");
}

TEST_F(FastTextDetector, ReadsATextOfManyLinesAsOne) {
  const auto detector = make_fasttext_detector(train());
  const std::string lines = "the house\nla casa y el jardín con los árboles\ntodos los seres humanos nacen libres";
  std::string line = lines;
  std::replace(line.begin(), line.end(), '\n', ' ');
  EXPECT_EQ(detector->detect(lines), detector->detect(line));
  EXPECT_EQ(detector->detect(lines).language, "es");
  EXPECT_EQ(detector->detect(""), (LanguageLabel{"un", 0}));
}

TEST_F(FastTextDetector, NamesTheHashOfItsModel) {
  const std::filesystem::path model = train();
  const DetectorIdentity identity = make_fasttext_detector(model)->identity();
  EXPECT_EQ(identity, (DetectorIdentity{"fasttext", "model format 12", sha256(read_file(model)).hex()}));
  LanguageLabels labels(identity);
  labels.add("a", {"en", 99});
  labels.write(folder_ / "labels.jsonl");
  EXPECT_EQ(LanguageLabels::read(folder_ / "labels.jsonl").detector(), identity);
}

TEST_F(FastTextDetector, RefusesWhatIsNoModelOfLabels) {
  write_file_atomically(folder_ / "text.bin", "this is a text");
  const Error text = error_of([&] { make_fasttext_detector(folder_ / "text.bin"); });
  EXPECT_EQ(text.kind(), ErrorKind::kData);
  EXPECT_THAT(text.what(), HasSubstr("text.bin: begins with 0x73696874"));
  write_file_atomically(folder_ / "short.bin", "ab");
  EXPECT_THAT(error_of([&] { make_fasttext_detector(folder_ / "short.bin"); }).what(), HasSubstr("2 bytes"));
  EXPECT_THAT(error_of([&] { make_fasttext_detector(train(fasttext::model_name::sg)); }).what(),
              HasSubstr("a model of words"));
  EXPECT_EQ(error_of([&] { make_fasttext_detector(folder_ / "none.bin"); }).kind(), ErrorKind::kIo);
}

}  // namespace
}  // namespace reprise::data
