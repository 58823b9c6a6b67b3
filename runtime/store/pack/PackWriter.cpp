// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The format is POSIX ustar: a header of 512 bytes, the content, and zeros up
// to the next multiple; two blocks of zeros at the end.
#include "runtime/store/pack/PackWriter.h"

#include <cassert>
#include <cstdio>
#include <cstring>
#include <zstd.h>

using namespace attn_jit;
using namespace attn_jit::store;

namespace {

/// Kernels are text or machine code: beyond this level they shrink no further
/// by what it costs.
constexpr int level = 9;
constexpr size_t tarBlock = 512;

struct UstarHeader {
  char name[100] = {}, mode[8] = "0000644", uid[8] = "0000000",
       gid[8] = "0000000", size[12] = {}, mtime[12] = "00000000000", sum[8],
       type = '0', link[100] = {}, magic[6] = "ustar", version[2] = {'0', '0'},
       user[32] = {}, group[32] = {}, major[8] = {}, minor[8] = {},
       prefix[155] = {}, rest[12] = {};
};
static_assert(sizeof(UstarHeader) == tarBlock);

std::string headerOf(std::string_view name, size_t size) {
  UstarHeader header;
  assert(name.size() < sizeof header.name && size >> 33 == 0);
  std::memcpy(header.name, name.data(), name.size());
  std::snprintf(header.size, sizeof header.size, "%011zo", size);
  // Of the whole header, in which the sum itself counts as blanks.
  std::memset(header.sum, ' ', sizeof header.sum);
  std::string text(reinterpret_cast<const char *>(&header), sizeof header);
  unsigned sum = 0;
  for (char c : text)
    sum += static_cast<unsigned char>(c);
  std::snprintf(text.data() + offsetof(UstarHeader, sum), 7, "%06o", sum);
  return text;
}

} // namespace

PackWriter::PackWriter(rt::NewFile &file)
    : file(file), context(ZSTD_createCCtx(), ZSTD_freeCCtx),
      block(ZSTD_CStreamOutSize()) {
  if (!context)
    return;
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
}

PackWriter::~PackWriter() = default;

rt::Status PackWriter::compress(std::string_view bytes, bool last) {
  if (!context)
    return rt::failed("zstd cannot be started");
  ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
  for (size_t left = 1; last ? left != 0 : in.pos < in.size;) {
    ZSTD_outBuffer out = {block.data(), block.size(), 0};
    left = ZSTD_compressStream2(context.get(), &out, &in,
                                last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left))
      return rt::failed(std::string("zstd cannot compress: ") +
                        ZSTD_getErrorName(left));
    ATTN_CHECK(file.write({block.data(), out.pos}));
  }
  return rt::success();
}

rt::Status PackWriter::add(std::string_view name, std::string_view bytes) {
  ATTN_CHECK(compress(headerOf(name, bytes.size())));
  ATTN_CHECK(compress(bytes));
  return compress(std::string(-bytes.size() % tarBlock, '\0'));
}

rt::Status PackWriter::finish() {
  return compress(std::string(2 * tarBlock, '\0'), /*last=*/true);
}
