// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A schedule that is legal and does not become a kernel here: where records
// chose it the default serves, and it is not tried again; what a flag or a pin
// names is an error.
#include "autotune/Pin.h"
#include "runtime/File.h"
#include "runtime/Synchronous.h"
#include "test/runtime/store/ScratchFolder.h"
#include "tools/api/Engine.h"
#include "tools/api/ScheduleChoice.h"
#include "tools/api/ScheduleRules.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace attn_jit;

namespace {
/// The CPU, but that it refuses as many images as it is told.
class RefusingDriver final : public rt::SynchronousDriver {
public:
  explicit RefusingDriver(rt::Device device) : cpu(std::move(device)) {
    deviceInfo = cpu.info();
  }
  int refuse = 0, loads = 0;
  rt::Error fault = rt::failed("loader: it is full moon");

  bool has(rt::Capability what) const override { return cpu.has(what); }
  rt::Result<rt::MemoryInfo> memory() override { return cpu.memory(); }
  rt::Result<uint64_t> allocate(int64_t bytes) override {
    return cpu.driver().allocate(bytes);
  }
  void release(uint64_t address) override { cpu.driver().release(address); }
  rt::Result<Handle> loadModule(std::span<const std::byte> image,
                                rt::ImageKind kind,
                                const rt::LoadOptions &options,
                                std::string &log) override {
    ++loads;
    if (refuse > 0) {
      --refuse;
      return fault;
    }
    return cpu.driver().loadModule(image, kind, options, log);
  }
  void unloadModule(Handle module) override {
    cpu.driver().unloadModule(module);
  }
  rt::Result<Handle> findKernel(Handle module,
                                const std::string &name) override {
    return cpu.driver().findKernel(module, name);
  }
  rt::Result<rt::KernelAttributes> kernelAttributes(Handle kernel) override {
    return cpu.driver().kernelAttributes(kernel);
  }
  rt::Result<std::optional<int64_t>> occupancy(Handle kernel, int64_t threads,
                                               int64_t bytes) override {
    return cpu.driver().occupancy(kernel, threads, bytes);
  }
  rt::Status reserveShared(Handle kernel, int64_t bytes) override {
    return cpu.driver().reserveShared(kernel, bytes);
  }
  rt::Status launch(Handle kernel, const rt::LaunchGeometry &geometry,
                    const rt::ArgumentBlock &arguments,
                    Handle stream) override {
    return cpu.driver().launch(kernel, geometry, arguments, stream);
  }

private:
  const rt::Device cpu;
};

class FailedScheduleTest : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder = new store::test::ScratchFolder;
    setenv("ATTN_JIT_CACHE", (folder->path + "/cache").c_str(), 1);
  }
  static void TearDownTestSuite() { delete folder; }

  /// Of each test a description of its own.
  void SetUp() override {
    driver = std::make_shared<RefusingDriver>(*rt::openDevice("cpu"));
    what.headDim = 32;
    what.element = api::Element::F32;
    what.softcap = ++caps;
    wanted.target = "cpu";
    api::setClass(wanted, what, call);
    standard = api::defaultSchedule(what, wanted);
    other = standard;
    const size_t at = other.find("bn=");
    other.replace(at, other.find(',', at) - at,
                  standard.substr(at, 5) == "bn=32" ? "bn=64" : "bn=32");
    ASSERT_NE(other, standard);
    ASSERT_TRUE(api::isLegalSchedule(what, wanted, other));
  }

  tune::Problem problem() const {
    tune::Problem made;
    made.description = api::labelledText(what);
    made.sizes = tune::exactSizes({1, 2, 2, 64, 64}, false);
    return made;
  }
  std::vector<store::StoredRecord> records() {
    auto store = store::openRecords(store::findCacheRoot());
    return *(*store)->ofProblem(tune::problemKey(problem()).digest());
  }
  /// A final pass in which the other one is faster.
  void tuned() {
    std::vector<store::StoredRecord> pass;
    for (const bool first : {true, false}) {
      store::Record record;
      record.problem = tune::problemKey(problem());
      record.device = tune::deviceKey(driver->info());
      record.compiler = api::compilerIdentity();
      record.driver = tune::driverText(driver->info());
      record.schedule = first ? standard : other;
      record.isDefault = first;
      record.medianNs = first ? 100000 : 50000;
      record.samples = 32, record.madNs = 10;
      record.at = "2026-11-28T03:41:19Z", record.session = "s.final";
      pass.push_back({record, store::Voice::Own, {}});
    }
    auto store = store::openRecords(store::findCacheRoot());
    ASSERT_TRUE((*store)->add(pass).ok());
  }

  api::Engine open(const std::string &pin = {}) const {
    api::EngineOptions options;
    options.pinFile = pin;
    auto engine = api::Engine::open(rt::Device(driver), options);
    EXPECT_TRUE(engine.ok()) << engine.error().text;
    return *engine;
  }
  auto ask(const api::Engine &engine, const std::string &flag = {}) {
    api::KernelOptions options;
    options.schedule = flag;
    options.typical = call;
    return engine.kernel(what, options, nullptr, &by);
  }

  static store::test::ScratchFolder *folder;
  static int caps;
  std::shared_ptr<RefusingDriver> driver;
  api::Description what;
  api::CompileOptions wanted;
  const api::TypicalCall call = {1, 2, 64, 64, false, 2};
  std::string standard, other;
  api::ChosenBy by;
};
store::test::ScratchFolder *FailedScheduleTest::folder = nullptr;
int FailedScheduleTest::caps = 0;
} // namespace

TEST_F(FailedScheduleTest, TheDefaultServesInItsPlace) {
  tuned();
  const api::Engine engine = open();
  driver->refuse = 1;
  driver->fault.code = rt::ErrorCode::Unsupported;
  testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) {
    const auto kernel = ask(engine);
    ASSERT_TRUE(kernel.ok()) << kernel.error().text;
    EXPECT_EQ((*kernel)->compiled().schedule, standard);
    EXPECT_EQ(by.source, "default");
    EXPECT_NE(by.why.find("exact schedule " + other), std::string::npos);
    EXPECT_NE(by.why.find("full moon"), std::string::npos);
  }
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("attn-jit: schedule: the default serves, as the exact "
                      "schedule " +
                      other),
            std::string::npos)
      << said;
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
  EXPECT_EQ(driver->loads, 2);

  // Another process knows; to it the default is what was measured.
  const int before = driver->loads;
  ASSERT_TRUE(ask(open()).ok());
  EXPECT_EQ(by.source, "exact");
  EXPECT_EQ(driver->loads, before + 1);
  const auto kept = records();
  EXPECT_EQ(std::ranges::count_if(
                kept,
                [&](const store::StoredRecord &each) {
                  return each.record.outcome == store::Outcome::CompileFailed &&
                         each.record.schedule == other &&
                         each.record.compiler == api::compilerIdentity() &&
                         each.record.driver == tune::driverText(driver->info());
                }),
            1);
}

TEST_F(FailedScheduleTest, AMomentsFaultIsKeptByThisProcessAlone) {
  tuned();
  const api::Engine engine = open();
  driver->refuse = 1;
  driver->fault = rt::failed("memfd_create: Too many open files");
  testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) {
    const auto kernel = ask(engine);
    ASSERT_TRUE(kernel.ok()) << kernel.error().text;
    EXPECT_EQ((*kernel)->compiled().schedule, standard);
    EXPECT_EQ(by.source, "default");
  }
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
  EXPECT_EQ(records().size(), 2u);

  const auto kernel = ask(open());
  ASSERT_TRUE(kernel.ok()) << kernel.error().text;
  EXPECT_EQ((*kernel)->compiled().schedule, other);
}

TEST_F(FailedScheduleTest, WhereTheDefaultFailsTooItIsTheDevice) {
  tuned();
  const api::Engine engine = open();
  driver->refuse = 2;
  EXPECT_FALSE(ask(engine).ok());
  EXPECT_EQ(records().size(), 2u);
  ASSERT_TRUE(ask(engine).ok());
  EXPECT_EQ(by.source, "exact");
}

TEST_F(FailedScheduleTest, MemoryThatRunsOutIsNotItsFault) {
  tuned();
  const api::Engine engine = open();
  driver->refuse = 1;
  driver->fault = {rt::ErrorCode::OutOfMemory, "out of memory", {}};
  EXPECT_FALSE(ask(engine).ok());
  EXPECT_EQ(records().size(), 2u);
}

TEST_F(FailedScheduleTest, AFlagsIsAnError) {
  tuned();
  const api::Engine engine = open();
  driver->refuse = 1;
  const auto kernel = ask(engine, other);
  ASSERT_FALSE(kernel.ok());
  EXPECT_NE(kernel.error().text.find("full moon"), std::string::npos);
  EXPECT_EQ(records().size(), 2u);
}

TEST_F(FailedScheduleTest, APinsIsAnError) {
  tune::Pin pin(api::ScheduleChoice::environmentOf(driver->info()));
  pin.set(tune::problemKey(problem()), other);
  const std::string file = folder->path + "/job.pin";
  ASSERT_TRUE(rt::writeFile(file, pin.text()).ok());
  const api::Engine engine = open(file);
  driver->refuse = 1;
  EXPECT_FALSE(ask(engine).ok());
  ASSERT_TRUE(ask(engine).ok());
  EXPECT_EQ(by.source, "pin");
  EXPECT_TRUE(records().empty());
}
