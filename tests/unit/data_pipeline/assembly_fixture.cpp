#include "assembly_fixture.h"

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>
#include <zstd.h>

#include <fstream>

#include "reprise/core/files.h"
#include "reprise/core/hash.h"

namespace reprise::data {
namespace {

std::string make_archive(const Members& members, const std::function<void(archive*)>& choose) {
  std::string bytes(4 << 20, '\0');
  std::size_t used = 0;
  archive* writer = archive_write_new();
  choose(writer);
  EXPECT_EQ(archive_write_open_memory(writer, bytes.data(), bytes.size(), &used), ARCHIVE_OK);
  for (const auto& [path, content] : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, path.c_str());
    const bool link = content.starts_with("symlink:");
    archive_entry_set_filetype(entry, link ? AE_IFLNK : AE_IFREG);
    if (link) archive_entry_set_symlink(entry, content.c_str() + 8);
    archive_entry_set_size(entry, link ? 0 : static_cast<la_int64_t>(content.size()));
    archive_entry_set_perm(entry, 0644);
    EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK) << archive_error_string(writer);
    if (!link) archive_write_data(writer, content.data(), content.size());
    archive_entry_free(entry);
  }
  EXPECT_EQ(archive_write_close(writer), ARCHIVE_OK);
  archive_write_free(writer);
  return bytes.substr(0, used);
}

}  // namespace

std::string make_tar_gz(const Members& members) {
  return make_archive(members, [](archive* writer) {
    archive_write_add_filter_gzip(writer);
    archive_write_set_format_gnutar(writer);
  });
}

std::string make_wheel(const Members& members) {
  return make_archive(members, [](archive* writer) { archive_write_set_format_zip(writer); });
}

std::string make_deb(const Members& members) {
  Members files;
  for (const auto& [path, content] : members) files.emplace_back("./" + path, content);
  const std::string data = make_archive(files, [](archive* writer) {
    archive_write_add_filter_xz(writer);
    archive_write_set_format_gnutar(writer);
  });
  return make_archive({{"debian-binary", "2.0\n"},
                       {"control.tar.gz", make_tar_gz({{"./control", "Package: small\n"}})},
                       {"data.tar.xz", data}},
                      [](archive* writer) { archive_write_set_format_ar_svr4(writer); });
}

std::string gzipped(const std::string& content) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string bytes(compressBound(content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  return bytes;
}

std::string unzstd(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  std::string content;
  std::string piece(1 << 16, '\0');
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  while (in.pos < in.size) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    EXPECT_FALSE(ZSTD_isError(ZSTD_decompressStream(context, &out, &in)));
    content.append(piece, 0, out.pos);
    if (out.pos == 0 && in.pos == in.size) break;
  }
  ZSTD_freeDCtx(context);
  return content;
}

Error assembly_error(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorKind::kInternal, "no error");
}

void AssemblyFixture::SetUp() {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  folder_ = std::filesystem::path(testing::TempDir()) / ("assembly_" + std::string(info->name()));
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(packages());
}

void AssemblyFixture::write(const std::filesystem::path& path, const std::string& content) const {
  std::ofstream(path, std::ios::binary) << content;
}

void AssemblyFixture::write_recipe(const std::vector<TestRow>& rows) const {
  std::string text = "#id\tkind\t...\n";
  for (const TestRow& row : rows) {
    const std::filesystem::path package = packages() / row.artifact;
    const std::string bytes = std::filesystem::exists(package) ? read_file(package) : "";
    const std::string kind = row.artifact.ends_with(".deb") ? "deb" : "pypi";
    text += row.id + "\t" + kind + "\tsmall\t1\t" + row.artifact + "\t" +
            (row.sha256.empty() ? sha256(std::string_view(bytes)).hex() : row.sha256) + "\t" +
            std::to_string(bytes.size()) + "\t" + row.globs + "\t" + row.extractor + "\t" + row.language + "\tMIT\t" +
            row.cap + "\n";
  }
  write(recipe(), text);
}

AssembledCorpus AssemblyFixture::assemble(int num_threads, const std::string& tier) const {
  return assemble_corpus({recipe(), tier, packages(), out(), num_threads}, no_progress());
}

std::vector<std::string> AssemblyFixture::lines_of(const TestRow& row) const {
  write_recipe({row});
  const AssembledCorpus corpus = assemble();
  EXPECT_EQ(corpus.sources.size(), 1u);
  std::vector<std::string> lines;
  std::string rest = unzstd(out() / corpus.sources.at(0).name);
  for (std::size_t end; (end = rest.find('\n')) != std::string::npos; rest.erase(0, end + 1)) {
    lines.push_back(rest.substr(0, end));
  }
  return lines;
}

}  // namespace reprise::data
