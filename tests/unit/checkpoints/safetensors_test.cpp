// The export format, byte by byte.

#include "reprise/checkpoints/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "sample_state.h"

namespace reprise::checkpoints {
namespace {

std::uint64_t header_length(const std::string& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  return length;
}

TEST(SafetensorsTest, HeaderNamesEveryTensorWithItsShapeAndPlace) {
  const TestFolder folder;
  const SampleState state;
  write_safetensors(folder.path() / "model.safetensors", state.layout, state.weights, {{"format", "pt"}});
  const std::string bytes = read_file(folder.path() / "model.safetensors");
  const auto header = nlohmann::json::parse(bytes.substr(8, header_length(bytes)));
  EXPECT_EQ(header["__metadata__"]["format"], "pt");
  std::uint64_t next = 0;
  for (const TensorLayout::Entry& entry : state.layout.entries()) {
    const auto& tensor = header[entry.spec.name];
    EXPECT_EQ(tensor["dtype"], "F32");
    EXPECT_EQ(tensor["shape"].get<std::vector<std::int64_t>>(), entry.spec.shape);
    EXPECT_EQ(tensor["data_offsets"][0], next) << "tensors lie one behind the other";
    next = tensor["data_offsets"][1].get<std::uint64_t>();
    const char* const values = bytes.data() + 8 + header_length(bytes) + tensor["data_offsets"][0].get<std::uint64_t>();
    EXPECT_EQ(std::memcmp(values, state.weights.data() + entry.offset,
                          static_cast<std::size_t>(entry.spec.num_elements()) * sizeof(float)),
              0);
  }
  EXPECT_EQ(bytes.size(), 8 + header_length(bytes) + next);
  EXPECT_EQ(header_length(bytes) % 8, 0u) << "values are aligned";
}

TEST(SafetensorsTest, AFolderThatIsNotThereIsAnIoErrorWithThePath) {
  const TestFolder folder;
  const SampleState state;
  try {
    write_safetensors(folder.path() / "nowhere" / "model.safetensors", state.layout, state.weights, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_NE(std::string(error.what()).find("model.safetensors"), std::string::npos);
  }
}

TEST(SafetensorsTest, LeavesNothingWhereItCannotHaveItsName) {
  const TestFolder folder;
  const SampleState state;
  std::filesystem::create_directory(folder.path() / "model.safetensors");
  EXPECT_THROW(write_safetensors(folder.path() / "model.safetensors", state.layout, state.weights, {}), Error);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(SafetensorsTest, MetadataThatAreNotUtf8GetAReplacementCharacter) {
  const TestFolder folder;
  const SampleState state;
  write_safetensors(folder.path() / "x", state.layout, state.weights, {{"run", "r\xE9"}});
  const std::string bytes = read_file(folder.path() / "x");
  const auto header = nlohmann::json::parse(bytes.substr(8, header_length(bytes)));
  EXPECT_EQ(header["__metadata__"]["run"], "r\uFFFD");
}

}  // namespace
}  // namespace reprise::checkpoints
