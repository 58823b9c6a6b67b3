// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the central directory from the end of the file and loads records by it.
// Invariant: sizes come from the central directory alone and are checked before
// anything is allocated.

#include "runtime/tensor/ZipArchive.h"

#include <algorithm>
#include <cstring>
#include <zlib.h>

namespace attn_jit::rt {
namespace {

constexpr uint32_t endSignature = 0x06054b50, end64Signature = 0x06064b50,
                   locator64Signature = 0x07064b50,
                   centralSignature = 0x02014b50, localSignature = 0x04034b50;
constexpr uint64_t endSize = 22, locator64Size = 20, end64Size = 56,
                   centralSize = 46, localSize = 30, maxComment = 0xffff;
constexpr uint64_t maxEntries = 1u << 20;

/// Little-endian fields of a byte range whose length the caller has checked.
struct Fields {
  const std::byte *at;
  uint64_t get(size_t offset, size_t count) const {
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i)
      value |= uint64_t(at[offset + i]) << (8 * i);
    return value;
  }
  uint64_t u16(size_t offset) const { return get(offset, 2); }
  uint64_t u32(size_t offset) const { return get(offset, 4); }
  uint64_t u64(size_t offset) const { return get(offset, 8); }
};

/// Sizes of 2^32 and more stand in the zip64 extra field, in a fixed order,
/// each only where its 32-bit field is saturated.
bool readZip64Extra(Fields extra, uint64_t size, ZipArchive::Record &record) {
  while (size >= 4) {
    uint64_t tag = extra.u16(0), length = extra.u16(2);
    if (length > size - 4)
      return false;
    if (tag == 1) {
      uint64_t at = 4;
      for (uint64_t *field :
           {&record.size, &record.packedSize, &record.headerOffset}) {
        if (*field != 0xffffffff)
          continue;
        if (at + 8 > length + 4)
          return false;
        *field = extra.u64(at);
        at += 8;
      }
      return true;
    }
    extra.at += length + 4;
    size -= length + 4;
  }
  return true;
}

} // namespace

Result<ZipArchive> ZipArchive::open(ByteSource source) {
  ZipArchive archive(std::move(source));
  ATTN_CHECK(archive.readDirectory());
  return archive;
}

Status ZipArchive::readDirectory() {
  std::byte head[4] = {};
  if (bytes.size() >= 4)
    ATTN_CHECK(bytes.read(0, head));
  if (Fields{head}.u32(0) != localSignature) {
    bool legacy = head[0] == std::byte{0x80};
    return bytes.error(legacy
                           ? "a torch file of the old, non-zip kind: save it "
                             "again with torch 1.6 or later"
                           : "not a torch zip file");
  }
  uint64_t tailSize = std::min(bytes.size(), endSize + maxComment);
  uint64_t tailOffset = bytes.size() - tailSize;
  ATTN_TRY(auto tail, bytes.load(tailOffset, tailSize));
  uint64_t end = tailSize;
  for (uint64_t at = tailSize < endSize ? 0 : tailSize - endSize + 1;
       at-- > 0 && end == tailSize;)
    if (Fields{tail->data() + at}.u32(0) == endSignature)
      end = at;
  if (end == tailSize)
    return bytes.error("truncated: the zip directory is missing");

  Fields record{tail->data() + end};
  uint64_t entries = record.u16(10), size = record.u32(12);
  directoryOffset = record.u32(16);
  std::byte wide[end64Size];
  if (end >= locator64Size &&
      Fields{tail->data() + end - locator64Size}.u32(0) == locator64Signature) {
    uint64_t at = Fields{tail->data() + end - locator64Size}.u64(8);
    ATTN_CHECK(bytes.read(at, wide));
    if (Fields{wide}.u32(0) != end64Signature)
      return bytes.error("the zip64 directory record is damaged");
    entries = Fields{wide}.u64(32);
    size = Fields{wide}.u64(40);
    directoryOffset = Fields{wide}.u64(48);
  }
  if (entries > maxEntries || entries * centralSize > size)
    return bytes.error("the zip directory claims " + std::to_string(entries) +
                       " records in " + std::to_string(size) + " bytes");
  ATTN_TRY(auto directory, bytes.load(directoryOffset, size));
  return parseDirectory(*directory, entries);
}

Status ZipArchive::parseDirectory(const Storage &directory, uint64_t entries) {
  uint64_t at = 0;
  for (uint64_t i = 0; i < entries; ++i) {
    Fields entry{directory.data() + at};
    if (directory.size() - at < centralSize || entry.u32(0) != centralSignature)
      return bytes.error("the zip directory is damaged at record " +
                         std::to_string(i));
    uint64_t nameSize = entry.u16(28), extraSize = entry.u16(30);
    uint64_t whole = centralSize + nameSize + extraSize + entry.u16(32);
    if (whole > directory.size() - at)
      return bytes.error("the zip directory is damaged at record " +
                         std::to_string(i));
    std::string name(reinterpret_cast<const char *>(entry.at) + centralSize,
                     nameSize);
    Record record;
    record.flags = entry.u16(8);
    record.method = entry.u16(10);
    record.crc = entry.u32(16);
    record.packedSize = entry.u32(20);
    record.size = entry.u32(24);
    record.headerOffset = entry.u32(42);
    if (!readZip64Extra({entry.at + centralSize + nameSize}, extraSize, record))
      return bytes.error("the zip64 sizes of record " + std::to_string(i) +
                         " are damaged");
    if (!table.emplace(std::move(name), record).second)
      return bytes.error("two zip records have one name");
    at += whole;
  }
  return success();
}

Result<std::shared_ptr<Storage>> ZipArchive::load(std::string_view name) {
  auto found = table.find(name);
  if (found == table.end())
    return bytes.error("record " + inQuotes(name) + " is missing");
  const Record &record = found->second;
  auto refuse = [&](const std::string &why) {
    return bytes.error("record " + inQuotes(name) + " " + why);
  };
  if (record.method != 0 || record.packedSize != record.size)
    return refuse("is compressed; torch stores records uncompressed");
  if (record.flags & 1)
    return refuse("is encrypted");
  std::byte header[localSize];
  ATTN_CHECK(bytes.read(record.headerOffset, header));
  if (Fields{header}.u32(0) != localSignature)
    return refuse("has a damaged header");
  uint64_t begin = record.headerOffset + localSize + Fields{header}.u16(26) +
                   Fields{header}.u16(28);
  if (begin > directoryOffset || record.size > directoryOffset - begin)
    return refuse("of " + std::to_string(record.size) +
                  " bytes reaches past the end of the data");
  loaded += record.size;
  if (loaded > bytes.size())
    return refuse("overlaps another record");
  ATTN_TRY(auto storage, bytes.load(begin, record.size));
  // zlib counts in 32 bits.
  uint32_t crc = 0;
  for (uint64_t i = 0; i < record.size; i += 1u << 30)
    crc = crc32(crc, reinterpret_cast<const Bytef *>(storage->data()) + i,
                uInt(std::min<uint64_t>(record.size - i, 1u << 30)));
  if (crc != record.crc)
    return refuse("is damaged: its checksum differs");
  return storage;
}

} // namespace attn_jit::rt
