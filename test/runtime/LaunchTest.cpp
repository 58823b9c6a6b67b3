// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a manifest to what the driver gets, seen on the null driver: grid,
// bytes, tensor maps, and each refusal with its sentence.
#include "TestDevice.h"
#include "TestManifest.h"

#include <chrono>
#include <cmath>

using namespace attn_jit::rt;
using namespace attn_jit::rt::test;
using nlohmann::json;

namespace {

class Launch : public testing::Test {
protected:
  void SetUp() override {
    stream = must(null.device.createStream());
    arguments.batch = 2;
    arguments.qHeads = 6;
    arguments.kvHeads = 3;
    arguments.qLen = 300;
    arguments.kvLen = 500;
    arguments.scale = 0.125;
    // q as BSHD, k as BHSD.
    arguments.q = {0x10000, 300 * 6 * 128, 128, 6 * 128};
    arguments.k = {0x20000, 3 * 500 * 128, 500 * 128, 128};
    arguments.v = {0x30000, 3 * 500 * 64, 500 * 64, 64};
    arguments.o = {0x40000, 6 * 300 * 64, 300 * 64, 64};
    arguments.workspace = 0x50000;
    arguments.workspaceBytes = 256;
    arguments.captured = captured;
  }

  PreparedKernel prepared(const json &root = goodManifest()) {
    const std::string image = "image";
    return must(prepare(null.device, must(parseManifest(root.dump())),
                        std::as_bytes(std::span(image))));
  }
  std::string refusal(const json &root = goodManifest()) {
    const PreparedKernel kernel = prepared(root);
    const size_t before = null.log->launches().size();
    const Error error = errorOf(kernel.launch(arguments, stream));
    EXPECT_EQ(error.exitCode(), 2);
    EXPECT_EQ(null.log->launches().size(), before) << "launched all the same";
    return error.text;
  }

  NullDevice null = makeNullDevice();
  Stream stream;
  CapturedScalar window{"window", 77};
  std::span<const CapturedScalar> captured{&window, 1};
  AttentionArguments arguments;
};

template <typename T> T at(const std::vector<std::byte> &bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

TEST_F(Launch, MarshalsGridAndArguments) {
  must(prepared().launch(arguments, stream));
  ASSERT_EQ(null.log->launches().size(), 1u);
  const RecordedLaunch launch = null.log->launches()[0];
  EXPECT_EQ(launch.kernel, "attn_fwd");
  EXPECT_EQ(launch.stream, stream.handle());
  EXPECT_EQ(launch.geometry.grid, (std::array<uint32_t, 3>{6, 6, 2}));
  EXPECT_EQ(launch.geometry.block, (std::array<uint32_t, 3>{384, 1, 1}));
  EXPECT_EQ(launch.geometry.cluster, (std::array<uint32_t, 3>{2, 1, 1}));
  EXPECT_EQ(launch.geometry.sharedBytes, 163912u);
  EXPECT_EQ(launch.argumentOffsets,
            (std::vector<uint32_t>{0, 128, 136, 144, 152, 192, 320}));
  EXPECT_EQ(at<uint64_t>(launch.arguments, 128), 0x40000u);
  EXPECT_EQ(at<int32_t>(launch.arguments, 136), 300);
  EXPECT_EQ(at<int64_t>(launch.arguments, 144), 64);
  EXPECT_FLOAT_EQ(at<float>(launch.arguments, 152), 0.125f * 1.44269504f);
  EXPECT_EQ(at<int32_t>(launch.arguments, 320), 77);
  // The null driver numbers its maps in their first byte.
  EXPECT_EQ(at<uint8_t>(launch.arguments, 0), 1);
  EXPECT_EQ(at<uint8_t>(launch.arguments, 192), 2);
}

TEST_F(Launch, DescribesTensorMaps) {
  must(prepared().launch(arguments, stream));
  ASSERT_EQ(null.log->tensorMaps().size(), 2u);
  const TensorMapRequest q = null.log->tensorMaps()[0];
  EXPECT_EQ(q.address, 0x10000u);
  EXPECT_EQ(q.dims, (std::array<uint64_t, 4>{128, 300, 6, 2}));
  EXPECT_EQ(q.strideBytes,
            (std::array<uint64_t, 3>{6 * 128 * 2, 128 * 2, 300 * 6 * 128 * 2}));
  EXPECT_EQ(q.box, (std::array<uint32_t, 4>{64, 128, 1, 1}));
  EXPECT_EQ(q.swizzleBytes, 128u);
  const TensorMapRequest k = null.log->tensorMaps()[1];
  EXPECT_EQ(k.dims, (std::array<uint64_t, 4>{128, 500, 3, 2}));
}

TEST_F(Launch, TensorMapStrideOfOneElementIsIgnored) {
  arguments.batch = 1;
  arguments.q.batchStride = 7;
  must(prepared().launch(arguments, stream));
  EXPECT_EQ(null.log->tensorMaps()[0].strideBytes[2], 16u);
}

TEST_F(Launch, TensorMapRefusals) {
  arguments.q.rowStride = 6 * 128 + 4;
  EXPECT_HAS(refusal(), "q.stride.row: 772 elements of 2 bytes given, allowed: "
                        "a multiple of 16 bytes below 2^40");
  arguments.q.rowStride = -128;
  EXPECT_HAS(refusal(), "q.stride.row: -128");
  arguments.q.rowStride = 6 * 128;
  arguments.q.address += 8;
  EXPECT_HAS(refusal(),
             "q: address 65544 given, allowed: a multiple of 16 bytes");
}

TEST_F(Launch, BoundLaunchRepeats) {
  const PreparedKernel kernel = prepared();
  BoundLaunch bound;
  must(kernel.bind(arguments, bound));
  must(bound.launch(stream));
  must(bound.launch(stream));
  const auto launches = null.log->launches();
  ASSERT_EQ(launches.size(), 2u);
  EXPECT_EQ(launches[0].arguments, launches[1].arguments);
  EXPECT_EQ(null.log->tensorMaps().size(), 2u) << "encoded once";
  EXPECT_EQ(errorOf(BoundLaunch().launch(stream)).code, ErrorCode::BadInput);
}

TEST_F(Launch, FailedBindLeavesAnEmptyHandle) {
  const PreparedKernel kernel = prepared();
  const AttentionArguments good = arguments;
  // Refused before anything is written, by a rule, and among the arguments.
  for (const auto spoil : {+[](AttentionArguments &a) { a.batch = -1; },
                           +[](AttentionArguments &a) { a.k.rowStride = 129; },
                           +[](AttentionArguments &a) { a.k.address += 8; },
                           +[](AttentionArguments &a) { a.captured = {}; }}) {
    BoundLaunch bound;
    must(kernel.bind(good, bound));
    AttentionArguments bad = good;
    spoil(bad);
    EXPECT_FALSE(kernel.bind(bad, bound));
    EXPECT_HAS(errorOf(bound.launch(stream)).text, "an empty handle");
    must(kernel.bind(good, bound));
    must(bound.launch(stream));
  }
  EXPECT_EQ(null.log->launches().size(), 4u);
}

TEST_F(Launch, ResidentGridIsWhatTheDeviceHolds) {
  json root = goodManifest();
  root["cluster"] = {1, 1, 1};
  root["grid"] = json::parse(R"([{"resident": {"product": [
      {"ceil_div": ["q_len", 128]}, {"value": "q_heads"}]}},
      {"value": "1"}, {"value": "1"}])");
  root["arguments"].push_back({{"kind", "i32"}, {"value", "workgroups"}});
  const auto launched = [&] {
    must(prepared(root).launch(arguments, stream));
    const RecordedLaunch launch = null.log->launches().back();
    EXPECT_EQ(uint32_t(at<int32_t>(launch.arguments, 324)),
              launch.geometry.grid[0]);
    return int64_t(launch.geometry.grid[0]);
  };
  root["arguments"].push_back({{"kind", "f32"}, {"value", "workgroups"}});
  must(prepared(root).launch(arguments, stream));
  const RecordedLaunch first = null.log->launches().back();
  EXPECT_EQ(at<float>(first.arguments, 328), float(first.geometry.grid[0]));
  const int64_t most = null.device.info().computeUnits;
  arguments.qLen = 129;
  EXPECT_EQ(launched(), std::min<int64_t>(most, 2 * arguments.qHeads));
  arguments.qLen = 1 << 20;
  EXPECT_EQ(launched(), most);
  arguments.qLen = 0;
  const size_t before = null.log->launches().size();
  must(prepared(root).launch(arguments, stream));
  EXPECT_EQ(null.log->launches().size(), before);
  // Whole clusters.
  arguments.qLen = 1 << 20;
  root["cluster"] = {5, 1, 1};
  if (most >= 5) {
    EXPECT_EQ(launched(), most - most % 5);
  }
  root["cluster"] = {1, 1, 1};
  // Walks count tiles in i32, and a round beyond.
  arguments.qLen = INT32_MAX, arguments.qHeads = 192;
  EXPECT_HAS(refusal(root), "grid[0]: 3221225472 blocks given, allowed: at "
                            "most 1073741824");
}

TEST_F(Launch, EmptyGridLaunchesNothing) {
  arguments.qLen = 0;
  must(prepared().launch(arguments, stream));
  EXPECT_TRUE(null.log->launches().empty());
}

TEST_F(Launch, NullLseIsAllowedNullOutputIsNot) {
  json root = goodManifest();
  root["arguments"].push_back({{"kind", "pointer"}, {"tensor", "lse"}});
  must(prepared(root).launch(arguments, stream));
  EXPECT_EQ(at<uint64_t>(null.log->launches()[0].arguments, 328), 0u);
  arguments.o.address = 0;
  EXPECT_HAS(refusal(root), "o: no address given");
}

TEST_F(Launch, KeysWithoutRowsNeedNoAddress) {
  arguments.k.address = 0;
  EXPECT_HAS(refusal(), "k: no address given");
  arguments.kvLen = 0;
  must(prepared().launch(arguments, stream));
  const TensorMapRequest k = null.log->tensorMaps().back();
  EXPECT_EQ(k.dims, (std::array<uint64_t, 4>{128, 1, 3, 2}));
  EXPECT_EQ(k.address, arguments.q.address);
}

TEST_F(Launch, ShapeRefusals) {
  arguments.batch = -1;
  EXPECT_HAS(refusal(), "batch: -1 given, allowed: 0 to 2147483647");
  arguments.batch = 1;
  arguments.kvHeads = 4;
  EXPECT_HAS(refusal(),
             "q_heads: 6 given, allowed: a multiple of kv_heads (4)");
  arguments.kvHeads = 0;
  EXPECT_HAS(refusal(), "a multiple of kv_heads (0)");
  arguments.kvHeads = 3;
  arguments.workspaceBytes = 255;
  EXPECT_HAS(refusal(), "workspace: 255 bytes given, allowed: at least 256");
}

TEST_F(Launch, RequirementsNameTheirRule) {
  arguments.k.rowStride = 129;
  EXPECT_HAS(refusal(), "k.stride.row: 129 given, allowed: a multiple of 8 "
                        "({\"aligned\":[\"k.stride.row\",8]})");
  const std::pair<const char *, const char *> cases[] = {
      {R"({"multiple": ["q_len", "kv_len"]})", "a multiple of 500"},
      {R"({"at_most": ["kv_len", 499]})",
       "kv_len: 500 given, allowed: at most 499"},
      {R"({"at_least": ["q_len", 301]})",
       "q_len: 300 given, allowed: at least 301"},
      {R"({"equal": ["heads_per_kv", 3]})",
       "q_heads / kv_heads: 2 given, allowed: only 3"},
      // Heads of one key head that share tiles.
      {R"({"aligned": ["heads_per_kv", 4]})",
       "q_heads / kv_heads: 2 given, allowed: a multiple of 4 "
       "({\"aligned\":[\"heads_per_kv\",4]})"},
      {R"({"pointer_aligned": ["v", 131072]})",
       "v: address 196608 given, allowed: a multiple of 131072 bytes"},
  };
  for (const auto &[rule, text] : cases) {
    json root = goodManifest();
    root["requires"] = {json::parse(rule)};
    EXPECT_HAS(refusal(root), text);
  }
}

TEST_F(Launch, CapturedScalars) {
  window.value = 1.5;
  EXPECT_HAS(refusal(), "window: 1.500000 given, allowed: an integer");
  window.value = NAN;
  EXPECT_HAS(refusal(), "window: nan given");
  window.value = 3e9;
  EXPECT_HAS(refusal(), "window: 3000000000 given, allowed: -2147483648");
  arguments.captured = {};
  EXPECT_HAS(refusal(), "window: nothing given, allowed: a number");
}

TEST_F(Launch, SinglePrecisionRefusesWhatItCanNotHold) {
  json root = goodManifest();
  root["arguments"][6]["kind"] = "f32";
  for (const auto &[value, text] :
       {std::pair(1e39, "window: 1e+39 given, allowed: what single precision"),
        std::pair(-1e300, "window: -1e+300 given"),
        std::pair(1e-50, "window: 1e-50 given"),
        std::pair(double(NAN), "window: nan given")}) {
    window.value = value;
    EXPECT_HAS(refusal(root), text);
  }
  for (const double value : {0.0, -0.5, 1e-40, double(-INFINITY)}) {
    window.value = value;
    must(prepared(root).launch(arguments, stream));
  }
}

// By the manifest alone: whoever launches needs nothing of the compiler.
TEST_F(Launch, ScaleIsPositive) {
  for (const auto &[scale, text] :
       {std::pair(0.0, "scale: 0 given, allowed: 1e-30 to 1e+30"),
        std::pair(-0.125, "scale: -0.125 given"),
        std::pair(1e39, "scale: 1e+39 given"),
        std::pair(double(NAN), "scale: nan given")}) {
    arguments.scale = scale;
    EXPECT_HAS(refusal(goodManifest()), text);
  }
}

TEST_F(Launch, I32RefusesWhatItCanNotHold) {
  json root = goodManifest();
  root["arguments"][2]["value"] = "o.stride.batch";
  arguments.o.batchStride = int64_t(1) << 31;
  EXPECT_HAS(refusal(root), "o.stride.batch: 2147483648 given, allowed: "
                            "-2147483648 to 2147483647");
}

TEST_F(Launch, GridLimitsAndClusters) {
  json root = goodManifest();
  root["grid"][0] = {{"value", "5"}};
  EXPECT_HAS(refusal(root), "grid[0]: 5 blocks given, allowed: a multiple of "
                            "the cluster's 2");
  const json large = {{"value", "2000000000"}};
  root["grid"][0] = {{"product", {large, large, large}}};
  EXPECT_HAS(refusal(root), "grid[0]: 9223372036854775807 blocks given");
}

TEST_F(Launch, PrepareChecksTheDevice) {
  auto refused = [](const json &root, const NullOptions &options) {
    const std::string image = "image";
    return errorOf(prepare(makeNullDevice(options).device,
                           must(parseManifest(root.dump())),
                           std::as_bytes(std::span(image))))
        .text;
  };
  NullOptions ada;
  ada.target = "sm_89";
  json root = goodManifest();
  EXPECT_HAS(refused(root, ada), "target: sm_90a given, null is sm_89");
  root["target"] = "sm_90";
  EXPECT_HAS(refused(root, ada), "target: sm_90 given, null is sm_89");
  root["target"] = "gfx942";
  EXPECT_HAS(refused(root, ada), "target: gfx942 given");
  root["target"] = "sm_89";
  root["features"] = {"avx512f"};
  EXPECT_HAS(refused(root, ada), "features: the image needs avx512f");
  NullOptions few;
  few.maxThreadsPerBlock = 256;
  EXPECT_HAS(refused(goodManifest(), few),
             "block: 384 threads given, null allows at most 256");
  NullOptions small;
  small.sharedBytesPerBlock = 1000;
  EXPECT_HAS(refused(goodManifest(), small),
             "shared_bytes: 163912 given, null (null) allows 0 to 1000");
}

TEST_F(Launch, OlderPtxRunsOnLaterChips) {
  NullOptions hopper;
  hopper.target = "sm_90a";
  const std::string image = "image";
  json root = goodManifest();
  root["target"] = "sm_80";
  const auto bytes = std::as_bytes(std::span(image));
  EXPECT_TRUE(prepare(makeNullDevice(hopper).device,
                      must(parseManifest(root.dump())), bytes));
  root["image"]["kind"] = "cubin";
  EXPECT_FALSE(prepare(makeNullDevice(hopper).device,
                       must(parseManifest(root.dump())), bytes));
}

TEST_F(Launch, CostsLittleHostTime) {
  const PreparedKernel kernel = prepared();
  BoundLaunch bound;
  const int count = 2000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i)
    must(kernel.bind(arguments, bound));
  const double microseconds = std::chrono::duration<double, std::micro>(
                                  std::chrono::steady_clock::now() - start)
                                  .count() /
                              count;
  RecordProperty("bind_us", std::to_string(microseconds));
  std::cout << "bind: " << microseconds << " us\n";
  // A bound that only a lost allocation or string would pass, sanitizers apart.
  EXPECT_LT(microseconds, 50);
}

} // namespace
