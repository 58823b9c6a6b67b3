// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The manifest's parser: a good one read whole, and each way to be malformed
// with the line it gives.
#include "TestDevice.h"
#include "TestManifest.h"

#include <cstdio>
#include <fstream>
#include <unistd.h>

using namespace attn_jit::rt;
using namespace attn_jit::rt::test;
using nlohmann::json;

namespace {

TEST(Manifest, ReadsEveryField) {
  const Manifest manifest = must(parseManifest(goodManifest().dump()));
  EXPECT_EQ(manifest.target, "sm_90a");
  EXPECT_EQ(manifest.kernel, "attn_fwd");
  EXPECT_EQ(manifest.imageKind, ImageKind::Ptx);
  EXPECT_EQ(manifest.imageFile, "NAME.ptx");
  EXPECT_EQ(manifest.schedule, "flash_fwd_ws.v1<bm=128, bn=128>");
  EXPECT_EQ(manifest.headDim, 128);
  EXPECT_EQ(manifest.valueDim, 64);
  EXPECT_TRUE(manifest.causal);
  EXPECT_EQ(manifest.block[0], 384u);
  EXPECT_EQ(manifest.cluster[0], 2u);
  EXPECT_EQ(manifest.sharedBytes, 163912u);
  ASSERT_EQ(manifest.grid[0].factors.size(), 2u);
  EXPECT_EQ(manifest.grid[0].factors[0].divisor, 128);
  EXPECT_EQ(manifest.requirements.size(), 2u);
  EXPECT_EQ(manifest.capturedNames, std::vector<std::string>{"window"});
  EXPECT_EQ(manifest.resources.registers, 168);
  EXPECT_FALSE(manifest.resources.occupancy.has_value());
}

TEST(Manifest, LaysArgumentsOutAsC) {
  const Manifest manifest = must(parseManifest(goodManifest().dump()));
  struct alignas(64) Map {
    char bytes[128];
  };
  struct Expected {
    Map q;
    void *o;
    int32_t qLen;
    int64_t stride;
    float scale;
    Map k;
    int32_t window;
  };
  std::vector<uint32_t> offsets;
  for (const Argument &argument : manifest.arguments)
    offsets.push_back(argument.offset);
  EXPECT_EQ(offsets, (std::vector<uint32_t>{
                         offsetof(Expected, q), offsetof(Expected, o),
                         offsetof(Expected, qLen), offsetof(Expected, stride),
                         offsetof(Expected, scale), offsetof(Expected, k),
                         offsetof(Expected, window)}));
  EXPECT_EQ(manifest.argumentBytes, offsetof(Expected, window) + 4);
}

TEST(Manifest, OptionalFieldsHaveDefaults) {
  json root = goodManifest();
  for (const char *key :
       {"key", "description", "schedule", "dtype", "causal", "cluster",
        "shared_bytes", "workspace_bytes", "requires", "features", "resources"})
    root.erase(key);
  root["unknown_field"] = {1, 2, 3};
  const Manifest manifest = must(parseManifest(root.dump()));
  EXPECT_EQ(manifest.cluster, (std::array<uint32_t, 3>{1, 1, 1}));
  EXPECT_FALSE(manifest.causal);
  EXPECT_EQ(manifest.sharedBytes, 0u);
}

TEST(Manifest, TextThatIsNoObject) {
  for (const char *text :
       {"", "{", "[]", "42", "\"x\"", "{\"a\":1}}", "\xff"}) {
    const Error error = errorOf(parseManifest(text));
    EXPECT_EQ(error.exitCode(), 2);
    EXPECT_HAS(error.text, "manifest: ");
  }
  EXPECT_HAS(errorOf(parseManifest(std::string(2 << 20, ' '))).text,
             "bytes given, allowed: at most 1048576");
}

TEST(Manifest, DeepValuesAreRefusedWhereverTheyStand) {
  // Deep enough to end what recurses, to parse, to print or to free it.
  std::string objects;
  for (int i = 0; i < 1000; ++i)
    objects += "{\"a\":";
  const std::string deep = std::string(200000, '[') + std::string(200000, ']');
  for (const std::string &text :
       {deep, objects, std::string(500000, '['),
        "{\"format\":\"attn-jit.manifest.v1\",\"target\":" + deep + "}",
        "{\"format\":" + deep + "}", "{\"unknown\":" + deep + "}",
        R"({"unknown":)" + std::string(33, '[') + std::string(33, ']') + "}"}) {
    const Error error = errorOf(parseManifest(text));
    EXPECT_EQ(error.exitCode(), 2);
    EXPECT_HAS(error.text, "deeper than 32 given");
  }
  json root = goodManifest();
  root["unknown"] = json::parse(std::string(31, '[') + std::string(31, ']'));
  must(parseManifest(root.dump()));
}

TEST(Manifest, LargeContainersAreCounted) {
  json root = goodManifest();
  root["target"] = json(std::vector<int>(100, 7));
  EXPECT_HAS(errorOf(parseManifest(root.dump())).text,
             "target: an array of 100 given");
  root["target"] = goodManifest();
  EXPECT_HAS(errorOf(parseManifest(root.dump())).text, "target: an object of ");
}

TEST(Manifest, MissingFieldsAreNamed) {
  for (const char *key : {"format", "target", "image", "kernel", "head_dim",
                          "value_dim", "block", "grid", "arguments"}) {
    json root = goodManifest();
    root.erase(key);
    EXPECT_HAS(errorOf(parseManifest(root.dump())).text,
               std::string("manifest: ") + key);
  }
}

struct BadField {
  const char *pointer, *value, *expected;
};

TEST(Manifest, EachMalformedFieldIsNamed) {
  const BadField cases[] = {
      {"/format", "\"attn-jit.manifest.v9\"",
       "format: \"attn-jit.manifest.v9\" given, allowed: attn-jit.manifest.v1"},
      {"/target", "7", "target: 7 given, allowed: a string of 1 to 64"},
      {"/target", "\"\"", "target: \"\" given"},
      {"/kernel", "null", "kernel: null given"},
      {"/key", "[]", "key: [] given, allowed: a string"},
      {"/image", "\"x.ptx\"", "image.kind: null given"},
      {"/image/kind", "\"exe\"",
       "image.kind: \"exe\" given, allowed: ptx, cubin, hsaco, host"},
      {"/image/file", "\"../x.ptx\"",
       "image.file: \"../x.ptx\" given, allowed: a file name without a folder"},
      {"/image/file", "\"..\"", "image.file: \"..\" given"},
      {"/image/file", "\"a\\u0000b\"", "image.file: "},
      {"/head_dim", "0",
       "head_dim: 0 given, allowed: an integer from 1 to 65536"},
      {"/head_dim", "12.5", "head_dim: 12.5 given"},
      {"/value_dim", "\"128\"", "value_dim: \"128\" given"},
      {"/value_dim", "18446744073709551615",
       "value_dim: 18446744073709551615 given"},
      {"/causal", "1", "causal: 1 given, allowed: true, false"},
      {"/block", "[384, 1]",
       "block: [384,1] given, allowed: an array of 3 elements"},
      {"/block/1", "-1", "block[1]: -1 given"},
      {"/block", "[64, 64, 1]",
       "block: [64,64,1] given, allowed: a product of at most 1024"},
      {"/cluster/2", "9",
       "cluster[2]: 9 given, allowed: an integer from 1 to 8"},
      {"/grid", "{}", "grid: {} given"},
      {"/grid/1", "7", "grid[1]: 7 given, allowed: {\"value\": V}"},
      {"/grid/1", "{\"value\": \"q_lne\"}",
       "grid[1].value: \"q_lne\" given, allowed: batch"},
      {"/grid/1", "{\"value\": \"scale\"}",
       "grid[1].value: \"scale\" given, allowed: an integer value"},
      {"/grid/1", "{\"value\": \"window\"}", "grid[1].value: \"window\" given"},
      {"/grid/1", "{\"value\": 1.5}",
       "grid[1].value: 1.5 given, allowed: an integer value"},
      {"/grid/1", "{\"value\": \"lse.stride.row\"}", "lse.stride.row"},
      {"/grid/1", "{\"value\": \"workspace.stride.row\"}",
       "workspace.stride.row"},
      {"/grid/1", "{\"value\": \"q.stride.col\"}", "q.stride.col"},
      {"/grid/1", "{\"ceil_div\": [\"q_len\"]}", "grid[1].ceil_div"},
      {"/grid/1", "{\"ceil_div\": [\"q_len\", 0]}",
       "grid[1].ceil_div[1]: 0 given"},
      {"/grid/1", "{\"product\": []}", "grid[1].product: [] given"},
      {"/grid/1", "{\"resident\": {\"value\": \"x\"}}",
       "grid[1].resident.value: \"x\" given"},
      {"/grid/1", "{\"product\": [{\"resident\": {\"value\": 1}}]}",
       "grid[1].product[0]: {\"resident\":{\"value\":1}} given"},
      {"/grid/1", "{\"value\": \"workgroups\"}",
       "grid[1].value: \"workgroups\" given, allowed: an integer value"},
      {"/grid/1", "{\"product\": [{\"value\": \"x\"}]}",
       "grid[1].product[0].value: \"x\" given"},
      {"/grid/1",
       "{\"product\":[{\"product\":[{\"product\":[{\"product\":[{\"product\":[{"
       "\"product\":[{\"product\":[{\"product\":[{\"product\":[{\"value\":1}]}]"
       "}]}]}]}]}]}]}]}",
       "at most 8 deep"},
      {"/shared_bytes", "-4", "shared_bytes: -4 given"},
      {"/workspace_bytes", "\"1\"", "workspace_bytes: \"1\" given"},
      {"/requires", "{}", "requires: {} given"},
      {"/requires/0", "{\"prime\": [1, 2]}",
       "requires[0]: {\"prime\":[1,2]} given, allowed: {\"multiple\""},
      {"/requires/0", "{\"multiple\": [\"q_heads\"]}", "requires[0].multiple"},
      {"/requires/0", "{\"aligned\": [\"q_len\", 0]}",
       "requires[0].aligned[1]: 0 given"},
      {"/requires/0", "{\"aligned\": [\"scale\", 2]}",
       "requires[0].aligned[0]: \"scale\" given"},
      {"/requires/0", "{\"pointer_aligned\": [\"x\", 2]}",
       "requires[0].pointer_aligned[0]: \"x\" given, allowed: q, k"},
      {"/captured", "\"window\"", "captured: \"window\" given"},
      {"/captured/0", "\"a b\"", "captured[0]: \"a b\" given, allowed: a name"},
      {"/captured/0", "\"\"", "captured[0]: \"\" given"},
      {"/features", "[3]", "features[0]: 3 given"},
      {"/arguments", "3", "arguments: 3 given"},
      {"/arguments/0", "3", "arguments[0].kind: null given"},
      {"/arguments/0/kind", "\"i8\"",
       "arguments[0].kind: \"i8\" given, allowed: tensor_map, pointer, i32, "
       "i64, f32"},
      {"/arguments/0/tensor", "\"lse\"",
       "arguments[0].tensor: \"lse\" given, allowed: q, k, v, o"},
      {"/arguments/0/element", "\"f64\"",
       "arguments[0].element: \"f64\" given, allowed: f16"},
      {"/arguments/0/box", "[64, 128]", "arguments[0].box: [64,128] given"},
      {"/arguments/0/box/1", "257",
       "arguments[0].box[1]: 257 given, allowed: an integer from 1 to 256"},
      {"/arguments/0/box/0", "128",
       "arguments[0].box[0]: 128 given, allowed: a multiple of 16 bytes, at "
       "most the swizzle's 128"},
      {"/arguments/0/box/0", "7", "arguments[0].box[0]: 7 given"},
      {"/arguments/0/swizzle", "48",
       "arguments[0].swizzle: 48 given, allowed: 0, 32, 64, 128"},
      {"/arguments/1/tensor", "\"x\"",
       "arguments[1].tensor: \"x\" given, allowed: q, k, v, o, lse, workspace"},
      {"/arguments/2/value", "\"scale\"",
       "arguments[2].value: \"scale\" given, allowed: an integer value"},
      {"/arguments/2/value", "\"3000000000\"",
       "arguments[2].value: \"3000000000\" given, allowed: a value within i32"},
      {"/arguments/2/value", "true", "arguments[2].value: true given"},
      {"/arguments/6/value", "\"widow\"",
       "arguments[6].value: \"widow\" given"},
      {"/resources", "[]", "resources: [] given"},
      {"/resources/registers", "\"x\"", "resources.registers: \"x\" given"},
      {"/resources/occupancy", "\"x\"", "resources.occupancy: \"x\" given"},
      {"/resources/source", "1", "resources.source: 1 given"},
  };
  for (const BadField &each : cases) {
    json root = goodManifest();
    root[json::json_pointer(each.pointer)] = json::parse(each.value);
    const Error error = errorOf(parseManifest(root.dump()));
    EXPECT_EQ(error.exitCode(), 2);
    EXPECT_HAS(error.text, each.expected);
    EXPECT_EQ(error.text.find('\n'), std::string::npos);
  }
}

TEST(Manifest, TensorMapsOnlyForNvidiaImages) {
  json root = goodManifest();
  root["image"]["kind"] = "hsaco";
  EXPECT_HAS(errorOf(parseManifest(root.dump())).text,
             "tensor_map only in ptx and cubin images");
}

TEST(Manifest, TooManyArguments) {
  json root = goodManifest();
  root["arguments"] = json::array();
  for (int i = 0; i < 65; ++i)
    root["arguments"].push_back({{"kind", "i32"}, {"value", i}});
  EXPECT_HAS(errorOf(parseManifest(root.dump())).text,
             "allowed: an array of 0 to 64 elements");
  root["arguments"] = json::array();
  for (int i = 0; i < 33; ++i)
    root["arguments"].push_back(goodManifest()["arguments"][0]);
  EXPECT_HAS(errorOf(parseManifest(root.dump())).text,
             "arguments: 4224 bytes given, allowed: at most 4096");
}

class ManifestFiles : public testing::Test {
protected:
  void SetUp() override {
    char name[] = "/tmp/attn-manifest-XXXXXX";
    ASSERT_TRUE(mkdtemp(name));
    folder = name;
  }
  void TearDown() override {
    for (const char *file : {"/NAME.ptx.json", "/NAME.ptx"})
      std::remove((folder + file).c_str());
    rmdir(folder.c_str());
  }
  void write(const std::string &file, const std::string &text) {
    std::ofstream(folder + "/" + file) << text;
  }
  std::string folder;
};

TEST_F(ManifestFiles, ImageLiesBeside) {
  write("NAME.ptx.json", goodManifest().dump());
  EXPECT_HAS(errorOf(readKernelFiles(folder + "/NAME.ptx.json")).text,
             "image.file: '" + folder + "/NAME.ptx' given");
  write("NAME.ptx", std::string("abc\0d", 5));
  const KernelFiles files = must(readKernelFiles(folder + "/NAME.ptx.json"));
  EXPECT_EQ(files.image.size(), 5u);
  EXPECT_EQ(files.imagePath, folder + "/NAME.ptx");
}

TEST_F(ManifestFiles, UnreadableManifest) {
  EXPECT_HAS(errorOf(readKernelFiles(folder + "/none.json")).text,
             "none.json' given, a readable file is needed");
  EXPECT_HAS(errorOf(readKernelFiles(folder)).text, "a readable file");
}

} // namespace
