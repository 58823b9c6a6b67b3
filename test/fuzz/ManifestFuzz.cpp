// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Manifests are untrusted bytes. Whatever parses must also bind: on a null
// device of its own chip, with small and with absurd shapes.
#include "runtime/Launch.h"
#include "runtime/null/NullDriver.h"

#include <cstdlib>

using namespace attn_jit::rt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Result<Manifest> manifest = parseManifest(
      std::string_view(reinterpret_cast<const char *>(data), size));
  if (!manifest) {
    // One line, and never empty: that is all a user gets.
    const std::string &text = manifest.error().text;
    if (text.empty() || text.find('\n') != std::string::npos)
      std::abort();
    return 0;
  }
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
