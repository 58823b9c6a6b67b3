// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of libarchive one reader and one filter are named, so that a static link
// takes these and, of other libraries, zstd alone.
#include "runtime/store/pack/PackReader.h"

#include "runtime/Printable.h"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

static constexpr size_t blockBytes = 64 << 10;
/// What may be unpacked before the ratio counts: short packs compress well.
static constexpr int64_t freeBytes = 16 << 20;

void PackReader::Close::operator()(archive *opened) const {
  archive_read_free(opened);
}

rt::Error PackReader::broken() const {
  const char *text = archive_error_string(reader.get());
  return rt::badInput("it is no intact tar.zst: " +
                      rt::printable(text ? text : "it ends early"));
}

rt::Result<PackReader> PackReader::open(const PackBytes &bytes,
                                        const PackLimits &limits) {
  archive *opened = archive_read_new();
  if (!opened)
    return rt::failed("libarchive cannot be started");
  PackReader made(opened, limits);
  archive_read_support_filter_zstd(opened);
  archive_read_support_format_tar(opened);
  if (bytes.file >= 0 && lseek(bytes.file, 0, SEEK_SET) != 0)
    return rt::badInput("it cannot be read from its beginning");
  const int status = bytes.file >= 0
                         ? archive_read_open_fd(opened, bytes.file, blockBytes)
                         : archive_read_open_memory(opened, bytes.memory.data(),
                                                    bytes.memory.size());
  if (status != ARCHIVE_OK)
    return made.broken();
  // Filters are stacked as often as their magic numbers come.
  if (archive_filter_code(opened, 0) != ARCHIVE_FILTER_ZSTD ||
      archive_filter_code(opened, 1) != ARCHIVE_FILTER_NONE)
    return rt::badInput("it is no intact tar.zst: not one zstd frame around "
                        "a tar");
  return made;
}

/// Counted on both sides of the filter, headers included.
rt::Status PackReader::checkRatio() const {
  const int64_t unpacked = archive_filter_bytes(reader.get(), 0);
  const int64_t packed = archive_filter_bytes(reader.get(), -1);
  if (unpacked <= freeBytes || unpacked / limits->ratio <= packed)
    return rt::success();
  return rt::badInput("it unpacks to more than " +
                      std::to_string(limits->ratio) + " times its bytes");
}

rt::Result<std::optional<PackReader::Header>> PackReader::next() {
  archive_entry *entry = nullptr;
  const int status = archive_read_next_header(reader.get(), &entry);
  if (status == ARCHIVE_EOF)
    return std::optional<Header>();
  if (status != ARCHIVE_OK)
    return broken();
  ATTN_CHECK(checkRatio());
  const char *name = archive_entry_pathname(entry);
  if (!name)
    return rt::badInput("an entry has no name");
  if (archive_entry_filetype(entry) != AE_IFREG ||
      archive_entry_hardlink(entry) || archive_entry_symlink(entry) ||
      archive_entry_sparse_count(entry) > 0 ||
      !archive_entry_size_is_set(entry))
    return rt::badInput(rt::inQuotes(name) + " is no regular file");
  return std::optional(Header{name, archive_entry_size(entry)});
}

rt::Status PackReader::read(const Header &header,
                            const std::function<void(std::string_view)> &take) {
  char block[blockBytes];
  for (int64_t left = header.bytes; left > 0;) {
    const la_ssize_t count = archive_read_data(
        reader.get(), block, size_t(std::min<int64_t>(left, sizeof block)));
    if (count <= 0)
      return broken();
    ATTN_CHECK(checkRatio());
    take({block, size_t(count)});
    left -= count;
  }
  return rt::success();
}

rt::Result<std::string> PackReader::load(const Header &header) {
  std::string whole;
  ATTN_CHECK(read(header, [&](std::string_view piece) { whole += piece; }));
  return whole;
}
