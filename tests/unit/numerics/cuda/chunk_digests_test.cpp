// SHA-256 of chunks on a GPU.

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "reprise/core/error.h"
#include "reprise/core/hash.h"
#include "reprise/core/tensor_layout.h"
#include "two_devices.h"

namespace reprise::numerics {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Chunks of these lengths; what lies behind a length is NaN.
std::vector<float> chunks_of(const std::vector<std::int32_t>& lengths, unsigned seed = 1) {
  const auto num_chunks = static_cast<std::int64_t>(lengths.size());
  std::vector<float> x = random_values(num_chunks * kChunkElements, seed, true);
  for (std::int64_t chunk = 0; chunk < num_chunks; ++chunk) {
    const auto end = x.begin() + (chunk + 1) * kChunkElements;
    std::fill(x.begin() + chunk * kChunkElements + lengths[static_cast<std::size_t>(chunk)], end, kNan);
  }
  return x;
}

struct Found {
  std::vector<Digest> digests;
  std::vector<std::uint8_t> non_finite;
};

Found digests_on(Device& device, const std::vector<std::int32_t>& lengths, const std::vector<float>& x) {
  const auto num_chunks = static_cast<std::int64_t>(lengths.size());
  DeviceMemory memory(device);
  auto* const digests = memory.take<std::uint8_t>(num_chunks * 32);
  auto* const non_finite = memory.take<std::uint8_t>(num_chunks);
  device.digest_chunks(num_chunks, memory.copy_of(lengths), memory.copy_of(x), digests, non_finite);
  Found found{std::vector<Digest>(lengths.size()), std::vector<std::uint8_t>(lengths.size(), 77)};
  std::vector<std::uint8_t> bytes(lengths.size() * 32);
  device.read(bytes.data(), digests, bytes.size());
  device.read(found.non_finite.data(), non_finite, lengths.size());
  for (std::size_t chunk = 0; chunk < lengths.size(); ++chunk) {
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(chunk * 32), 32, found.digests[chunk].bytes.begin());
  }
  return found;
}

/// Compares every chunk with the CPU's, whatever the order of threads, and returns what was found.
Found expect_digests_of_the_cpu(const std::vector<std::int32_t>& lengths, const std::vector<float>& x) {
  const Found expected = digests_on(cpu_device(), lengths, x);
  for (const char* order : {"forward", "backward", "20251122"}) {
    setenv("REPRISE_EMULATION_ORDER", order, 1);
    const std::unique_ptr<Device> device = emulation::make_emulated_device();
    const Found found = digests_on(*device, lengths, x);
    for (std::size_t chunk = 0; chunk < lengths.size(); ++chunk) {
      EXPECT_EQ(found.digests[chunk].hex(), expected.digests[chunk].hex())
          << "chunk " << chunk << ", length " << lengths[chunk] << ", order of threads " << order;
      EXPECT_EQ(found.non_finite[chunk], expected.non_finite[chunk])
          << "chunk " << chunk << ", length " << lengths[chunk] << ", order of threads " << order;
    }
  }
  return expected;
}

TEST(CudaChunkDigests, EqualTheCpusWhereverAMessageEndsInItsBlock) {
  // 13 elements leave room for the padding in the last block of 16, 14 do not.
  std::vector<std::int32_t> lengths = {0, 1, 13, 14, 15, 16, 17, 4079, 4080, 4093, 4094, 4095, 4096};
  for (std::int32_t length = 29; length <= 33; ++length) lengths.push_back(length);
  const Found found = expect_digests_of_the_cpu(lengths, chunks_of(lengths));
  for (const std::uint8_t flag : found.non_finite) EXPECT_EQ(flag, 0);
}

TEST(CudaChunkDigests, EqualTheCpusForAnyNumberOfChunks) {
  std::mt19937 engine(3);
  for (const std::size_t num_chunks : {0, 1, 31, 32, 33, 64, 65, 97, 131}) {
    std::vector<std::int32_t> lengths(num_chunks);
    for (std::int32_t& length : lengths) length = static_cast<std::int32_t>(engine() % 200);
    expect_digests_of_the_cpu(lengths, chunks_of(lengths, static_cast<unsigned>(num_chunks)));
  }
}

TEST(CudaChunkDigests, EqualTheCpusForRandomLengths) {
  std::mt19937 engine(4);
  std::vector<std::int32_t> lengths(35);
  for (std::int32_t& length : lengths) length = static_cast<std::int32_t>(engine() % (kChunkElements + 1));
  expect_digests_of_the_cpu(lengths, chunks_of(lengths));
}

TEST(CudaChunkDigests, AreThePublishedOnes) {
  // The empty message; FIPS 180-2, B.2; NIST's SHA256ShortMsg, 32 bits; and two of Python's hashlib: 4096 times 1.0f,
  // little-endian, and the bytes 0 to 63 sixteen times (256 elements).
  const std::string of_fips = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  const std::vector<std::int32_t> lengths = {0, 14, 1, 4096, 256};
  std::vector<float> x = chunks_of(lengths);
  std::memcpy(&x[1 * kChunkElements], of_fips.data(), of_fips.size());
  const std::uint8_t of_nist[] = {0x74, 0xba, 0x25, 0x21};
  std::memcpy(&x[2 * kChunkElements], of_nist, sizeof of_nist);
  std::fill_n(x.begin() + 3 * kChunkElements, 4096, 1.0f);
  std::vector<std::uint8_t> counted(1024);
  for (std::size_t i = 0; i < counted.size(); ++i) counted[i] = static_cast<std::uint8_t>(i % 64);
  std::memcpy(&x[4 * kChunkElements], counted.data(), counted.size());
  const std::unique_ptr<Device> device = emulation::make_emulated_device();
  const Found found = digests_on(*device, lengths, x);
  EXPECT_EQ(found.digests[0].hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(found.digests[1].hex(), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(found.digests[2].hex(), "b16aa56be3880d18cd41e68384cf1ec8c17680c45a02b1575dc1518923ae8b0e");
  EXPECT_EQ(found.digests[3].hex(), "3035aac5fb87474c303702f9030301b4e6bb7aee93be3710b8ab8dcea201db70");
  EXPECT_EQ(found.digests[4].hex(), "2ef39a8d2b6a6ba62a701cfd40d9c82eed962505c85aaf8a6363ac9170c4bfc7");
}

TEST(CudaChunkDigests, SeeWhatIsNotFiniteWhereverItIs) {
  struct Case {
    std::int32_t length, place;
    float value;
  };
  std::vector<Case> cases;
  for (const float value : {kNan, -kNan, kInfinity, -kInfinity, std::bit_cast<float>(0x7f800001u)}) {
    for (const std::int32_t length : {1, 14, 16, 17, 4095, 4096}) {
      cases.push_back({length, 0, value});
      cases.push_back({length, length - 1, value});
      cases.push_back({length, length / 2, value});
    }
  }
  std::vector<std::int32_t> lengths;
  for (const Case& each : cases) lengths.push_back(each.length);
  std::vector<float> x = chunks_of(lengths);
  for (std::size_t chunk = 0; chunk < cases.size(); ++chunk) {
    x[chunk * kChunkElements + static_cast<std::size_t>(cases[chunk].place)] = cases[chunk].value;
  }
  const Found found = expect_digests_of_the_cpu(lengths, x);
  for (const std::uint8_t flag : found.non_finite) EXPECT_EQ(flag, 1);
}

TEST(CudaChunkDigests, TakeTheLargestFiniteValuesForFinite) {
  const std::vector<std::int32_t> lengths(3, 20);
  std::vector<float> x = chunks_of(lengths);
  x[0] = std::numeric_limits<float>::max();
  x[kChunkElements + 19] = std::numeric_limits<float>::lowest();
  x[2 * kChunkElements + 16] = std::numeric_limits<float>::denorm_min();
  const Found found = expect_digests_of_the_cpu(lengths, x);
  EXPECT_EQ(found.non_finite, std::vector<std::uint8_t>(3, 0));
}

TEST(CudaChunkDigests, RefuseMemoryThatIsNotAligned) {
  const std::unique_ptr<Device> device = emulation::make_emulated_device();
  DeviceMemory memory(*device);
  float* const x = memory.output(2 * kChunkElements);
  auto* const digests = memory.take<std::uint8_t>(48);
  auto* const flags = memory.take<std::uint8_t>(1);
  const std::int32_t* const lengths = memory.copy_of(std::vector<std::int32_t>{4096});
  EXPECT_THROW(device->digest_chunks(1, lengths, x + 1, digests, flags), Error);
  EXPECT_THROW(device->digest_chunks(1, lengths, x, digests + 4, flags), Error);
}

}  // namespace
}  // namespace reprise::numerics
