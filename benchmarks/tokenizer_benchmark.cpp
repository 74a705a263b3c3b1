// Encodes or trains once for every line on standard input, so that benchmarks/tokenizer_benchmark.py can alternate with
// its peers.
//   tokenizer_benchmark encode TOKENIZER DOCUMENTS THREADS IDS   writes the ids of the first round as a .npy file
//   tokenizer_benchmark file TOKENIZER TEXT THREADS IDS          what `reprise tokenizer encode` does with a file
//   tokenizer_benchmark train DOCUMENTS VOCAB THREADS OUT        writes the tokenizer.json
// DOCUMENTS holds for each one u32 number of bytes (little-endian) and the bytes. Prints seconds, seconds of the
// processor, those of the calling thread alone, and a number.

#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "reprise/core/files.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/token_file.h"
#include "reprise/data_pipeline/tokenizer.h"

namespace {

using reprise::data::TokenId;
using reprise::data::Tokenizer;

std::vector<std::string_view> split_documents(const std::string& file) {
  std::vector<std::string_view> documents;
  for (std::size_t position = 0; position + 4 <= file.size();) {
    std::uint32_t size = 0;
    std::memcpy(&size, file.data() + position, 4);
    documents.push_back(std::string_view(file).substr(position + 4, size));
    position += 4 + size;
  }
  return documents;
}

double processor_seconds(clockid_t clock) {
  std::timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Runs `work` for every line read; it returns the number to print.
void run_rounds(const std::function<std::size_t()>& work) {
  for (std::string line; std::getline(std::cin, line);) {
    const double processor_begin = processor_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const double thread_begin = processor_seconds(CLOCK_THREAD_CPUTIME_ID);
    const auto begin = std::chrono::steady_clock::now();
    const std::size_t number = work();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    const double thread = processor_seconds(CLOCK_THREAD_CPUTIME_ID) - thread_begin;
    const double processor = processor_seconds(CLOCK_PROCESS_CPUTIME_ID) - processor_begin;
    std::printf("%.6f %.6f %.6f %zu\n", seconds.count(), processor, thread, number);
    std::fflush(stdout);
  }
}

void encode_documents(const std::vector<std::string>& arguments) {
  const Tokenizer tokenizer = Tokenizer::load(arguments[1]);
  const std::string file = reprise::read_file(arguments[2]);
  const std::vector<std::string_view> documents = split_documents(file);
  std::vector<std::vector<TokenId>> ids(documents.size());
  reprise::ThreadPool pool(std::stoi(arguments[3]));
  bool first = true;
  run_rounds([&] {
    pool.parallel_for(static_cast<std::int64_t>(documents.size()), [&](std::int64_t index) {
      const auto k = static_cast<std::size_t>(index);
      ids[k] = tokenizer.encode(documents[k]);
    });
    std::vector<TokenId> all;
    if (first) {
      for (const auto& part : ids) all.insert(all.end(), part.begin(), part.end());
      reprise::data::write_token_file(arguments[4], all);
    }
    first = false;
    std::size_t count = 0;
    for (const auto& part : ids) count += part.size();
    return count;
  });
}

void encode_file(const std::vector<std::string>& arguments) {
  const Tokenizer tokenizer = Tokenizer::load(arguments[1]);
  const reprise::data::EncodeOptions options{.num_threads = std::stoi(arguments[3])};
  run_rounds([&] {
    return static_cast<std::size_t>(reprise::data::encode_text_file(tokenizer, arguments[2], options, arguments[4]));
  });
}

void train(const std::vector<std::string>& arguments) {
  const std::string file = reprise::read_file(arguments[1]);
  const std::vector<std::string_view> documents = split_documents(file);
  reprise::configs::TokenizerRecipe recipe;
  recipe.set_vocab_size(static_cast<std::uint32_t>(std::stoul(arguments[2])));
  recipe.set_min_frequency(0);
  run_rounds([&] {
    const Tokenizer tokenizer = reprise::data::train_tokenizer(
        recipe,
        [&](const auto& visit) {
          for (const std::string_view document : documents) visit(document);
        },
        std::stoi(arguments[3]), reprise::no_progress());
    reprise::write_file_atomically(arguments[4], tokenizer.json());
    return std::size_t{tokenizer.vocab_size()};
  });
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + 1, values + count);
  if (arguments.size() == 5 && arguments[0] == "encode") return encode_documents(arguments), 0;
  if (arguments.size() == 5 && arguments[0] == "file") return encode_file(arguments), 0;
  if (arguments.size() == 5 && arguments[0] == "train") return train(arguments), 0;
  std::fprintf(stderr, "see the head of benchmarks/tokenizer_benchmark.cpp\n");
  return 2;
}
