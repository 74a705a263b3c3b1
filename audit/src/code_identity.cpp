#include <H5public.h>
#include <fmt/core.h>
#include <google/protobuf/stubs/common.h>
#include <mpi.h>
#include <openssl/opensslv.h>
#include <sys/utsname.h>
#include <zstd.h>

#include <fstream>

#include "build_identity.h"
#include "reprise/audit/manifest.h"
#include "reprise/numerics/target.h"

namespace reprise::audit {
namespace {

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string open_mpi() { return fmt::format("{}.{}.{}", OMPI_MAJOR_VERSION, OMPI_MINOR_VERSION, OMPI_RELEASE_VERSION); }

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0 && line.find(':') != std::string::npos) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

std::map<std::string, std::string> code_identity() {
  utsname system{};
  ::uname(&system);
  return {
      {"version", REPRISE_VERSION},
      {"commit", REPRISE_COMMIT},
      {"compiler", compiler()},
      {"libtorch", REPRISE_TORCH_VERSION},
      {"hdf5", H5_VERS_INFO},
      {"openmpi", open_mpi()},
      {"protobuf", google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION)},
      {"zstd", ZSTD_versionString()},
      {"openssl", OPENSSL_VERSION_TEXT},
      {"system", std::string(system.sysname) + " " + system.release + " " + system.machine},
      {"processor", processor()},
      {"kernel_target", std::string(numerics::to_string(numerics::active_target()))},
  };
}

}  // namespace reprise::audit
