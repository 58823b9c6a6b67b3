// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver of a fuzz target: writes its seeds, or, without libFuzzer, mutates
// them for a number of inputs. Invariant: the same arguments give the same
// inputs, so that a crash can be had again.

#include "test/fuzz/FuzzCheck.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace {

void writeSeeds(const std::filesystem::path &folder) {
  std::filesystem::create_directories(folder);
  makeSeeds([&](const std::string &name, const std::string &bytes) {
    std::ofstream(folder / name, std::ios::binary) << bytes;
  });
}

#ifdef ATTN_JIT_LIBFUZZER
// libFuzzer brings its own main; it asks for seeds by this variable.
extern "C" int LLVMFuzzerInitialize(int *, char ***) {
  if (const char *folder = std::getenv("ATTN_FUZZ_SEEDS"))
    writeSeeds(folder);
  return 0;
}
#else
using Random = std::mt19937_64;

/// Numbers at the edges of what length fields and indices can hold.
void putEdgeNumber(std::string &bytes, Random &random) {
  constexpr uint64_t edges[] = {0,          1,          0x7f,       0x80,
                                0xff,       0x7fff,     0xffff,     0x7fffffff,
                                0x80000000, 0xffffffff, 1ull << 62, ~0ull};
  uint64_t value = edges[random() % std::size(edges)];
  size_t width = size_t(1) << random() % 4;
  if (bytes.size() < width)
    return;
  std::memcpy(bytes.data() + random() % (bytes.size() - width + 1), &value,
              width);
}

void mutate(std::string &bytes, const std::vector<std::string> &seeds,
            Random &random) {
  size_t at = bytes.empty() ? 0 : random() % bytes.size();
  size_t length = 1 + random() % 16;
  switch (random() % 7) {
  case 0:
    if (!bytes.empty())
      bytes[at] ^= char(1u << random() % 8);
    return;
  case 1:
    if (!bytes.empty())
      bytes[at] = char(random());
    return;
  case 2:
    bytes.insert(at, 1, char(random()));
    return;
  case 3:
    bytes.erase(at, length);
    return;
  case 4:
    bytes.insert(at, bytes.substr(random() % (bytes.size() + 1), length));
    return;
  case 5:
    return putEdgeNumber(bytes, random);
  case 6: {
    const std::string &other = seeds[random() % seeds.size()];
    bytes = bytes.substr(0, at) + other.substr(random() % (other.size() + 1));
    return;
  }
  }
}

int run(uint64_t count, uint64_t seed) {
  std::vector<std::string> seeds;
  makeSeeds([&](const std::string &, const std::string &bytes) {
    seeds.push_back(bytes);
  });
  auto feed = [](const std::string &bytes) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(bytes.data()),
                           bytes.size());
  };
  for (const std::string &bytes : seeds)
    feed(bytes);
  Random random(seed);
  for (uint64_t i = 0; i < count; ++i) {
    std::string bytes = seeds[random() % seeds.size()];
    for (uint64_t step = 1 + random() % 4; step > 0; --step)
      mutate(bytes, seeds, random);
    feed(bytes);
  }
  const auto &[accepted, refused] = attn_jit::test::counts;
  std::printf("%llu inputs from %zu seeds: %llu accepted, %llu refused\n",
              (unsigned long long)count, seeds.size(),
              (unsigned long long)accepted, (unsigned long long)refused);
  return 0;
}
#endif

} // namespace

#ifndef ATTN_JIT_LIBFUZZER
/// FUZZ COUNT [SEED], or FUZZ --seeds FOLDER
int main(int argc, char **argv) {
  if (argc == 3 && std::string(argv[1]) == "--seeds") {
    writeSeeds(argv[2]);
    return 0;
  }
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: %s COUNT [SEED] | --seeds FOLDER\n", argv[0]);
    return 2;
  }
  return run(std::strtoull(argv[1], nullptr, 10),
             argc == 3 ? std::strtoull(argv[2], nullptr, 10) : 1);
}
#endif
