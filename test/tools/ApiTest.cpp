// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The engine: one compile for all lengths, strides that no copy engine can
// address, threads, the C functions' refusals. Runs on the CPU target.
#include "tools/api/Engine.h"
#include "tools/api/attn_jit.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>

using namespace attn_jit;

namespace {
constexpr int64_t kDim = 32;

api::Description describe() {
  api::Description what;
  what.headDim = kDim;
  what.element = api::Element::F32;
  return what;
}

/// One head of ones with rows `stride` elements apart, `offset` floats into its
/// storage: every output is exactly 1.
struct Ones {
  Ones(int64_t rows, int64_t stride = kDim, int64_t offset = 0)
      : storage(size_t(rows * stride + offset + 16), 1.0f),
        out(size_t(rows * kDim), NAN) {
    auto view = [&](const float *data, int64_t row) {
      return rt::TensorArgument{reinterpret_cast<uint64_t>(data), rows * row,
                                rows * row, row};
    };
    a.qLen = a.kvLen = rows;
    a.scale = 0.25;
    a.q = a.k = a.v = view(storage.data() + offset, stride);
    a.o = view(out.data(), kDim);
  }
  bool right() const {
    for (const float value : out)
      if (!(std::fabs(value - 1) < 1e-6f))
        return false;
    return true;
  }
  std::vector<float> storage, out;
  rt::AttentionArguments a;
};

api::Engine openCpu() {
  auto engine = api::Engine::open("cpu");
  EXPECT_TRUE(engine.ok());
  return *engine;
}
} // namespace

TEST(Engine, NewLengthCompilesNothing) {
  const api::Engine engine = openCpu();
  auto stream = engine.device().createStream();
  ASSERT_TRUE(stream.ok());
  for (const int64_t rows : {1, 17, 64, 129, 1000}) {
    Ones call(rows);
    const rt::Status status = engine.forward(describe(), call.a, *stream);
    ASSERT_TRUE(status.ok()) << status.error().text;
    EXPECT_TRUE(call.right()) << rows;
  }
  EXPECT_EQ(engine.compiles(), 1);
  // Nor does the other order of heads and rows: that is strides alone.
  api::Description other = describe();
  other.layout = api::Layout::BHSD;
  Ones call(17);
  ASSERT_TRUE(engine.forward(other, call.a, *stream).ok());
  EXPECT_EQ(engine.compiles(), 1);
  other.causal = true;
  ASSERT_TRUE(engine.forward(other, call.a, *stream).ok());
  EXPECT_EQ(engine.compiles(), 2);
}

TEST(Engine, StridesOffTheGridTakeAnotherLoadPath) {
  const api::Engine engine = openCpu();
  auto stream = engine.device().createStream();
  Ones even(33);
  even.a.q.address = even.a.k.address = even.a.v.address =
      (even.a.q.address + 15) / 16 * 16;
  ASSERT_TRUE(engine.forward(describe(), even.a, *stream).ok());
  Ones odd(33, kDim + 1, 1);
  EXPECT_EQ(api::alignmentOf(odd.a, 4), 4);
  const rt::Status status = engine.forward(describe(), odd.a, *stream);
  ASSERT_TRUE(status.ok()) << status.error().text;
  EXPECT_TRUE(odd.right());
}

TEST(Engine, KernelRefusesStridesItWasNotMadeFor) {
  const api::Engine engine = openCpu();
  auto kernel = engine.kernel(describe());
  ASSERT_TRUE(kernel.ok());
  Ones odd(33, kDim + 1);
  auto stream = engine.device().createStream();
  const rt::Status status = (*kernel)->launch(odd.a, *stream);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().text.find("stride"), std::string::npos)
      << status.error().text;
}

TEST(Engine, ScaleMustBePositive) {
  const api::Engine engine = openCpu();
  auto stream = engine.device().createStream();
  for (const double scale : {0.0, -1.0, double(NAN), double(INFINITY)}) {
    Ones call(16);
    call.a.scale = scale;
    const rt::Status status = engine.forward(describe(), call.a, *stream);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().text.substr(0, 6), "scale:");
  }
}

TEST(Engine, ThreadsShareOneCompile) {
  const api::Engine engine = openCpu();
  std::vector<std::thread> threads;
  threads.reserve(8);
  std::atomic<int> wrong = 0;
  for (int64_t i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      auto stream = engine.device().createStream();
      Ones call(16 + i);
      if (!stream.ok() || !engine.forward(describe(), call.a, *stream).ok() ||
          !call.right())
        ++wrong;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(engine.compiles(), 1);
}

TEST(Engine, AFaultIsNotKept) {
  const api::Engine engine = openCpu();
  api::Description bad = describe();
  bad.headDim = 20;
  EXPECT_FALSE(engine.kernel(bad).ok());
  EXPECT_FALSE(engine.kernel(bad).ok());
  EXPECT_EQ(engine.compiles(), 2);
}

TEST(Compile, TensorMapsNeedSixteenBytes) {
  api::CompileOptions options;
  options.target = "sm_90a";
  options.alignment = 2;
  api::Description what = describe();
  what.element = api::Element::F16;
  auto made = api::compile(what, options);
  ASSERT_TRUE(made.ok()) << made.error().text;
  EXPECT_EQ(made->schedule.substr(0, 17), "flash_fwd_sync.v1");
  EXPECT_EQ(made->manifest.find("tensor_map"), std::string::npos);
  options.schedule = "flash_fwd_ws.v1";
  made = api::compile(what, options);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().text.find("multiples of 16"), std::string::npos);
}

TEST(CApi, RefusalsNameTheField) {
  attn_jit_engine *engine = nullptr;
  EXPECT_EQ(attn_jit_engine_open("cuda:99", &engine), 2);
  EXPECT_EQ(std::strncmp(attn_jit_last_error(), "device:", 7), 0);
  ASSERT_EQ(attn_jit_engine_open("cpu", &engine), 0);
  attn_jit_description what{};
  attn_jit_kernel *kernel = nullptr;
  EXPECT_EQ(attn_jit_kernel_create(engine, &what, &kernel), 2);
  EXPECT_NE(std::strstr(attn_jit_last_error(), "description.size"), nullptr);
  what.size = sizeof what;
  what.head_dim = 32;
  what.dtype = "int4";
  EXPECT_EQ(attn_jit_kernel_create(engine, &what, &kernel), 2);
  EXPECT_NE(std::strstr(attn_jit_last_error(), "dtype: 'int4' given"), nullptr);
  what.dtype = "f32";
  ASSERT_EQ(attn_jit_kernel_create(engine, &what, &kernel), 0);
  EXPECT_NE(
      std::strstr(attn_jit_kernel_manifest(kernel), "attn-jit.manifest.v1"),
      nullptr);
  size_t bytes = 0;
  EXPECT_NE(attn_jit_kernel_image(kernel, &bytes), nullptr);
  EXPECT_GT(bytes, 0u);
  attn_jit_call call{};
  call.size = sizeof call;
  call.q.dim_stride = 2;
  EXPECT_EQ(attn_jit_kernel_launch(kernel, &call, nullptr), 2);
  EXPECT_NE(std::strstr(attn_jit_last_error(), "q.dim_stride: 2 given"),
            nullptr);
  attn_jit_kernel_free(kernel);
  attn_jit_engine_close(engine);
}
