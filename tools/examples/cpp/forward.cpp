// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Grouped-query attention on the device that argv[1] names: describe, compile,
// launch on our own buffers and stream, for two lengths with one compile.
#include "tools/api/Engine.h"

#include <cstdio>
#include <vector>

using namespace attn_jit;

static rt::Status run(const char *name) {
  ATTN_TRY(const api::Engine engine, api::Engine::open(name));
  const rt::Device &device = engine.device();
  api::Description what;
  what.headDim = 64;
  what.element = api::Element::BF16;
  ATTN_TRY(const auto kernel, engine.kernel(what));
  std::printf("%s: %s\n", device.info().name.c_str(),
              kernel->compiled().schedule.c_str());

  ATTN_TRY(const rt::Stream stream, device.createStream());
  for (const int64_t length : {256, 1000}) {
    rt::AttentionArguments a;
    a.qHeads = 4, a.kvHeads = 2, a.qLen = a.kvLen = length, a.scale = 0.125;
    // Ones in bf16: every output is a mean of ones.
    std::vector<uint16_t> host(size_t(4 * length * 64), 0x3f80);
    std::vector<rt::Buffer> buffers;
    for (rt::TensorArgument *tensor : {&a.q, &a.k, &a.v, &a.o}) {
      const bool kv = tensor == &a.k || tensor == &a.v;
      ATTN_TRY(rt::Buffer buffer, device.allocate(int64_t(host.size()) * 2));
      if (tensor != &a.o)
        ATTN_CHECK(buffer.copyFrom(host.data(), buffer.size()));
      const int64_t heads = kv ? 2 : 4; // batch, row, head, dim
      *tensor = {buffer.address(), length * heads * 64, 64, heads * 64};
      buffers.push_back(std::move(buffer));
    }
    ATTN_CHECK(kernel->launch(a, stream));
    ATTN_CHECK(stream.synchronize());
    ATTN_CHECK(buffers.back().copyTo(host.data(), buffers.back().size()));
    for (const uint16_t bits : host)
      if (bits != 0x3f80)
        return rt::failed("an output is not 1");
  }
  std::printf("2 lengths, %lld compile\n", (long long)engine.compiles());
  return rt::success();
}

int main(int argc, char **argv) {
  const rt::Status status = run(argc > 1 ? argv[1] : "cpu");
  if (!status)
    std::fprintf(stderr, "%s\n", status.error().text.c_str());
  return status ? 0 : 1;
}
