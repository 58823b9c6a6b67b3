// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One header, one contiguous block, under a temporary name until both are on
// disk. Invariant: after an error neither the file nor its temporary is left
// behind.

#include "runtime/tensor/NpyWriter.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <unistd.h>

namespace attn_jit::rt {
namespace {

std::string_view descrOf(DType type) {
  switch (type) {
  case DType::F64:
    return "<f8";
  case DType::BF16: // widened
  case DType::F32:
    return "<f4";
  case DType::F16:
    return "<f2";
  case DType::I64:
    return "<i8";
  case DType::I32:
    return "<i4";
  case DType::I16:
    return "<i2";
  case DType::I8:
    return "|i1";
  case DType::U8:
    return "|u1";
  case DType::Bool:
    return "|b1";
  }
  return "";
}

std::string headerText(const HostTensor &tensor) {
  std::string shape;
  for (int64_t size : tensor.shape())
    shape += std::to_string(size) + ", ";
  // "(3,)" and "(2, 3)": Python wants the comma of a tuple of one.
  if (!shape.empty())
    shape.resize(shape.size() - (tensor.rank() == 1 ? 1 : 2));
  std::string text = "{'descr': '" + std::string(descrOf(tensor.type())) +
                     "', 'fortran_order': False, 'shape': (" + shape + "), }";
  // Data starts at a multiple of 64; the header ends with a newline.
  size_t padded = (10 + text.size() + 1 + 63) / 64 * 64;
  text.append(padded - 10 - text.size() - 1, ' ');
  return text + '\n';
}

} // namespace

Result<void> writeNpy(const std::string &path, const HostTensor &tensor) {
  ATTN_TRY(HostTensor dense, tensor.type() == DType::BF16
                                 ? tensor.convert(DType::F32)
                                 : tensor.contiguous());
  std::string header = headerText(dense);
  if (header.size() > 0xffff)
    return badInput(path + ": a tensor of " + std::to_string(dense.rank()) +
                    " dimensions has too long a header");
  std::string temporary = path + ".tmp." + std::to_string(::getpid());
  auto fail = [&](const char *what) {
    Error error = failed(path + ": " + what + ": " + std::strerror(errno));
    ::unlink(temporary.c_str());
    return error;
  };
  // 'x': a leftover or a link under that name is not followed.
  FILE *file = std::fopen(temporary.c_str(), "wbxe");
  if (!file)
    return failed(path + ": cannot be written: " + std::strerror(errno));
  unsigned char head[10] = {0x93,
                            'N',
                            'U',
                            'M',
                            'P',
                            'Y',
                            1,
                            0,
                            (unsigned char)(header.size() & 0xff),
                            (unsigned char)(header.size() >> 8)};
  bool written =
      std::fwrite(head, 1, sizeof head, file) == sizeof head &&
      std::fwrite(header.data(), 1, header.size(), file) == header.size() &&
      std::fwrite(dense.data(), 1, dense.numBytes(), file) ==
          size_t(dense.numBytes());
  bool closed = std::fclose(file) == 0;
  if (!written || !closed)
    return fail("writing failed");
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    return fail("renaming failed");
  return success();
}

} // namespace attn_jit::rt
