// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A launch allocates nothing, on the host or on the device. Seen through the C
// functions on a CUDA library without a GPU, which counts what it is asked for;
// a real one's own memory is its own affair.
#include "tools/api/attn_jit.h"

#include <cstdlib>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

#if defined(__has_feature)
#define ATTN_HAS(feature) __has_feature(feature)
#else
#define ATTN_HAS(feature) 0
#endif
#if defined(__GLIBC__) && !ATTN_HAS(address_sanitizer) &&                      \
    !ATTN_HAS(thread_sanitizer)
#define ATTN_COUNTS_MALLOC 1
#endif

namespace {
thread_local bool counting = false;
thread_local size_t counted = 0;
} // namespace

#ifdef ATTN_COUNTS_MALLOC
// Every library of the process finds these first, operator new among their
// callers.
extern "C" {
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t bytes) {
  counted += counting;
  return __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
  counted += counting;
  return __libc_calloc(count, bytes);
}
void *realloc(void *old, size_t bytes) {
  counted += counting;
  return __libc_realloc(old, bytes);
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  counted += counting;
  return __libc_memalign(alignment, bytes);
}
}
#endif

namespace {
struct Counts {
  size_t host, device, launches;
  size_t clustered; ///< of the launches, by the function that knows clusters
  friend Counts operator-(const Counts &a, const Counts &b) {
    return {a.host - b.host, a.device - b.device, a.launches - b.launches,
            a.clustered - b.clustered};
  }
};

class Allocation : public testing::Test {
protected:
  void SetUp() override {
#ifndef ATTN_COUNTS_MALLOC
    GTEST_SKIP() << "malloc is a sanitizer's here";
#endif
    char path[4096] = {};
    ASSERT_GT(readlink("/proc/self/exe", path, sizeof path - 1), 0);
    const std::string self = path;
    const std::string file =
        self.substr(0, self.rfind('/')) + "/images/FakeCuda.so";
    setenv("ATTN_JIT_CUDA_LIBRARY", file.c_str(), 1);
    void *library = dlopen(file.c_str(), RTLD_NOW);
    ASSERT_NE(library, nullptr) << dlerror();
    auto find = [&](const char *name, auto &function) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
          dlsym(library, name));
      ASSERT_NE(function, nullptr) << name;
    };
    find("fakeCudaCounts", read);
    // As in a thread that uses the device: a context is current, and what it
    // takes to make it so is no part of a launch.
    int (*retain)(void **, int) = nullptr, (*push)(void *) = nullptr;
    find("cuDevicePrimaryCtxRetain", retain);
    find("cuCtxPushCurrent_v2", push);
    void *context = nullptr;
    ASSERT_EQ(retain(&context, 0), 0);
    ASSERT_EQ(push(context), 0);
    ASSERT_EQ(attn_jit_engine_open("cuda:0", &engine), 0)
        << attn_jit_last_error();
  }
  void TearDown() override {
    attn_jit_kernel_free(kernel);
    attn_jit_engine_close(engine);
  }

  Counts counts() const {
    size_t device = 0, launches = 0, clustered = 0;
    read(&device, &launches, &clustered);
    return {counted, device, launches, clustered};
  }

  void create(attn_jit_description what) {
    what.size = sizeof what;
    ASSERT_EQ(attn_jit_kernel_create(engine, &what, &kernel), 0)
        << attn_jit_last_error();
  }
  /// 128 rows of 64 elements a head.
  attn_jit_call callOf(int64_t elementBytes) const {
    attn_jit_call call{};
    call.size = sizeof call;
    call.batch = 2;
    call.q_heads = call.kv_heads = 4;
    call.q_len = call.kv_len = 128;
    call.scale = 0.125;
    uint64_t address = 1 << 20;
    for (attn_jit_tensor *each : {&call.q, &call.k, &call.v, &call.o}) {
      *each = {address, 4 * 128 * 64, 128 * 64, 64, 1};
      address += uint64_t(2 * 4 * 128 * 64 * elementBytes);
    }
    call.lse = {address, 4 * 128, 128, 1, 1};
    return call;
  }

  /// Of `launch`, called a hundred times, the first apart.
  template <typename Launch> Counts hundred(const Launch &launch) {
    EXPECT_EQ(launch(), 0) << attn_jit_last_error();
    const Counts before = counts();
    counting = true;
    int faults = 0;
    for (int i = 0; i < 100; ++i)
      faults += launch();
    counting = false;
    EXPECT_EQ(faults, 0) << attn_jit_last_error();
    return counts() - before;
  }
  void expectNone(const Counts &counts) const {
    EXPECT_EQ(counts.launches, 100u);
    EXPECT_EQ(counts.clustered, clusters ? 100u : 0u);
    EXPECT_EQ(counts.host, 0u);
    EXPECT_EQ(counts.device, 0u);
  }
  void launchBothWays(const attn_jit_call &call) {
    int stream = 0; // any address: the library does nothing with it
    expectNone(hundred(
        [&] { return attn_jit_kernel_launch(kernel, &call, &stream); }));
    attn_jit_bound *bound = nullptr;
    ASSERT_EQ(attn_jit_kernel_bind(kernel, &call, &bound), 0)
        << attn_jit_last_error();
    expectNone(hundred([&] { return attn_jit_bound_launch(bound, &stream); }));
    attn_jit_bound_free(bound);
  }

  attn_jit_engine *engine = nullptr;
  attn_jit_kernel *kernel = nullptr;
  bool clusters = false; ///< Is the kernel launched in clusters?
  int (*read)(size_t *, size_t *, size_t *) = nullptr;
};

TEST_F(Allocation, IsCounted) {
  counting = true;
  const Counts before = counts();
  ::operator delete(::operator new(100));
  std::free(std::calloc(1, 100));
  counting = false;
  EXPECT_EQ((counts() - before).host, 2u);
}

TEST_F(Allocation, NoneOfALaunchOfTensorMaps) {
  attn_jit_description what{};
  what.head_dim = 64;
  what.causal = what.lse = 1;
  create(what);
  launchBothWays(callOf(2));
}

TEST_F(Allocation, NoneOfALaunchOfClusters) {
  attn_jit_description what{};
  what.head_dim = 64;
  what.schedule = "flash_fwd_ws.v1<cluster=2>";
  create(what);
  clusters = true;
  launchBothWays(callOf(2));
}

TEST_F(Allocation, NoneOfALaunchThatDrawsTiles) {
  attn_jit_description what{};
  what.head_dim = 64;
  what.schedule = "flash_fwd_ws.v1<grid=dynamic>";
  create(what);
  alignas(16) static std::byte workspace[16];
  attn_jit_call call = callOf(2);
  EXPECT_NE(attn_jit_kernel_launch(kernel, &call, nullptr), 0)
      << "drawn without a workspace";
  call.workspace = reinterpret_cast<uint64_t>(workspace);
  call.workspace_bytes = sizeof workspace;
  launchBothWays(call);
}

TEST_F(Allocation, NoneOfALaunchOfPointersAndCapturedScalars) {
  // Keys up to a distance that a launch gives.
  const std::string tensor = "tensor<?x?x?x64xf32, #attn.layout<bhsd>>";
  const std::string module =
      "func.func @attention(%q: " + tensor +
      " {attn.arg = \"q\"}, %k: " + tensor +
      " {attn.arg = \"k\"}, %v: " + tensor +
      " {attn.arg = \"v\"}, %scale: f32 {attn.arg = \"scale\"}, "
      "%reach: i32 {attn.arg = \"reach\"}) -> " +
      tensor +
      " {\n  %out = attn.forward %q, %k, %v scale %scale mask {\n"
      "  ^bb0(%b: i32, %h: i32, %row: i32, %kv: i32):\n"
      "    %far = arith.subi %row, %kv : i32\n"
      "    %seen = arith.cmpi sle, %far, %reach : i32\n"
      "    attn.yield %seen : i1\n  } : " +
      tensor + ", " + tensor + ", " + tensor + " -> " + tensor +
      "\n  return %out : " + tensor + "\n}\n";
  attn_jit_description what{};
  what.head_dim = 64;
  what.dtype = "f32";
  what.module = module.c_str();
  create(what);
  attn_jit_call call = callOf(4);
  const char *const names[] = {"reach"};
  const double values[] = {100};
  call.captured_names = names;
  call.captured_values = values;
  call.captured_count = 1;
  launchBothWays(call);
}
} // namespace
