// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every driver must do, the same for all. A driver that is not there is
// skipped with its own sentence.
#include "TestDevice.h"
#include "runtime/Timer.h"

#include <chrono>
#include <cmath>
#include <thread>

using namespace attn_jit::rt;
using namespace attn_jit::rt::test;

namespace {

class DriverConformance : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    test = TestDevice::open(GetParam());
    if (!test.device || !test.absent.empty())
      GTEST_SKIP() << test.absent;
    device = test.device;
    stream = must(device.createStream());
  }

  LaunchGeometry geometry(uint32_t x, uint32_t y = 1, uint32_t z = 1) const {
    LaunchGeometry shape;
    shape.grid = {x, y, z};
    shape.block = {uint32_t(test.blockThreads), 1, 1};
    return shape;
  }
  Status fill(const Buffer &buffer, int n, float value, const Stream &on) {
    Arguments arguments;
    arguments.add(buffer.address()).add(n).add(value);
    ATTN_TRY(Kernel kernel, test.module.kernel("fill"));
    return kernel.launch(geometry(uint32_t(n + 63) / 64), arguments.block(),
                         on);
  }

  TestDevice test;
  Device device;
  Stream stream;
};

TEST_P(DriverConformance, SaysWhatItIs) {
  const DeviceInfo &info = device.info();
  EXPECT_EQ(info.driver, GetParam());
  EXPECT_FALSE(info.name.empty());
  EXPECT_FALSE(info.target.empty());
  EXPECT_FALSE(info.images.empty());
  EXPECT_GT(info.computeUnits, 0);
  EXPECT_GT(info.memoryBytes, 0);
  EXPECT_GT(info.maxThreadsPerBlock, 0);
  EXPECT_HAS(fingerprintJson(info), "\"target\":\"" + info.target + "\"");
  EXPECT_EQ(must(openDevice(info.selector())).info().target,
            GetParam() == std::string("null") ? "null" : info.target);
  std::cout << fingerprintJson(info) << "\n";
}

TEST_P(DriverConformance, MemoryIsCounted) {
  const MemoryInfo memory = must(device.memory());
  EXPECT_GT(memory.freeBytes, 0);
  EXPECT_GE(memory.totalBytes, memory.freeBytes);
}

TEST_P(DriverConformance, BufferRoundTripWithOffsets) {
  std::vector<int> sent(1000), got(1000, -1);
  for (int i = 0; i < 1000; ++i)
    sent[i] = i * 7;
  Buffer buffer = must(device.allocate(4000));
  EXPECT_EQ(buffer.address() % 16, 0u);
  must(buffer.copyFrom(sent.data(), 4000));
  must(buffer.copyTo(got.data(), 4000));
  EXPECT_EQ(sent, got);
  must(buffer.copyFrom(sent.data(), 40, 400));
  must(buffer.copyTo(got.data(), 40, 400));
  EXPECT_EQ(got[9], 63);
  must(buffer.copyFrom(sent.data(), 4000, 0, stream));
  must(buffer.copyTo(got.data(), 4000, 0, stream));
  must(stream.synchronize());
  EXPECT_EQ(sent, got);
}

TEST_P(DriverConformance, CopyOutsideTheBufferIsRefused) {
  Buffer buffer = must(device.allocate(16));
  char bytes[32] = {};
  for (const Error &error :
       {errorOf(buffer.copyTo(bytes, 17)),
        errorOf(buffer.copyFrom(bytes, 8, 9)),
        errorOf(buffer.copyTo(bytes, -1)), errorOf(buffer.fill(0, {}, 20)),
        errorOf(buffer.copyTo(bytes, INT64_MAX, 8))}) {
    EXPECT_EQ(error.code, ErrorCode::BadInput);
    EXPECT_HAS(error.text, "buffer of 16 bytes");
  }
  EXPECT_HAS(errorOf(buffer.fill(0, {}, 2, 4)).text, "multiples of 4");
}

TEST_P(DriverConformance, FillRepeatsThePattern) {
  Buffer buffer = must(device.allocate(64));
  must(buffer.fill(0xffffffff));
  must(buffer.fill(0x12345678, {}, 8, 8));
  must(buffer.fill(0x9abcdef0, stream, 16, 4));
  must(stream.synchronize());
  std::array<uint32_t, 16> words;
  must(buffer.copyTo(words.data(), 64));
  EXPECT_EQ(words[0], 0xffffffffu);
  EXPECT_EQ(words[1], 0xffffffffu);
  EXPECT_EQ(words[2], 0x12345678u);
  EXPECT_EQ(words[3], 0x12345678u);
  EXPECT_EQ(words[4], 0x9abcdef0u);
  EXPECT_EQ(words[15], 0xffffffffu);
}

TEST_P(DriverConformance, EmptyBufferIsNoError) {
  Buffer buffer = must(device.allocate(0));
  must(buffer.fill(1));
  EXPECT_EQ(buffer.size(), 0);
  EXPECT_HAS(errorOf(device.allocate(-1)).text, "-1 given");
}

TEST_P(DriverConformance, TooMuchMemoryNamesBytesAskedAndFree) {
  const int64_t asked = must(device.memory()).totalBytes * 4;
  const Error error = errorOf(device.allocate(asked));
  EXPECT_EQ(error.code, ErrorCode::OutOfMemory);
  EXPECT_EQ(error.exitCode(), 2);
  EXPECT_HAS(error.text, std::to_string(asked) + " bytes asked");
  EXPECT_HAS(error.text, " bytes free");
  // And the device still works.
  must(must(device.allocate(1 << 20)).fill(0));
}

TEST_P(DriverConformance, BufferAbove4GiB) {
  const int64_t bytes = (int64_t(5) << 30) + 64;
  if (must(device.memory()).freeBytes < 3 * bytes)
    GTEST_SKIP() << "needs " << 3 * bytes << " free bytes";
  if (GetParam() == std::string("host") && !std::getenv("ATTN_JIT_BIG_TESTS"))
    GTEST_SKIP() << "on the host only with ATTN_JIT_BIG_TESTS=1";
  Buffer buffer = must(device.allocate(bytes));
  must(buffer.fill(0x7fc07fc0));
  must(buffer.fill(0x01020304, {}, bytes - 4));
  uint32_t words[2] = {};
  must(buffer.copyTo(words, 8, bytes - 8));
  EXPECT_EQ(words[0], 0x7fc07fc0u);
  EXPECT_EQ(words[1], 0x01020304u);
}

TEST_P(DriverConformance, KernelComputes) {
  Buffer o = must(device.allocate(4 * 1000));
  must(o.fill(0xffffffff));
  must(fill(o, 999, 0.5f, stream));
  must(stream.synchronize());
  std::vector<float> values(1000);
  must(o.copyTo(values.data(), 4000));
  for (int i = 0; i < 999; ++i)
    ASSERT_EQ(values[i], 0.5f + float(i)) << i;
  EXPECT_TRUE(std::isnan(values[999])) << "written beyond the end";
}

TEST_P(DriverConformance, EveryGridPointRunsOnce) {
  const uint32_t x = 13, y = 5, z = 7;
  Buffer o = must(device.allocate(4 * x * y * z));
  must(o.fill(0xffffffff));
  Arguments arguments;
  arguments.add(o.address()).add(int(x)).add(int(y));
  Kernel kernel = must(test.module.kernel("grid3"));
  must(kernel.launch(geometry(x, y, z), arguments.block(), stream));
  must(stream.synchronize());
  std::vector<int> points(x * y * z);
  must(o.copyTo(points.data(), o.size()));
  for (uint32_t i = 0; i < points.size(); ++i)
    ASSERT_EQ(points[i], int(i % x + 100 * (i / x % y) + 10000 * (i / x / y)));
}

TEST_P(DriverConformance, TwoStreamsRunAtOnce) {
  // The first launch ends only when the second one has run. On drivers whose
  // launches block, each stream has its own thread.
  Stream other = must(device.createStream());
  Buffer flag = must(device.allocate(4)), o = must(device.allocate(4));
  must(flag.fill(0));
  must(o.fill(0));
  Arguments waits, sets;
  waits.add(flag.address()).add(o.address());
  sets.add(flag.address());
  Kernel spin = must(test.module.kernel("spin"));
  Kernel set = must(test.module.kernel("set_flag"));
  LaunchGeometry one = geometry(1);
  one.block = {1, 1, 1};
  std::thread thread([&] { must(spin.launch(one, waits.block(), stream)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  must(set.launch(one, sets.block(), other));
  must(other.synchronize());
  thread.join();
  must(stream.synchronize());
  int seen = 0;
  must(o.copyTo(&seen, 4));
  EXPECT_EQ(seen, 1) << "the second stream did not run beside the first";
}

TEST_P(DriverConformance, EventsOrderAndMeasure) {
  Buffer o = must(device.allocate(4 << 20));
  Event start = must(device.createEvent()), end = must(device.createEvent());
  EXPECT_FALSE(end.elapsedMs(start)) << "never recorded";
  must(start.record(stream));
  must(fill(o, 1 << 20, 1, stream));
  must(end.record(stream));
  Stream other = must(device.createStream());
  must(other.wait(end));
  must(fill(o, 64, 2, other));
  must(end.synchronize());
  EXPECT_TRUE(must(end.finished()));
  must(other.synchronize());
  EXPECT_TRUE(must(other.finished()));
  EXPECT_GE(must(end.elapsedMs(start)), 0);
  float value = 0;
  must(o.copyTo(&value, 4));
  EXPECT_EQ(value, 2);
}

TEST_P(DriverConformance, CallersStream) {
  Stream wrapped = device.wrapStream(stream.handle());
  EXPECT_EQ(wrapped.handle(), stream.handle());
  Buffer o = must(device.allocate(400));
  must(fill(o, 100, 3, wrapped));
  wrapped = {};
  must(stream.synchronize()); // still open: it was the caller's
  float value = 0;
  must(o.copyTo(&value, 4, 396));
  EXPECT_EQ(value, 102);
  must(fill(o, 100, 4, device.wrapStream(nullptr)));
  must(device.synchronize());
  must(o.copyTo(&value, 4));
  EXPECT_EQ(value, 4);
}

TEST_P(DriverConformance, FreshThreadsWork) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        Stream own = must(device.createStream());
        Buffer o = must(device.allocate(4 * 1000));
        must(fill(o, 1000, float(t), own));
        std::vector<float> values(1000);
        must(o.copyTo(values.data(), 4000, 0, own));
        must(own.synchronize());
        EXPECT_EQ(values[999], float(t) + 999);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_P(DriverConformance, UnknownKernelIsNamed) {
  const Error error = errorOf(test.module.kernel("no_such_kernel"));
  EXPECT_EQ(error.code, ErrorCode::NotFound);
  EXPECT_HAS(error.text, "'no_such_kernel'");
}

TEST_P(DriverConformance, ForeignAndBrokenImagesAreRefused) {
  const ImageKind kind = device.info().images.front();
  EXPECT_HAS(errorOf(device.load({}, kind)).text, "0 bytes");
  if (GetParam() == std::string("null"))
    return;
  const std::string junk = "this is no image at all, of no kind";
  const auto bytes = std::as_bytes(std::span(junk));
  const Error error = errorOf(device.load(bytes, kind, {"dir/junk.bin"}));
  EXPECT_FALSE(error.text.empty());
  EXPECT_EQ(error.text.find('\n'), std::string::npos);
  if (kind == ImageKind::Ptx) {
    EXPECT_EQ(error.repro,
              "ptxas -arch=" + device.info().target + " -v dir/junk.bin");
    EXPECT_FALSE(error.log.empty());
    // The driver would read up to the NUL, and not what stands behind.
    const std::string cut("// PTX\0.version", 15);
    EXPECT_HAS(errorOf(device.load(std::as_bytes(std::span(cut)), kind)).text,
               "image: a NUL byte stands within the PTX text");
  }
  const ImageKind other =
      kind == ImageKind::Host ? ImageKind::Ptx : ImageKind::Host;
  EXPECT_HAS(errorOf(device.load(bytes, other)).text, "image.kind: ");
}

TEST_P(DriverConformance, AttributesAndOccupancy) {
  Kernel kernel = must(test.module.kernel("fill"));
  const KernelAttributes attributes = must(kernel.attributes());
  const std::optional<int64_t> blocks =
      must(kernel.occupancy(test.blockThreads, 0));
  const bool gpu =
      device.info().driver == "cuda" || device.info().driver == "hip";
  EXPECT_EQ(attributes.registers.has_value(), gpu);
  EXPECT_EQ(blocks.has_value(), gpu);
  if (!gpu)
    return;
  EXPECT_GT(*attributes.registers, 0);
  EXPECT_EQ(*attributes.localBytes, 0);
  EXPECT_GE(*attributes.maxThreads, 64);
  EXPECT_GT(*blocks, 0);
}

TEST_P(DriverConformance, DynamicSharedMemoryToTheLimit) {
  const int64_t limit = device.info().sharedBytesPerBlock;
  if (limit == 0 || device.info().driver == "hip")
    GTEST_SKIP() << GetParam() << " has no dynamic shared memory to opt in to";
  Kernel kernel = must(test.module.kernel("shared"));
  must(kernel.reserveShared(limit));
  Buffer o = must(device.allocate(4));
  Arguments arguments;
  arguments.add(o.address()).add(int(limit));
  LaunchGeometry shape = geometry(1);
  shape.sharedBytes = uint32_t(limit);
  must(kernel.launch(shape, arguments.block(), stream));
  must(stream.synchronize());
  int seen = 0;
  must(o.copyTo(&seen, 4));
  EXPECT_EQ(seen, limit);
  const Error error = errorOf(kernel.reserveShared(limit + 1));
  EXPECT_EQ(error.code, ErrorCode::BadInput);
  EXPECT_HAS(error.text, "allows 0 to " + std::to_string(limit));
}

TEST_P(DriverConformance, Clusters) {
  LaunchGeometry shape = geometry(8);
  shape.cluster = {2, 1, 1};
  Buffer o = must(device.allocate(32));
  Arguments arguments;
  arguments.add(o.address());
  if (!device.has(Capability::Clusters)) {
    if (GetParam() == std::string("host"))
      GTEST_SKIP() << "the host has no clusters; prepare() refuses them";
    Kernel kernel = must(test.module.kernel("fill"));
    EXPECT_HAS(errorOf(kernel.launch(shape, arguments.block(), stream)).text,
               "cluster");
    return;
  }
  Kernel kernel = must(test.hopper.kernel("cluster"));
  must(kernel.launch(shape, arguments.block(), stream));
  must(stream.synchronize());
  int seen[8] = {};
  must(o.copyTo(seen, 32));
  for (int each : seen)
    EXPECT_EQ(each, 2);
}

TEST_P(DriverConformance, HandlesOutliveTheDevice) {
  Buffer buffer = must(device.allocate(64));
  Event event = must(device.createEvent());
  Kernel kernel = must(test.module.kernel("fill"));
  test = {};
  device = {};
  must(buffer.fill(7));
  must(event.record(stream));
  must(kernel.attributes());
}

TEST_P(DriverConformance, TimerTakesSamples) {
  Buffer o = must(device.allocate(4 << 16));
  const TimerOptions options{1, 5, 7, 100, true};
  const Timing timing = must(measure(
      device, stream, [&] { return fill(o, 1 << 16, 0, stream); }, options));
  EXPECT_GE(timing.samplesMs.size(), 7u);
  EXPECT_LE(timing.samplesMs.size(), 100u);
  EXPECT_GE(timing.medianMs, timing.minMs);
  EXPECT_LE(timing.medianMs, timing.maxMs);
  EXPECT_GE(timing.spreadMs, 0);
  EXPECT_EQ(timing.flushedCache, device.info().l2Bytes > 0);
}

TEST_P(DriverConformance, LaunchCostsLittleHostTime) {
  Buffer o = must(device.allocate(256));
  Kernel kernel = must(test.module.kernel("fill"));
  Arguments arguments;
  arguments.add(o.address()).add(64).add(1.0f);
  const int count = 500;
  must(kernel.launch(geometry(1), arguments.block(), stream));
  must(stream.synchronize());
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i)
    must(kernel.launch(geometry(1), arguments.block(), stream));
  const std::chrono::duration<double, std::micro> spent =
      std::chrono::steady_clock::now() - start;
  must(stream.synchronize());
  std::cout << "launch: " << spent.count() / count << " us of host time\n";
  // Far above any driver's own cost: a context made or a module loaded anew.
  EXPECT_LT(spent.count() / count, 1000);
}

INSTANTIATE_TEST_SUITE_P(Drivers, DriverConformance,
                         testing::Values("null", "host", "cuda", "hip"),
                         [](const auto &info) {
                           return std::string(info.param);
                         });

} // namespace
