// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What goes wrong while a kernel is made: nobody waits for ever, nothing broken
// is kept, and a command that shows the fault again works.
#include "runtime/Synchronous.h"
#include "tools/api/Engine.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <new>
#include <thread>

using namespace attn_jit;

namespace {
api::Description describe() {
  api::Description what;
  what.headDim = 32;
  what.element = api::Element::F32;
  return what;
}

/// A CPU whose loader does what the test says.
class LoaderDriver final : public rt::SynchronousDriver {
public:
  using Load = std::function<rt::Result<Handle>(const rt::LoadOptions &)>;
  explicit LoaderDriver(Load load) : load(std::move(load)) {
    deviceInfo.driver = deviceInfo.target = "cpu";
    deviceInfo.images = {rt::ImageKind::Host};
    auto cpu = rt::openDevice("cpu");
    if (cpu)
      deviceInfo.features = cpu->info().features;
  }
  bool has(rt::Capability) const override { return false; }
  rt::Result<rt::MemoryInfo> memory() override { return rt::MemoryInfo(); }
  rt::Result<uint64_t> allocate(int64_t) override { return none(); }
  void release(uint64_t) override {}
  rt::Result<Handle> loadModule(std::span<const std::byte>, rt::ImageKind,
                                const rt::LoadOptions &options,
                                std::string &) override {
    return load(options);
  }
  void unloadModule(Handle) override {}
  rt::Result<Handle> findKernel(Handle, const std::string &) override {
    return none();
  }
  rt::Result<rt::KernelAttributes> kernelAttributes(Handle) override {
    return none();
  }
  rt::Result<std::optional<int64_t>> occupancy(Handle, int64_t,
                                               int64_t) override {
    return none();
  }
  rt::Status reserveShared(Handle, int64_t) override { return none(); }
  rt::Status launch(Handle, const rt::LaunchGeometry &,
                    const rt::ArgumentBlock &, Handle) override {
    return none();
  }

private:
  static rt::Error none() { return rt::unsupported("none"); }
  Load load;
};

api::Engine openLoader(LoaderDriver::Load load) {
  return api::Engine(
      rt::Device(std::make_shared<LoaderDriver>(std::move(load))));
}
} // namespace

TEST(Engine, WhatIsThrownIsAnErrorAndIsNotKept) {
  const api::Engine engine =
      openLoader([](const rt::LoadOptions &) -> rt::Result<void *> {
        throw std::bad_alloc();
      });
  std::vector<std::thread> threads;
  threads.reserve(4);
  std::atomic<int> answers = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      const auto kernel = engine.kernel(describe());
      answers += !kernel && kernel.error().code == rt::ErrorCode::OutOfMemory;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(answers, 4);
  const int64_t before = engine.compiles();
  EXPECT_FALSE(engine.kernel(describe()).ok());
  EXPECT_EQ(engine.compiles(), before + 1) << "the table kept the fault";
}

TEST(Engine, ARefusedImageIsKeptForItsCommand) {
  namespace fs = std::filesystem;
  std::string command;
  const api::Engine engine =
      openLoader([&](const rt::LoadOptions &options) -> rt::Result<void *> {
        command = "loader -v " + options.path;
        return rt::failed("image: refused", command);
      });
  const auto kernel = engine.kernel(describe());
  ASSERT_FALSE(kernel.ok());
  EXPECT_EQ(kernel.error().repro, command);
  const fs::path path = command.substr(command.rfind(' ') + 1);
  std::ifstream file(path, std::ios::binary);
  const std::string kept{std::istreambuf_iterator<char>(file), {}};
  api::CompileOptions options;
  options.target = "cpu";
  const auto made = api::compile(describe(), options);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(kept, made->image);
  EXPECT_TRUE(rt::readKernelFiles(path.string() + ".json").ok());
  EXPECT_EQ(fs::status(path.parent_path()).permissions(), fs::perms::owner_all);
  fs::remove_all(path.parent_path());
  // A fault that no file shows leaves none.
  const api::Engine other =
      openLoader([&](const rt::LoadOptions &options) -> rt::Result<void *> {
        command = options.path;
        return rt::failed("image: refused");
      });
  EXPECT_FALSE(other.kernel(describe()).ok());
  EXPECT_FALSE(fs::exists(fs::path(command).parent_path()));
}

TEST(Compile, ThreadsDumpTheSameKernel) {
  namespace fs = std::filesystem;
  std::string folder =
      (fs::temp_directory_path() / "attn-dump-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  api::CompileOptions options;
  options.target = "cpu";
  options.schedule = "flash_fwd_sync.v1<bm=32, bn=32>";
  options.dumpFolder = folder;
  std::vector<std::thread> threads;
  threads.reserve(4);
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round)
        wrong += !api::compile(describe(), options).ok();
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  // Six levels, the image, its manifest, and nothing temporary.
  EXPECT_EQ(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()),
      8);
  fs::remove_all(folder);
}
