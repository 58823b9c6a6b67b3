// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Records on shared file systems, where no lock is to be relied on: one segment
// (SegmentIndex.h) a writer, v1/records/<random>.jsonl, to which nobody else
// writes. Whole lines go out by one write and are synchronised; behind a part
// of one nothing is written, since the next call begins another segment.
#include "runtime/store/files/FileHandle.h"
#include "runtime/store/files/Publish.h"
#include "runtime/store/files/Random.h"
#include "runtime/store/records/SegmentIndex.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

/// What one write carries, if not one line alone.
static constexpr size_t mostBytes = 1 << 20;

namespace {
class RecordSegments final : public RowStore {
public:
  explicit RecordSegments(const CacheRoot &root)
      : root(root.path), folder(root.path + "/v1/records"),
        readOnly(root.readOnly), index(folder) {}

private:
  rt::Result<int64_t> put(std::span<const Row> rows) override;
  rt::Result<std::vector<Row>> rowsOf(const Digest &problem) override;
  rt::Result<std::vector<Row>> rowsAfter(const Digest *after,
                                         size_t most) override;
  rt::Result<std::vector<Digest>> problemsThere() override;
  rt::Result<int64_t> rowCount() override;

  rt::Status refresh();
  /// Whether it has to be written; `isNew` if no such record is there.
  bool isWanted(const Row &row, bool &isNew) const;
  /// Whether it still has its name: its folder may have been removed.
  bool isNamed() const;
  rt::Status beginSegment();
  rt::Status append(std::string_view lines);

  std::string root, folder;
  bool readOnly;
  SegmentIndex index;
  std::string path; ///< of the segment that is written
  FileHandle file;
  pid_t process = 0; ///< whose segment it is
};
} // namespace

rt::Status RecordSegments::refresh() {
  ATTN_CHECK(index.refresh());
  met.lines = index.leftOut();
  return rt::success();
}

rt::Result<std::vector<Row>> RecordSegments::rowsOf(const Digest &problem) {
  ATTN_CHECK(refresh());
  return index.rows(index.ofProblem(problem));
}

rt::Result<std::vector<Row>> RecordSegments::rowsAfter(const Digest *after,
                                                       size_t most) {
  ATTN_CHECK(refresh());
  return index.rows(index.after(after, most));
}

rt::Result<std::vector<Digest>> RecordSegments::problemsThere() {
  ATTN_CHECK(refresh());
  return index.problems();
}

rt::Result<int64_t> RecordSegments::rowCount() {
  ATTN_CHECK(refresh());
  return int64_t(index.size());
}

bool RecordSegments::isNamed() const {
  struct stat named, written;
  return stat(path.c_str(), &named) == 0 && fstat(file.get(), &written) == 0 &&
         named.st_ino == written.st_ino && named.st_dev == written.st_dev;
}

rt::Status RecordSegments::beginSegment() {
  // A child of fork has a segment of its own.
  if (file && process == getpid() && isNamed())
    return rt::success();
  file = FileHandle();
  for (const std::string &each : {root, root + "/v1", folder})
    ATTN_CHECK(makeFolder(each));
  path = folder + "/" + randomHex(8) + ".jsonl";
  file = FileHandle::open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL, 0600);
  if (!file)
    return systemError(path, "cannot be made");
  process = getpid();
  syncFolder(folder);
  return rt::success();
}

rt::Status RecordSegments::append(std::string_view lines) {
  ATTN_CHECK(beginSegment());
  ssize_t count = 0;
  do
    count = write(file.get(), lines.data(), lines.size());
  while (count < 0 && errno == EINTR);
  if (count == ssize_t(lines.size()) && fdatasync(file.get()) == 0)
    return rt::success();
  if (count >= 0 && count < ssize_t(lines.size()))
    errno = ENOSPC; // the only reason to write less
  const rt::Error error = systemError(path, "cannot be written to");
  file = FileHandle();
  return error;
}

bool RecordSegments::isWanted(const Row &row, bool &isNew) const {
  isNew = !index.contains(row.identity);
  if (isNew)
    return true;
  const Digest one[] = {row.identity};
  const std::vector<Row> there = index.rows(one);
  return there.empty() || prevails(row, there.front());
}

rt::Result<int64_t> RecordSegments::put(std::span<const Row> rows) {
  if (readOnly)
    return rt::unsupported("records: " + folder + ": the folder is read-only");
  ATTN_CHECK(refresh());
  int64_t added = 0;
  std::string lines;
  std::map<Digest, const Row *> taken;
  for (const Row &row : rows) {
    const auto [there, isFirst] = taken.try_emplace(row.identity, &row);
    bool isNew = false;
    if ((!isFirst && !prevails(row, *there->second)) || !isWanted(row, isNew))
      continue;
    there->second = &row;
    added += isFirst && isNew;
    const std::string line = segmentLine(row);
    if (lines.size() + line.size() > mostBytes) {
      ATTN_CHECK(append(lines));
      lines.clear();
    }
    lines += line;
  }
  if (!lines.empty())
    ATTN_CHECK(append(lines));
  return added;
}

std::unique_ptr<RecordStore>
attn_jit::store::openSegments(const CacheRoot &root) {
  return std::make_unique<RecordSegments>(root);
}
