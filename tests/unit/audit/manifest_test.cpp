#include "reprise/audit/manifest.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/merkle.h"

namespace reprise::audit {
namespace {

Manifest example() {
  Manifest manifest;
  manifest.run_name = "example";
  manifest.artefacts = {{"corpus", sha256("c")}, {"recipe", sha256("r")}, {"run.log", sha256("l")}};
  manifest.code = {{"commit", "abc"}};
  return manifest;
}

std::filesystem::path scratch_file() {
  return std::filesystem::temp_directory_path() / ("reprise_manifest_" + std::to_string(::getpid()) + ".json");
}

TEST(Manifest, RootIsTheMerkleRootOverNamedContents) {
  std::vector<Digest> leaves;
  for (const Artefact& artefact : example().artefacts) {
    leaves.push_back(CanonicalHasher("reprise.artefact.v1")
                         .string("name", artefact.name)
                         .digest("content", artefact.digest)
                         .finish());
  }
  EXPECT_EQ(example().root(), merkle_root(leaves));
}

TEST(Manifest, RootDoesNotDependOnTheCodeThatMadeIt) {
  Manifest other = example();
  other.code["commit"] = "def";
  EXPECT_EQ(other.root(), example().root());
}

TEST(Manifest, RootDependsOnNamesAndOrder) {
  Manifest renamed = example();
  renamed.artefacts[0].name = "corpora";
  EXPECT_NE(renamed.root(), example().root());
  Manifest swapped = example();
  std::swap(swapped.artefacts[0], swapped.artefacts[1]);
  EXPECT_NE(swapped.root(), example().root());
}

TEST(Manifest, FirstDifferenceNamesTheEarliestArtefactThatDiffers) {
  Manifest other = example();
  EXPECT_EQ(first_difference(example(), other), std::nullopt);
  other.artefacts[2].digest = sha256("x");
  EXPECT_EQ(first_difference(example(), other), "run.log");
  other.artefacts[1].digest = sha256("y");
  EXPECT_EQ(first_difference(example(), other), "recipe");
}

TEST(Manifest, FirstDifferenceNamesAnArtefactThatIsMissing) {
  Manifest shorter = example();
  shorter.artefacts.pop_back();
  EXPECT_EQ(first_difference(example(), shorter), "run.log");
  EXPECT_EQ(first_difference(shorter, example()), "run.log");
}

TEST(Manifest, ReadsWhatItWrote) {
  write_file_atomically(scratch_file(), to_json(example(), true));
  const Manifest read = read_manifest(scratch_file());
  EXPECT_EQ(read.artefacts, example().artefacts);
  EXPECT_EQ(read.code, example().code);
  EXPECT_EQ(read.root(), example().root());
  std::filesystem::remove(scratch_file());
}

TEST(Manifest, IsRefusedWhenItsRootIsNotThatOfItsArtefacts) {
  std::string text = to_json(example(), false);
  const std::string digest = sha256("r").hex();
  text.replace(text.find(digest), 2, digest.substr(0, 2) == "00" ? "11" : "00");
  write_file_atomically(scratch_file(), text);
  EXPECT_THROW(
      {
        try {
          read_manifest(scratch_file());
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::kCorrupt);
          throw;
        }
      },
      Error);
  std::filesystem::remove(scratch_file());
}

TEST(Manifest, IsRefusedWhenItIsNoManifest) {
  for (const char* text : {"", "{}", "[1, 2", R"({"format": "other"})"}) {
    write_file_atomically(scratch_file(), text);
    EXPECT_THROW(read_manifest(scratch_file()), Error) << text;
  }
  std::filesystem::remove(scratch_file());
}

TEST(Manifest, IsRefusedWhenItsJsonIsTooDeepToBePrinted) {
  write_file_atomically(scratch_file(), R"({"format": )" + std::string(200'000, '[') + std::string(200'000, ']') + "}");
  try {
    read_manifest(scratch_file());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCorrupt);
    EXPECT_NE(std::string(error.what()).find("byte 111: lists and objects nest"), std::string::npos) << error.what();
  }
  std::filesystem::remove(scratch_file());
}

TEST(PublishedPath, StandsBesideTheConfig) {
  EXPECT_EQ(published_path("configs/runs/tiny.pbtxt"), "configs/runs/tiny.published.json");
}

}  // namespace
}  // namespace reprise::audit
