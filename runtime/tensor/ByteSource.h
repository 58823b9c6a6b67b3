// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bytes at an offset, from a file or from memory, so that each reader has one
// path for both. Invariant: a read is whole and inside the source, or an error.

#ifndef ATTN_JIT_RUNTIME_TENSOR_BYTESOURCE_H
#define ATTN_JIT_RUNTIME_TENSOR_BYTESOURCE_H

#include "runtime/Printable.h"
#include "runtime/Result.h"
#include "runtime/tensor/Tensor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace attn_jit::rt {

class ByteSource {
public:
  static Result<ByteSource> open(const std::string &path);
  ByteSource(std::span<const std::byte> bytes, std::string name)
      : bytes(bytes), size_(bytes.size()), name_(std::move(name)) {}

  uint64_t size() const { return size_; }
  /// The path, or what the bytes were called: the head of every message.
  const std::string &name() const { return name_; }
  Status read(uint64_t offset, std::span<std::byte> into) const;
  /// A new storage with \p count bytes from \p offset.
  Result<std::shared_ptr<Storage>> load(uint64_t offset, uint64_t count) const;
  Error error(const std::string &text) const {
    return badInput(name_ + ": " + text);
  }

private:
  std::shared_ptr<const int> file; ///< descriptor, closed with the last copy
  std::span<const std::byte> bytes;
  uint64_t size_ = 0;
  std::string name_;
};

/// Reverses the bytes of each element, for files of the other byte order.
void swapBytes(Storage &storage, size_t elementSize);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TENSOR_BYTESOURCE_H
