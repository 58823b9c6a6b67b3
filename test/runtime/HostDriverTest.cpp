// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What only the host driver does: shared objects from memory, threads, and
// images that must not reach dlopen.
#include "runtime/host/HostDriver.h"
#include "TestDevice.h"
#include "tensor/TemporaryFolder.h"

#include <cstdlib>
#include <elf.h>
#include <set>
#include <unistd.h>

using namespace attn_jit::rt;
using namespace attn_jit::rt::test;

namespace {

std::vector<std::byte> image() {
  return {hostImage().begin(), hostImage().end()};
}
Error loadError(const std::vector<std::byte> &bytes) {
  Error error =
      errorOf(makeHostDevice().load(bytes, ImageKind::Host, {"dir/x.so"}));
  EXPECT_EQ(error.exitCode(), 2);
  return error;
}

TEST(HostDriver, CachesOfTheThirdLevelCountOnce) {
  const attn_jit::test::TemporaryFolder folder;
  EXPECT_EQ(thirdCacheBytes(folder.file("none")), 0);
  auto add = [&](const std::string &cpu, const char *sharers) {
    const std::string cache = folder.file(cpu + "/cache/index3");
    std::filesystem::create_directories(cache);
    std::ofstream(cache + "/shared_cpu_list") << sharers << "\n";
    std::ofstream(cache + "/size") << "16384K\n";
  };
  add("cpu0", "0-1");
  EXPECT_EQ(thirdCacheBytes(folder.file("")), 16 << 20);
  add("cpu1", "0-1");
  EXPECT_EQ(thirdCacheBytes(folder.file("")), 16 << 20);
  if (sysconf(_SC_NPROCESSORS_CONF) < 2)
    return;
  add("cpu1", "1");
  EXPECT_EQ(thirdCacheBytes(folder.file("")), 32 << 20);
}

TEST(HostDriver, TruncatedObjectsAreRefusedAtEveryLength) {
  const std::vector<std::byte> whole = image();
  Elf64_Ehdr header;
  std::memcpy(&header, whole.data(), sizeof header);
  uint64_t end = 0;
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, whole.data() + header.e_phoff + i * sizeof segment,
                sizeof segment);
    if (segment.p_type == PT_LOAD)
      end = std::max<uint64_t>(end, segment.p_offset + segment.p_filesz);
  }
  for (size_t size = 0; size < end; size += 97)
    EXPECT_HAS(loadError({whole.begin(), whole.begin() + long(size)}).text,
               "image: ");
  EXPECT_HAS(loadError({whole.begin(), whole.begin() + long(end) - 1}).text,
             "truncated file");
}

TEST(HostDriver, SectionsBeyondTheEndAreRefused) {
  std::vector<std::byte> bytes = image();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  ASSERT_GT(header.e_shnum, 0);
  bytes.pop_back();
  EXPECT_HAS(loadError(bytes).text, "truncated file (section");
  // Without sections at all it still loads.
  bytes = image();
  header.e_shoff = header.e_shnum = header.e_shstrndx = 0;
  std::memcpy(bytes.data(), &header, sizeof header);
  must(makeHostDevice().load(bytes, ImageKind::Host));
}

TEST(HostDriver, OtherFilesAreRefusedByWhatTheyAre) {
  std::vector<std::byte> bytes = image();
  auto header = [&] { return reinterpret_cast<Elf64_Ehdr *>(bytes.data()); };
  header()->e_machine = EM_AARCH64;
  EXPECT_HAS(loadError(bytes).text, "machine 183");
  bytes = image();
  header()->e_type = ET_REL;
  EXPECT_HAS(loadError(bytes).text, "ELF type 1");
  bytes = image();
  header()->e_phnum = 0xffff;
  EXPECT_HAS(loadError(bytes).text, "program headers");
  bytes = image();
  bytes[0] = std::byte(0);
  EXPECT_HAS(loadError(bytes).text, "no 64-bit ELF header");
}

TEST(HostDriver, ManyModulesAtOnceStayApart) {
  // Objects are loaded by a name in /proc; two must never share one.
  Device device = makeHostDevice();
  std::vector<Module> modules;
  std::set<int> seen;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i)
      modules.push_back(must(device.load(hostImage(), ImageKind::Host)));
    for (const Module &module : modules) {
      float value = 0;
      Arguments arguments;
      arguments.add(&value).add(1).add(2.5f);
      must(must(module.kernel("fill"))
               .launch({}, arguments.block(), device.wrapStream(nullptr)));
      EXPECT_EQ(value, 2.5f);
    }
    modules.resize(7);
  }
}

TEST(HostDriver, ThreadCount) {
  EXPECT_EQ(makeHostDevice({3}).info().computeUnits, 3);
  EXPECT_GE(makeHostDevice().info().computeUnits, 1);
  for (const char *bad : {"0", "-1", "x", "4x", "99999"}) {
    setenv("ATTN_JIT_THREADS", bad, 1);
    const Error error = errorOf(openDevice("cpu"));
    EXPECT_EQ(error.exitCode(), 2);
    EXPECT_HAS(error.text, std::string("ATTN_JIT_THREADS: '") + bad +
                               "' given, 1 to 4096 allowed");
  }
  setenv("ATTN_JIT_THREADS", "5", 1);
  EXPECT_EQ(must(openDevice("cpu")).info().computeUnits, 5);
  unsetenv("ATTN_JIT_THREADS");
}

TEST(HostDriver, UnevenGridOnManyThreads) {
  Device device = makeHostDevice({8});
  Module module = must(device.load(hostImage(), ImageKind::Host));
  const int x = 1001, y = 3;
  std::vector<int> o(x * y, -1);
  Arguments arguments;
  arguments.add(o.data()).add(x).add(y);
  LaunchGeometry shape;
  shape.grid = {x, y, 1};
  for (int repeat = 0; repeat < 50; ++repeat)
    must(must(module.kernel("grid3"))
             .launch(shape, arguments.block(), device.wrapStream(nullptr)));
  for (int i = 0; i < x * y; ++i)
    ASSERT_EQ(o[i], i % x + 100 * (i / x));
}

TEST(HostDriver, FreeMemoryKeepsToEachControlGroup) {
  const attn_jit::test::TemporaryFolder folder;
  auto write = [&](const std::string &name, const std::string &text) {
    std::filesystem::create_directories(
        std::filesystem::path(folder.file(name)).parent_path());
    folder.write(name, text);
  };
  const std::string root = folder.path.string();
  EXPECT_EQ(hostFreeBytes(root), 0) << "not known";
  write("proc/meminfo", "MemTotal: 2000 kB\nMemAvailable: 1000 kB\n");
  EXPECT_EQ(hostFreeBytes(root), 1024000);
  // Version 2: the group has no limit, the one above it has.
  write("proc/self/cgroup", "0::/slice/job\n");
  write("sys/fs/cgroup/slice/job/memory.max", "max\n");
  write("sys/fs/cgroup/slice/job/memory.current", "7\n");
  EXPECT_EQ(hostFreeBytes(root), 1024000);
  write("sys/fs/cgroup/slice/memory.max", "5000\n");
  write("sys/fs/cgroup/slice/memory.current", "3000\n");
  EXPECT_EQ(hostFreeBytes(root), 2000);
  write("sys/fs/cgroup/slice/memory.stat", "anon 1\ninactive_file 500\n");
  EXPECT_EQ(hostFreeBytes(root), 2500);
  // Version 1, mounted as the container's own root.
  write("proc/self/cgroup", "5:cpu:/x\n4:blkio,memory:/outside/name\n0::/\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "900\n");
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "800\n");
  EXPECT_EQ(hostFreeBytes(root), 100);
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "901\n");
  EXPECT_EQ(hostFreeBytes(root), 1) << "none, and that is known";
  EXPECT_GT(hostFreeBytes(), 0);
}

TEST(HostDriver, MissingLibraryOfAnImageIsNamed) {
  // Renames a string within the dynamic section's reach: libc's own name.
  std::vector<std::byte> bytes = image();
  const std::string_view text(reinterpret_cast<const char *>(bytes.data()),
                              bytes.size());
  const size_t at = text.find("libc.so.6");
  ASSERT_NE(at, std::string_view::npos);
  bytes[at] = std::byte('X');
  const Error error = loadError(bytes);
  EXPECT_HAS(error.text, "Xibc.so.6");
  EXPECT_EQ(error.repro, "ldd -r dir/x.so");
}

} // namespace
