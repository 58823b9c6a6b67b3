// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/ObjectFile.h"

#include <zstd.h>

using namespace attn_jit::store;

std::string attn_jit::store::packObject(std::string_view bytes) {
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(frame.data(), frame.size(), bytes.data(),
                                    bytes.size(), ZSTD_CLEVEL_DEFAULT);
  // It fails for want of room or memory alone, and there is room.
  frame.resize(ZSTD_isError(size) ? 0 : size);
  return frame;
}

std::optional<std::string>
attn_jit::store::unpackObject(std::string_view frame, const Digest &digest,
                              std::optional<int64_t> bytes) {
  const unsigned long long said =
      ZSTD_getFrameContentSize(frame.data(), frame.size());
  // Both error values are larger than any object.
  if (said > mostObjectBytes || (bytes && said != uint64_t(*bytes)) ||
      ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size())
    return std::nullopt;
  std::string object(size_t(said), '\0');
  const size_t size =
      ZSTD_decompress(object.data(), object.size(), frame.data(), frame.size());
  if (size != object.size() || sha256(object) != digest)
    return std::nullopt;
  return object;
}
