// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Manifests are untrusted bytes. Whatever parses must also bind: on a null
// device of its own chip, with small and with absurd shapes.
#include "runtime/Launch.h"
#include "runtime/null/NullDriver.h"
#include "test/fuzz/FuzzCheck.h"
#include "test/runtime/TestManifest.h"

using namespace attn_jit::rt;
using namespace attn_jit::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Result<Manifest> manifest = parseManifest(
      std::string_view(reinterpret_cast<const char *>(data), size));
  if (!manifest) {
    // One line, and never empty: that is all a user gets.
    const std::string &text = manifest.error().text;
    require(!text.empty(), "an error says something");
    require(text.find('\n') == std::string::npos, "an error must be one line");
    ++counts.refused;
    return 0;
  }
  ++counts.accepted;
  const NullDevice null = makeNullDevice();
  static const std::byte image[1] = {};
  const std::vector<std::string> names = manifest->capturedNames;
  Result<PreparedKernel> kernel =
      prepare(null.device, std::move(*manifest), image);
  if (!kernel)
    return 0;
  std::vector<CapturedScalar> captured;
  for (const std::string &name : names)
    captured.push_back({name, double(size)});
  AttentionArguments arguments;
  arguments.q = arguments.k = arguments.v = arguments.o = {4096, 512, 256, 128};
  arguments.captured = captured;
  arguments.workspace = 4096;
  arguments.workspaceBytes = INT64_MAX;
  BoundLaunch bound;
  (void)kernel->bind(arguments, bound).ok();
  arguments.batch = arguments.qHeads = arguments.qLen = INT32_MAX;
  arguments.kvHeads = 1;
  arguments.q.batchStride = INT64_MAX;
  arguments.k.rowStride = INT64_MIN;
  (void)kernel->bind(arguments, bound).ok();
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  nlohmann::json root = attn_jit::rt::test::goodManifest();
  sink("maps", root.dump());
  // An AMD image takes addresses and strides, and rules of every kind.
  root["target"] = "gfx942";
  root["image"] = {{"kind", "hsaco"}, {"file", "NAME.hsaco"}};
  root["cluster"] = {1, 1, 1};
  root["arguments"] = nlohmann::json::array();
  for (const char *tensor : {"q", "k", "v", "o", "lse", "workspace"})
    root["arguments"].push_back({{"kind", "pointer"}, {"tensor", tensor}});
  for (const char *value : {"k.stride.batch", "k.stride.head", "k.stride.row"})
    root["arguments"].push_back({{"kind", "i64"}, {"value", value}});
  root["arguments"].push_back({{"kind", "i32"}, {"value", "heads_per_kv"}});
  root["arguments"].push_back({{"kind", "f32"}, {"value", "scale"}});
  root["requires"] = {{{"at_most", {"k.stride.row", 17043520}}},
                      {{"at_least", {"k.stride.row", 0}}},
                      {{"equal", {"heads_per_kv", 1}}},
                      {{"aligned", {"q_len", 1}}},
                      {{"pointer_aligned", {"lse", 4}}}};
  sink("addresses", root.dump());
  root["grid"] = {
      {{"resident",
        {{"product",
          {{{"ceil_div", {"q_len", 128}}}, {{"value", "q_heads"}}}}}}},
      {{"value", 1}},
      {{"value", 1}}};
  root["arguments"].push_back({{"kind", "i32"}, {"value", "workgroups"}});
  sink("resident", root.dump());
  for (const char *optional :
       {"key", "description", "schedule", "dtype", "causal", "cluster",
        "shared_bytes", "workspace_bytes", "captured", "features", "requires",
        "resources"})
    root.erase(optional);
  sink("least", root.dump());
}
