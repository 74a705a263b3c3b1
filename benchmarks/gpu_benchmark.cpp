#include "gpu_benchmark.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "peer_products.h"
#include "random_stream.h"
#include "reprise/core/error.h"
#include "reprise/core/report_error.h"
#include "reprise/numerics/target.h"

namespace reprise::benchmarks {
namespace {

// Big enough for a GPU and small enough for the memory of a step beside PyTorch: 124 and 351 million parameters. The
// third is so small that starting kernels is most of a pass.
const char* const kUsualShapes[] = {"124m=768,12,12,2048,25600,1024,8,2", "350m=1024,24,16,2688,25600,1024,8,2"};
const char* const kUsualLaunchShape = "2m=128,6,4,384,2048,128,2,1";

struct Wishes {
  std::string device;
  std::vector<std::string> only;
  std::vector<std::string> shapes;
  int rounds = 5;
  double least_seconds = 0.03;
  bool json = false;
};

void print_text(const nlohmann::json& figure) {
  if (figure["figure"] == "machine") {
    fmt::print("{}\n", figure["device"].get<std::string>());
    return;
  }
  if (figure.contains("missing")) {
    fmt::print("{:<20} {:<44} {:<12} missing: {}\n", figure["figure"].get<std::string>(),
               figure["case"].get<std::string>(), figure["who"].get<std::string>(),
               figure["missing"].get<std::string>());
    return;
  }
  std::vector<double> seconds = figure["seconds"];
  std::sort(seconds.begin(), seconds.end());
  std::string who = figure["who"];
  if (who == "planned") who += ": " + figure["plan"].get<std::string>();
  fmt::print("{:<20} {:<44} {:<12} {:12.6f} ms ({:.6f} to {:.6f})\n", figure["figure"].get<std::string>(),
             figure["case"].get<std::string>(), who, 1e3 * seconds[seconds.size() / 2], 1e3 * seconds.front(),
             1e3 * seconds.back());
}

void measure(const Wishes& wishes, const conformance::FindDevice& find_device,
             const conformance::FindNativeDevice& find_native_device, const FindProductPlans& find_product_plans) {
  const SeeFigure see = [&](const nlohmann::json& figure) {
    if (wishes.json) {
      fmt::print("{}\n", figure.dump());
    } else {
      print_text(figure);
    }
    std::fflush(stdout);  // what is measured stays when the rest does not end in time
  };
  const auto wanted = [&](const char* what) {
    return wishes.only.empty() || std::find(wishes.only.begin(), wishes.only.end(), what) != wishes.only.end();
  };
  Setting setting{wishes.device,        find_device, find_native_device, find_product_plans, wishes.rounds,
                  wishes.least_seconds, {}};
  const std::shared_ptr<numerics::Device> device = find_device(wishes.device);
  see({{"figure", "machine"},
       {"who", "reprise"},
       {"device", fmt::format("{}: {}", device->kind(), device->description())},
       {"cpu", std::string(numerics::to_string(numerics::active_target()))},
       {"cublas", peer_products_version()},
       {"clock", "steady clock of the host around repetitions, the device waited for before and behind"}});
  for (const std::string& text : wishes.shapes) setting.shapes.push_back(parse_shape(text));
  if (wishes.shapes.empty()) {
    for (const char* text : kUsualShapes) setting.shapes.push_back(parse_shape(text));
  }
  if (wanted("gemm")) measure_products(setting, see);
  if (!wishes.only.empty() && wanted("plans")) measure_plans(setting, see);
  if (wanted("attention")) measure_attention(setting, see);
  // Behind cuBLAS's figures, because LibTorch settles cuBLAS's workspaces; before the process's first backward pass.
  if (wanted("native")) measure_native_steps(setting, see);
  if (wanted("step")) measure_steps(setting, see);
  if (wanted("digests")) measure_digests(setting, see);
  if (wishes.shapes.empty()) setting.shapes = {parse_shape(kUsualLaunchShape)};
  if (wanted("launch")) measure_launches(setting, see);
}

}  // namespace

NamedShape parse_shape(const std::string& text) {
  const auto fail = [&] {
    throw Error(ErrorKind::kUsage, fmt::format("--shape {}: this is no shape", text),
                "NAME=hidden,layers,heads,feed-forward,vocabulary,length,sequences,grains");
  };
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) fail();
  std::vector<std::int64_t> sizes;
  const char* at = text.data() + equals + 1;
  const char* const end = text.data() + text.size();
  while (true) {
    std::int64_t size = 0;
    const auto result = std::from_chars(at, end, size);
    if (result.ec != std::errc() || size < 1) fail();
    sizes.push_back(size);
    if (result.ptr == end) break;
    if (*result.ptr != ',') fail();
    at = result.ptr + 1;
  }
  if (sizes.size() != 8 || sizes[0] % (2 * sizes[2]) != 0 || sizes[6] % sizes[7] != 0) fail();
  NamedShape shape{text.substr(0, equals), {}};
  shape.sizes = {sizes[4], sizes[0], sizes[3], sizes[1], sizes[2], sizes[7], sizes[5], sizes[6] / sizes[7]};
  return shape;
}

double seconds_of(numerics::Device& device, const std::function<void()>& work, int repetitions) {
  device.synchronize();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < repetitions; ++i) work();
  device.synchronize();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repetitions;
}

int repetitions_for(numerics::Device& device, const std::function<void()>& work, double least_seconds) {
  work();
  const double once = seconds_of(device, work, 1);
  return static_cast<int>(std::clamp(std::ceil(least_seconds / once), 1.0, 1000.0));
}

void fill_with_values(numerics::Device& device, float* memory, std::int64_t count) {
  constexpr std::int64_t kBlock = 1 << 20;
  std::vector<float> values(static_cast<std::size_t>(std::min(count, kBlock)));
  conformance::RandomStream random(4, 0);
  for (float& x : values) x = random.value();
  for (std::int64_t first = 0; first < count; first += kBlock) {
    device.write(memory + first, values.data(),
                 static_cast<std::size_t>(std::min(kBlock, count - first)) * sizeof(float));
  }
  device.synchronize();
}

int run_gpu_benchmark(int argc, char** argv, const std::string& default_device,
                      const conformance::FindDevice& find_device,
                      const conformance::FindNativeDevice& find_native_device,
                      const FindProductPlans& find_product_plans) {
  CLI::App app(
      "Times the exact profile on a device: products, attention, training steps, digests, recorded passes. And the\n"
      "native profile's training steps on a GPU.");
  Wishes wishes;
  wishes.device = default_device;
  app.add_option("--device", wishes.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--only", wishes.only,
                 "gemm, attention, native, step, digests, launch; all of them by default. Or plans: the products by\n"
                 "every plan that the GPU chooses among, to see whether it chooses well")
      ->check(CLI::IsMember({"gemm", "attention", "native", "step", "digests", "launch", "plans"}));
  app.add_option("--shape", wishes.shapes,
                 "NAME=hidden,layers,heads,feed-forward,vocabulary,length,sequences,grains (several times)");
  app.add_option("--rounds", wishes.rounds, "Values of each figure")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--seconds", wishes.least_seconds, "Least duration of the repetitions of a round")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--json", wishes.json, "One JSON object per line");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_code(ErrorKind::kUsage);
  }
  try {
    measure(wishes, find_device, find_native_device, find_product_plans);
    return 0;
  } catch (...) {
    return report_error(caught_error());
  }
}

}  // namespace reprise::benchmarks
