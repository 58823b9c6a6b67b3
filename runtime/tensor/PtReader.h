// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a file of torch.save (the zip format) without ever executing its
// pickle. Invariant: only containers, strings, numbers, dtypes and tensors are
// built; any other global is refused by name.

#ifndef ATTN_JIT_RUNTIME_TENSOR_PTREADER_H
#define ATTN_JIT_RUNTIME_TENSOR_PTREADER_H

#include "runtime/Result.h"
#include "runtime/tensor/Tensor.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attn_jit::rt {

struct PtValue;
/// Values are immutable once read, free of cycles and of bounded depth.
using PtRef = std::shared_ptr<const PtValue>;

struct PtValue {
  enum class Kind : uint8_t {
    None,
    Bool,
    Int,
    Float,
    String,
    Bytes,
    List,
    Tuple,
    Set,
    Dict,
    Tensor,
    DType
  };
  Kind kind = Kind::None;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;
  std::string text; ///< String (UTF-8) or Bytes
  std::vector<PtRef>
      items; ///< List, Tuple, Set; Dict: key, value, key, value, ...
  HostTensor tensor;
  DType dtype = DType::F32;

  /// The entry of a Dict under a string key, or null.
  const PtValue *find(std::string_view key) const;
};

/// Python-like text of a value on one line, cut at \p limit characters.
std::string toText(const PtValue &value, size_t limit = 120);

Result<PtRef> readPt(const std::string &path);
/// The same from bytes in memory; \p name stands in error messages.
Result<PtRef> readPt(std::span<const std::byte> bytes, const std::string &name);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TENSOR_PTREADER_H
