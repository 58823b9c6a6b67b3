// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The engine: one compile for all lengths, strides that no copy engine can
// address, threads, the C functions' refusals. Runs on the CPU target.
#include "tools/api/Dump.h"
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

/// Of calls of many rows.
static bool seesFewKeys(const api::Description &what,
                        api::CompileOptions options, int64_t kvLen) {
  api::setClass(options, what, {8, 16, 4096, kvLen});
  return options.calls.keys == KeyClass::Few;
}

TEST(CallClass, OfFewKeysIsWhereAnotherScheduleIsChosen) {
  api::Description what;
  what.headDim = 64;
  api::CompileOptions options;
  options.target = "sm_90a";
  EXPECT_TRUE(seesFewKeys(what, options, 100));
  EXPECT_TRUE(seesFewKeys(what, options, 512));
  EXPECT_FALSE(seesFewKeys(what, options, 513));
  EXPECT_FALSE(seesFewKeys(what, options, 0));
  what.causal = true;
  EXPECT_TRUE(seesFewKeys(what, options, 1024));
  EXPECT_FALSE(seesFewKeys(what, options, 1026));
  EXPECT_TRUE(seesFewKeys(what, options, 1));
  EXPECT_FALSE(seesFewKeys(what, options, 0));
  // Nothing is measured there, and the formula has one schedule for all.
  what.headDim = 136;
  EXPECT_FALSE(seesFewKeys(what, options, 100));
  what.headDim = 64;
  options.alignment = 8;
  EXPECT_FALSE(seesFewKeys(what, options, 100));
  options.alignment = 16;
  options.target = "cpu";
  EXPECT_FALSE(seesFewKeys(what, options, 100));
  options.target = "sm_90a";
  options.schedule = "flash_fwd_ws.v1";
  EXPECT_FALSE(seesFewKeys(what, options, 100));
  options.schedule.clear();
  what.module = "module {}";
  EXPECT_FALSE(seesFewKeys(what, options, 100));
}

TEST(CallClass, OfFewRowsDependsOnTheBatchUnlessItMustNot) {
  api::Description what;
  what.headDim = 128;
  api::CompileOptions options;
  options.target = "sm_90a";
  auto fewRows = [&](const api::TypicalCall &call) {
    api::setClass(options, what, call);
    return options.calls.rows == RowClass::Few;
  };
  EXPECT_TRUE(fewRows({1, 2, 4096, 4096}));
  EXPECT_TRUE(fewRows({132, 1, 64, 4096}));
  EXPECT_FALSE(fewRows({133, 1, 64, 4096}));
  EXPECT_FALSE(fewRows({INT64_MAX, INT64_MAX, 64, 4096}));
  EXPECT_FALSE(fewRows({0, 2, 4096, 4096}));
  EXPECT_FALSE(fewRows({1, 2, 4096, 4096, /*batchInvariant=*/true}));
}

TEST(CallClass, HasImagesOfItsOwn) {
  api::CompileOptions many;
  many.target = "sm_90a";
  api::CompileOptions few = many;
  few.calls.keys = KeyClass::Few;
  EXPECT_NE(api::stemOf("", many), api::stemOf("", few));
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

// Alone, a sequence's batch stride is never used: among others it may choose
// the kernel, and so the bits.
TEST(Engine, BatchInvarianceCountsTheBatchStrideOfOneSequence) {
  rt::AttentionArguments one;
  one.qLen = one.kvLen = 8;
  for (rt::TensorArgument *each : {&one.q, &one.k, &one.v, &one.o})
    *each = {4096, 8 * 64 + 1, 8 * 64, 64};
  rt::AttentionArguments two = one;
  two.batch = 2;
  EXPECT_EQ(api::alignmentOf(one, 2), 16);
  EXPECT_EQ(api::alignmentOf(two, 2), 2);
  EXPECT_EQ(api::alignmentOf(one, 2, /*batchInvariant=*/true), 2);
  EXPECT_EQ(api::alignmentOf(two, 2, /*batchInvariant=*/true), 2);
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

TEST(Engine, ScaleMustBePositiveAndHeldBySinglePrecision) {
  const api::Engine engine = openCpu();
  auto stream = engine.device().createStream();
  // In single precision the last two would be 0 and an infinity.
  for (const double scale :
       {0.0, -1.0, double(NAN), double(INFINITY), 1e-50, 1e39}) {
    Ones call(16);
    call.a.scale = scale;
    const rt::Status status = engine.forward(describe(), call.a, *stream);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().text.substr(0, 6), "scale:");
    EXPECT_NE(status.error().text.find("allowed: 1e-30 to 1e+30"),
              std::string::npos)
        << status.error().text;
  }
  for (const double scale : {1e-30, 1e30}) {
    Ones call(16);
    call.a.scale = scale;
    ASSERT_TRUE(engine.forward(describe(), call.a, *stream).ok());
    EXPECT_TRUE(call.right()) << scale;
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

TEST(CApi, SoftcapIsALaterFieldOfTheDescription) {
  attn_jit_engine *engine = nullptr;
  ASSERT_EQ(attn_jit_engine_open("cpu", &engine), 0);
  attn_jit_description what{};
  what.size = sizeof what;
  what.head_dim = 32;
  what.dtype = "f32";
  what.softcap = 30;
  attn_jit_kernel *capped = nullptr, *plain = nullptr;
  ASSERT_EQ(attn_jit_kernel_create(engine, &what, &capped), 0)
      << attn_jit_last_error();
  // A caller of before the field, whatever lies behind its struct.
  what.size = offsetof(attn_jit_description, softcap);
  ASSERT_EQ(attn_jit_kernel_create(engine, &what, &plain), 0)
      << attn_jit_last_error();
  EXPECT_EQ(attn_jit_engine_compiles(engine), 2);
  EXPECT_STRNE(attn_jit_kernel_manifest(capped),
               attn_jit_kernel_manifest(plain));
  attn_jit_kernel_free(capped);
  attn_jit_kernel_free(plain);
  what.size = sizeof what;
  what.softcap = -1;
  EXPECT_EQ(attn_jit_kernel_create(engine, &what, &plain), 2);
  EXPECT_EQ(std::strncmp(attn_jit_last_error(), "softcap: -1 given", 17), 0);
  attn_jit_engine_close(engine);
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
  attn_jit_kernel *other = nullptr;
  // A caller of the version whose last field was kv_len.
  attn_jit_description older = what;
  older.size = offsetof(attn_jit_description, target);
  older.kv_len = 4096;
  older.target = "no part of it";
  ASSERT_EQ(attn_jit_kernel_create(engine, &older, &other), 0);
  attn_jit_kernel_free(other);
  older.size = sizeof older;
  EXPECT_EQ(attn_jit_kernel_create(engine, &older, &other), 2);
  EXPECT_NE(std::strstr(attn_jit_last_error(), "target: 'no part of it' given"),
            nullptr);
  // And of the one before the precision.
  older = what;
  older.size = offsetof(attn_jit_description, precision);
  older.precision = "no part of it";
  ASSERT_EQ(attn_jit_kernel_create(engine, &older, &other), 0);
  attn_jit_kernel_free(other);
  older.size = sizeof older;
  for (const auto &[given, why] :
       {std::pair{"fp64", "precision: 'fp64' given, allowed: ieee, tf32"},
        {"tf32", "precision: tf32 given, allowed on cpu: ieee"}}) {
    older.precision = given;
    EXPECT_EQ(attn_jit_kernel_create(engine, &older, &other), 2);
    EXPECT_STREQ(attn_jit_last_error(), why);
  }
  EXPECT_EQ(attn_jit_kernel_create(nullptr, &what, &other), 2);
  EXPECT_STREQ(attn_jit_last_error(), "engine: null given, allowed: a pointer");
  EXPECT_EQ(attn_jit_kernel_create(engine, &what, nullptr), 2);
  EXPECT_EQ(attn_jit_kernel_create(engine, nullptr, &other), 2);
  EXPECT_NE(std::strstr(attn_jit_last_error(), "description.size: 0 given"),
            nullptr);
  EXPECT_EQ(attn_jit_engine_open("cpu", nullptr), 2);
  attn_jit_call call{};
  call.size = sizeof call;
  EXPECT_EQ(attn_jit_kernel_launch(nullptr, &call, nullptr), 2);
  EXPECT_STREQ(attn_jit_last_error(), "kernel: null given, allowed: a pointer");
  EXPECT_EQ(attn_jit_kernel_launch(kernel, nullptr, nullptr), 2);
  attn_jit_bound *bound = nullptr;
  EXPECT_EQ(attn_jit_kernel_bind(nullptr, &call, &bound), 2);
  EXPECT_EQ(attn_jit_kernel_bind(kernel, &call, nullptr), 2);
  EXPECT_STREQ(attn_jit_last_error(), "bound: null given, allowed: a pointer");
  EXPECT_EQ(attn_jit_kernel_bind(kernel, &call, &bound), 2);
  EXPECT_EQ(bound, nullptr);
  EXPECT_EQ(attn_jit_bound_launch(nullptr, nullptr), 2);
  EXPECT_EQ(attn_jit_forward(nullptr, &what, &call, nullptr), 2);
  EXPECT_EQ(attn_jit_kernel_manifest(nullptr), nullptr);
  EXPECT_EQ(attn_jit_kernel_image(nullptr, nullptr), nullptr);
  attn_jit_kernel_free(nullptr);
  attn_jit_bound_free(nullptr);
  attn_jit_engine_close(nullptr);
  for (const auto &[count, why] :
       {std::pair{-1, "captured_count: -1 given, allowed: 0 to 64, a kernel's "
                      "most arguments"},
        {65, "captured_count: 65 given, allowed: 0 to 64, a kernel's most "
             "arguments"}}) {
    call.captured_count = count;
    EXPECT_EQ(attn_jit_kernel_launch(kernel, &call, nullptr), 2);
    EXPECT_STREQ(attn_jit_last_error(), why);
  }
  call.captured_count = 1;
  EXPECT_EQ(attn_jit_kernel_launch(kernel, &call, nullptr), 2);
  EXPECT_STREQ(attn_jit_last_error(),
               "captured_names: null given, allowed: a pointer");
  const char *names[] = {nullptr};
  const double values[] = {1};
  call.captured_names = names;
  call.captured_values = values;
  EXPECT_EQ(attn_jit_kernel_launch(kernel, &call, nullptr), 2);
  EXPECT_STREQ(attn_jit_last_error(),
               "captured_names[0]: null given, allowed: a pointer");
  call.captured_count = 0;
  call.q.dim_stride = 2;
  EXPECT_EQ(attn_jit_kernel_launch(kernel, &call, nullptr), 2);
  EXPECT_NE(std::strstr(attn_jit_last_error(), "q.dim_stride: 2 given"),
            nullptr);
  attn_jit_kernel_free(kernel);
  attn_jit_engine_close(engine);
}
