// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the CPU is: brand, vector extensions that the system lets us use, cache
// and memory. A number the system does not tell stays 0 or null.
#include "runtime/host/HostDriver.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sched.h>
#include <set>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

using namespace attn_jit::rt;

#if defined(__x86_64__)
static std::string brand() {
  unsigned registers[12] = {};
  for (unsigned leaf = 0; leaf < 3; ++leaf) {
    unsigned *r = registers + 4 * leaf;
    if (!__get_cpuid(0x80000002 + leaf, r, r + 1, r + 2, r + 3))
      return "x86-64";
  }
  char text[49] = {};
  std::memcpy(text, registers, 48);
  std::string name = text;
  while (!name.empty() && name.back() == ' ')
    name.pop_back();
  return name.substr(std::min(name.find_first_not_of(' '), name.size()));
}

static std::vector<std::string> features() {
  std::vector<std::string> found;
  __builtin_cpu_init();
  // The builtin also asks whether the system saves the registers.
#define ATTN_FEATURE(name)                                                     \
  if (__builtin_cpu_supports(name))                                            \
    found.push_back(name);
  ATTN_FEATURE("avx2")
  ATTN_FEATURE("fma")
  ATTN_FEATURE("bmi")
  ATTN_FEATURE("bmi2")
  ATTN_FEATURE("lzcnt")
  ATTN_FEATURE("movbe")
  ATTN_FEATURE("popcnt")
  ATTN_FEATURE("avx512f")
  ATTN_FEATURE("avx512cd")
  ATTN_FEATURE("avx512vl")
  ATTN_FEATURE("avx512bw")
  ATTN_FEATURE("avx512dq")
  ATTN_FEATURE("avx512bf16")
#undef ATTN_FEATURE
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) && (c >> 29 & 1) &&
      __builtin_cpu_supports("avx2"))
    found.push_back("f16c");
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    if (d >> 23 & 1 && __builtin_cpu_supports("avx512f"))
      found.push_back("avx512fp16");
    if (d >> 24 & 1 && d >> 22 & 1)
      found.push_back("amx-bf16");
  }
  return found;
}
#else
static std::string brand() { return "unknown CPU"; }
static std::vector<std::string> features() { return {}; }
#endif

/// A number in /proc/meminfo or cpufreq, or 0.
static int64_t readNumber(const char *path, const std::string &key) {
  std::ifstream file(path);
  std::string word;
  int64_t value = 0;
  if (key.empty())
    return file >> value ? value : 0;
  while (file >> word)
    if (word == key && file >> value)
      return value;
  return 0;
}

int64_t attn_jit::rt::thirdCacheBytes(const std::string &processors) {
  std::set<std::string> seen;
  int64_t bytes = 0;
  for (int64_t cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); ++cpu) {
    const std::string folder =
        processors + "/cpu" + std::to_string(cpu) + "/cache/index3/";
    std::ifstream shared(folder + "shared_cpu_list");
    std::string sharers;
    if (std::getline(shared, sharers) && seen.insert(sharers).second)
      bytes += readNumber((folder + "size").c_str(), "") * 1024; // "16384K"
  }
  return bytes;
}

/// The C library's number is of the processor as it is sold, whatever a virtual
/// machine has of it: 256 MiB where 16 are there.
static int64_t lastCacheBytes() {
  int64_t bytes = thirdCacheBytes("/sys/devices/system/cpu");
  if (bytes <= 0)
    bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (bytes <= 0)
    bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return std::max<int64_t>(bytes, 0);
}

DeviceInfo attn_jit::rt::describeHost(int threads) {
  DeviceInfo info;
  info.driver = "host";
  info.name = brand();
  info.target = "cpu";
  utsname system;
  if (uname(&system) == 0)
    info.driverVersion = std::string(system.sysname) + " " + system.release;
  info.features = features();
  info.images = {ImageKind::Host};
  info.computeUnits = threads;
  info.clockMHz =
      readNumber("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "") /
      1000;
  info.memoryBytes = readNumber("/proc/meminfo", "MemTotal:") * 1024;
  info.l2Bytes = lastCacheBytes();
  info.maxThreadsPerBlock = 1;
  info.maxThreadsPerUnit = 1;
  return info;
}

Result<int> attn_jit::rt::hostThreadsFromEnvironment() {
  const char *text = std::getenv("ATTN_JIT_THREADS");
  if (!text || !*text)
    return 0;
  int threads = 0;
  const char *end = text + std::strlen(text);
  auto [stop, error] = std::from_chars(text, end, threads);
  if (error != std::errc() || stop != end || threads < 1 || threads > 4096)
    return badInput("ATTN_JIT_THREADS: '" + std::string(text) +
                    "' given, 1 to 4096 allowed");
  return threads;
}
