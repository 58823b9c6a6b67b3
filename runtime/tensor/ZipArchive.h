// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The part of the zip format that torch.save writes: stored records, zip64,
// CRC-32. Invariant: a record's bytes lie before the central directory and no
// two loads can exceed the file's size together.

#ifndef ATTN_JIT_RUNTIME_TENSOR_ZIPARCHIVE_H
#define ATTN_JIT_RUNTIME_TENSOR_ZIPARCHIVE_H

#include "runtime/Result.h"
#include "runtime/tensor/ByteSource.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace attn_jit::rt {

class ZipArchive {
public:
  struct Record {
    uint16_t method = 0, flags = 0;
    uint32_t crc = 0;
    uint64_t packedSize = 0, size = 0, headerOffset = 0;
  };

  static Result<ZipArchive> open(ByteSource source);

  const std::map<std::string, Record, std::less<>> &records() const {
    return table;
  }
  const ByteSource &source() const { return bytes; }
  /// The record's bytes, CRC checked. A deflated record is refused: torch
  /// stores its records, and so no record can be larger than the file.
  Result<std::shared_ptr<Storage>> load(std::string_view name);

private:
  explicit ZipArchive(ByteSource source) : bytes(std::move(source)) {}
  Status readDirectory();
  Status parseDirectory(const Storage &directory, uint64_t entries);

  ByteSource bytes;
  std::map<std::string, Record, std::less<>> table;
  uint64_t directoryOffset = 0;
  uint64_t loaded = 0;
};

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TENSOR_ZIPARCHIVE_H
