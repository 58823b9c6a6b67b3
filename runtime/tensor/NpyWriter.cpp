// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One header, one contiguous block. Invariant: after an error neither the file
// nor its temporary is left behind.

#include "runtime/tensor/NpyWriter.h"
#include "runtime/File.h"

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
  const char length[2] = {char(header.size() & 0xff), char(header.size() >> 8)};
  ATTN_TRY(NewFile file, NewFile::create(path));
  ATTN_CHECK(file.write({"\x93NUMPY\x01\x00", 8}));
  ATTN_CHECK(file.write({length, 2}));
  ATTN_CHECK(file.write(header));
  ATTN_CHECK(file.write({reinterpret_cast<const char *>(dense.data()),
                         size_t(dense.numBytes())}));
  ATTN_CHECK(file.close());
  return file.publish();
}

} // namespace attn_jit::rt
