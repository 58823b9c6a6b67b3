// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes a tar.zst of regular files without times and owners, so that the same
// files are the same bytes. Of our own: libarchive's writer of this one format
// brings all its others, and with them nettle, lzma, bz2, zlib and libxml2.
#ifndef ATTN_JIT_RUNTIME_STORE_PACKWRITER_H
#define ATTN_JIT_RUNTIME_STORE_PACKWRITER_H

#include "runtime/File.h"

#include <memory>
#include <vector>

struct ZSTD_CCtx_s;

namespace attn_jit::store {

class PackWriter {
public:
  /// Into `file`, which outlives it.
  explicit PackWriter(rt::NewFile &file);
  ~PackWriter();

  /// A name has at most 99 bytes, its content less than 8 GiB.
  rt::Status add(std::string_view name, std::string_view bytes);
  rt::Status finish();

private:
  rt::Status compress(std::string_view bytes, bool last = false);

  rt::NewFile &file;
  std::unique_ptr<ZSTD_CCtx_s, size_t (*)(ZSTD_CCtx_s *)> context;
  std::vector<char> block;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_PACKWRITER_H
