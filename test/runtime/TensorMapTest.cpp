// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tensor map made from a caller's strides and read by TMA on a real chip:
// BSHD and BHSD views must both come out dense, and rows beyond the end as
// nothing.
#include "TestDevice.h"
#include "TestManifest.h"

using namespace attn_jit::rt;
using namespace attn_jit::rt::test;

namespace {

void copyThroughMap(bool bshd) {
  TestDevice test = TestDevice::open("cuda");
  if (!test.device)
    GTEST_SKIP() << test.absent;
  if (!test.device.has(Capability::TensorMaps) ||
      test.device.info().target != "sm_90a")
    GTEST_SKIP() << test.device.info().selector() << " is "
                 << test.device.info().target << ", not sm_90a";
  nlohmann::json root = goodManifest();
  root["kernel"] = "tma_copy";
  root["head_dim"] = root["value_dim"] = 64;
  root["block"] = {64, 1, 1};
  root["cluster"] = {1, 1, 1};
  root["grid"][0] = {{"ceil_div", {"q_len", 8}}};
  root["shared_bytes"] = root["workspace_bytes"] = 0;
  root["requires"] = nlohmann::json::array();
  root["arguments"] = nlohmann::json::parse(R"json([
    {"kind": "tensor_map", "tensor": "q", "element": "f16",
     "box": [64, 8, 1, 1], "swizzle": 0},
    {"kind": "pointer", "tensor": "o"},
    {"kind": "i32", "value": "q_len"}, {"kind": "i32", "value": "q_heads"}])json");
  const PreparedKernel kernel =
      must(prepare(test.device, must(parseManifest(root.dump())), hopperPtx()));

  const int64_t batch = 2, heads = 3, rows = 21, dim = 64;
  const int64_t count = batch * heads * rows * dim;
  std::vector<uint16_t> sent(count), got(count);
  for (int64_t i = 0; i < count; ++i)
    sent[i] = uint16_t(i * 31 + 7);
  Buffer q = must(test.device.allocate(count * 2));
  Buffer o = must(test.device.allocate(count * 2));
  must(q.copyFrom(sent.data(), count * 2));
  must(o.fill(0xffffffff));

  AttentionArguments arguments;
  arguments.batch = batch;
  arguments.qHeads = arguments.kvHeads = heads;
  arguments.qLen = rows;
  arguments.q =
      bshd ? TensorArgument{q.address(), rows * heads * dim, dim, heads * dim}
           : TensorArgument{q.address(), heads * rows * dim, rows * dim, dim};
  arguments.o.address = o.address();
  Stream stream = must(test.device.createStream());
  must(kernel.launch(arguments, stream));
  must(stream.synchronize());
  must(o.copyTo(got.data(), count * 2));
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t d = 0; d < dim; ++d) {
          const int64_t from = arguments.q.batchStride * b +
                               arguments.q.headStride * h +
                               arguments.q.rowStride * r + d;
          const int64_t to = ((b * heads + h) * rows + r) * dim + d;
          ASSERT_EQ(got[to], sent[from]) << b << " " << h << " " << r;
        }
}

TEST(TensorMap, BshdThroughTma) { copyThroughMap(true); }
TEST(TensorMap, BhsdThroughTma) { copyThroughMap(false); }

} // namespace
