// Runs a fuzz target over the files of a folder, each as it is, cut at every 7th byte and with every 5th byte changed:
// the committed corpus as an ordinary test. usage: PROGRAM FOLDER

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace {

void run(const std::string& bytes) {
  // A copy of exactly this size, so that a sanitizer sees each byte read behind it.
  const std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

void run_variants(const std::string& bytes) {
  run(bytes);
  for (std::size_t size = 0; size < bytes.size(); size += 7) run(bytes.substr(0, size));
  for (std::size_t i = 0; i < bytes.size(); i += 5) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ (1 << i % 8));
    run(changed);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(arguments[1])) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::printf("%s\n", path.filename().c_str());
    std::fflush(stdout);
    std::ifstream file(path, std::ios::binary);
    run_variants({std::istreambuf_iterator<char>(file), {}});
  }
  return files.empty() ? 1 : 0;
}
