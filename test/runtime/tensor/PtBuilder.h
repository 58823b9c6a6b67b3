// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes torch files byte by byte, good and hostile ones, so that tests need
// neither torch nor checked-in binaries. Invariant: what it writes for sane
// arguments is what torch.save writes (protocol 2, stored records).

#ifndef ATTN_JIT_TEST_RUNTIME_TENSOR_PTBUILDER_H
#define ATTN_JIT_TEST_RUNTIME_TENSOR_PTBUILDER_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zlib.h>

namespace attn_jit::test {

inline std::string littleEndian(uint64_t value, unsigned bytes) {
  std::string text;
  for (unsigned i = 0; i < bytes; ++i)
    text += char(value >> (8 * i));
  return text;
}

/// Pickle opcodes, one method a value; strings are appended to `bytes`.
class Pickle {
public:
  std::string bytes = "\x80\x02";

  Pickle &raw(std::string_view text) {
    bytes += text;
    return *this;
  }
  Pickle &text(std::string_view value) {
    return raw("X").raw(littleEndian(value.size(), 4)).raw(value);
  }
  Pickle &integer(int64_t value) {
    if (value >= 0 && value < 256)
      return raw("K").raw(littleEndian(value, 1));
    if (value >= INT32_MIN && value <= INT32_MAX)
      return raw("J").raw(littleEndian(value, 4));
    return raw("\x8a\x08").raw(littleEndian(value, 8));
  }
  Pickle &integers(const std::vector<int64_t> &values) {
    raw("(");
    for (int64_t value : values)
      integer(value);
    return raw("t");
  }
  Pickle &global(std::string_view module, std::string_view name) {
    return raw("c").raw(module).raw("\n").raw(name).raw("\n");
  }
  Pickle &storage(std::string_view type, std::string_view key, int64_t count) {
    return raw("(")
        .text("storage")
        .global("torch", type)
        .text(key)
        .text("cpu")
        .integer(count)
        .raw("tQ");
  }
  Pickle &tensor(std::string_view type, std::string_view key, int64_t count,
                 int64_t offset, const std::vector<int64_t> &shape,
                 const std::vector<int64_t> &strides) {
    return global("torch._utils", "_rebuild_tensor_v2")
        .raw("(")
        .storage(type, key, count)
        .integer(offset)
        .integers(shape)
        .integers(strides)
        .raw("\x89")
        .global("collections", "OrderedDict")
        .raw(")RtR");
  }
};

struct ZipRecord {
  std::string name, bytes;
  uint16_t method = 0;
  /// Lies of a hostile file; negative: tell the truth.
  int64_t claimedSize = -1, claimedCrc = -1, claimedOffset = -1;
};

inline std::string zip(const std::vector<ZipRecord> &records) {
  std::string file, directory;
  for (const ZipRecord &record : records) {
    uint32_t crc =
        record.claimedCrc >= 0
            ? uint32_t(record.claimedCrc)
            : crc32(0, reinterpret_cast<const Bytef *>(record.bytes.data()),
                    uInt(record.bytes.size()));
    uint64_t size = record.claimedSize >= 0 ? uint64_t(record.claimedSize)
                                            : record.bytes.size();
    bool wide = size >= 0xffffffff;
    std::string sizes = wide ? std::string(8, '\xff')
                             : littleEndian(size, 4) + littleEndian(size, 4);
    std::string extra = wide ? littleEndian(1, 2) + littleEndian(16, 2) +
                                   littleEndian(size, 8) + littleEndian(size, 8)
                             : "";
    std::string common = littleEndian(0, 2) + littleEndian(record.method, 2) +
                         littleEndian(0, 4) + littleEndian(crc, 4) + sizes +
                         littleEndian(record.name.size(), 2);
    uint64_t offset = record.claimedOffset >= 0 ? uint64_t(record.claimedOffset)
                                                : file.size();
    directory += "PK\x01\x02" + littleEndian(20, 2) + littleEndian(20, 2) +
                 common + littleEndian(extra.size(), 2) + littleEndian(0, 2) +
                 littleEndian(0, 2) + littleEndian(0, 2) + littleEndian(0, 4) +
                 littleEndian(offset, 4) + record.name + extra;
    // torch pads the local extra field so that data starts at a multiple of 64.
    size_t header = file.size() + 30 + record.name.size();
    size_t padding = (64 - header % 64) % 64;
    file += "PK\x03\x04" + littleEndian(20, 2) + common +
            littleEndian(padding, 2) + record.name + std::string(padding, 'Z') +
            record.bytes;
  }
  uint64_t start = file.size();
  return file + directory + "PK\x05\x06" + littleEndian(0, 4) +
         littleEndian(records.size(), 2) + littleEndian(records.size(), 2) +
         littleEndian(directory.size(), 4) + littleEndian(start, 4) +
         littleEndian(0, 2);
}

/// A whole torch file around one pickle.
inline std::string
torchFile(const std::string &pickle,
          const std::vector<std::pair<std::string, std::string>> &storages,
          const std::string &byteorder = "little") {
  std::vector<ZipRecord> records = {{"file/data.pkl", pickle}};
  if (!byteorder.empty())
    records.push_back({"file/byteorder", byteorder});
  for (const auto &[key, bytes] : storages)
    records.push_back({"file/data/" + key, bytes});
  records.push_back({"file/version", "3\n"});
  return zip(records);
}

inline std::span<const std::byte> asBytes(const std::string &text) {
  return {reinterpret_cast<const std::byte *>(text.data()), text.size()};
}

} // namespace attn_jit::test

#endif // ATTN_JIT_TEST_RUNTIME_TENSOR_PTBUILDER_H
