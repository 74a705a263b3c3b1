#pragma once
// Small package files, and a recipe over them, in a temporary folder.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "reprise/core/error.h"
#include "reprise/data_pipeline/assembly.h"

namespace reprise::data {

/// Path and content of the members of an archive, in order.
using Members = std::vector<std::pair<std::string, std::string>>;

std::string make_tar_gz(const Members& members);
std::string make_wheel(const Members& members);
/// ar of debian-binary, control.tar.gz and data.tar.xz, whose members lie under "./".
std::string make_deb(const Members& members);

std::string gzipped(const std::string& content);
std::string unzstd(const std::filesystem::path& path);

/// Returns the error that `work` throws; fails the test where it throws none.
Error assembly_error(const std::function<void()>& work);

/// One row of a recipe; what a test says nothing of has a value that works.
struct TestRow {
  std::string id = "deb.small";
  std::string artifact = "small_1_all.deb";
  std::string globs = "*";
  std::string extractor = "wraptxt";
  std::string language = "en";
  std::string cap = "";
  std::string sha256 = "";  // of the package file when empty
};

class AssemblyFixture : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path recipe() const { return folder_ / "recipe.tsv"; }
  std::filesystem::path packages() const { return folder_ / "packages"; }
  std::filesystem::path out() const { return folder_ / "out"; }

  void write(const std::filesystem::path& path, const std::string& content) const;
  void add_package(const std::string& name, const std::string& bytes) const { write(packages() / name, bytes); }
  void write_recipe(const std::vector<TestRow>& rows) const;

  AssembledCorpus assemble(int num_threads = 2, const std::string& tier = "") const;
  /// Assembles one row and returns the lines of its file.
  std::vector<std::string> lines_of(const TestRow& row) const;

  std::filesystem::path folder_;
};

}  // namespace reprise::data
