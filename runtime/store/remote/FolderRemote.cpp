// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A folder that hosts share, below <path>/<prefix>/:
//
//   objects/ab/abcd...            bytes, actions likewise
//   records/<problem>/<sha256 of segment>.jsonl   lines, never changed
//   tmp/                          of this file system; swept after two days
//   epoch                         random, made by the first who writes
//   leases/ab/abcd...             who compiles that key; over after a second
//
// Others may write here: links are not followed, only plain files are read, a
// segment counts if it has the digest that its name says, and made folders get
// the permissions of the one that was given. That one is never made, so that
// an unmounted share is not filled below its mount point.
#include "runtime/store/files/FileHandle.h"
#include "runtime/store/files/Random.h"
#include "runtime/store/remote/FolderLease.h"
#include "runtime/store/remote/Url.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

namespace {

class FolderRemote final : public Remote {
public:
  FolderRemote(std::string path, const RemoteOptions &options)
      : shown(withoutCredentials("file://" + path)), path(std::move(path)),
        prefix(options.prefix), readOnly(options.readOnly) {}

  const std::string &url() const override { return shown; }
  rt::Result<std::optional<std::string>> get(Space space, const Digest &name,
                                             Deadline) override;
  rt::Result<bool> exists(Space space, const Digest &name, Deadline) override;
  rt::Status put(Space space, const Digest &name, std::string_view bytes,
                 Deadline) override;
  rt::Result<std::vector<Digest>> actions(Deadline) override;
  rt::Status addRecords(const Digest &problem,
                        std::span<const std::string> lines, Deadline) override;
  rt::Result<std::vector<std::string>> records(const Digest &problem,
                                               Deadline deadline) override;
  rt::Result<std::vector<Digest>> problems(Deadline) override;
  rt::Result<std::optional<HeldName>> lease(const Digest &name,
                                            std::string_view text,
                                            std::chrono::milliseconds valid,
                                            Deadline) override;
  rt::Result<std::string> epoch(Deadline) override;

private:
  using Names = std::initializer_list<std::string_view>;
  /// Invalid, without an error, where it is not there and is not made.
  rt::Result<FileHandle> folder(Names names, bool make) const;
  rt::Status write(const FileHandle &to, const std::string &name,
                   std::string_view bytes);
  rt::Result<std::vector<std::string>> segments(const FileHandle &at) const;
  rt::Error broken(const std::string &what) const;

  std::string shown, path, prefix;
  bool readOnly;
  bool swept = false;
};

} // namespace

rt::Error FolderRemote::broken(const std::string &what) const {
  return rt::failed("remote " + shown + ": " + what + ": " +
                    std::strerror(errno));
}

static std::string fanOut(const Digest &name) {
  return name.hex().substr(0, 2);
}

rt::Result<FileHandle> FolderRemote::folder(Names names, bool make) const {
  // The folder that the user names may be a link, nothing below it.
  FileHandle at(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat given;
  if (!at || fstat(at.get(), &given) != 0)
    return broken("it does not open");
  std::vector<std::string> steps;
  for (std::string_view rest = prefix; !rest.empty();) {
    const size_t slash = std::min(rest.find('/'), rest.size());
    steps.emplace_back(rest.substr(0, slash));
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  steps.insert(steps.end(), names.begin(), names.end());
  for (const std::string &step : steps) {
    if (make && mkdirat(at.get(), step.c_str(), given.st_mode & 0777) == 0) {
      // The umask would keep the group out.
      if (FileHandle made = at.openAt(step, O_RDONLY | O_DIRECTORY))
        (void)!fchmod(made.get(), given.st_mode & 02777);
    } else if (make && errno != EEXIST) {
      return broken("the folder " + step + " cannot be made");
    }
    FileHandle next = at.openAt(step, O_RDONLY | O_DIRECTORY);
    if (!next && errno == ENOENT && !make)
      return FileHandle();
    if (!next)
      return broken("the folder " + step + " does not open");
    at = std::move(next);
  }
  return at;
}

rt::Result<std::optional<std::string>>
FolderRemote::get(Space space, const Digest &name, Deadline) {
  ATTN_TRY(FileHandle at, folder({store::name(space), fanOut(name)}, false));
  if (!at)
    return std::optional<std::string>();
  // O_NONBLOCK: what lies there may be a pipe.
  FileHandle file = at.openAt(name.hex(), O_RDONLY | O_NONBLOCK);
  if (!file && errno == ENOENT)
    return std::optional<std::string>();
  if (!file)
    return broken(name.hex() + " does not open");
  auto bytes = file.readAll(mostBytes);
  if (!bytes)
    return rt::badInput("remote " + shown + ": " + name.hex() + ": " +
                        bytes.error().text);
  return std::optional(std::move(*bytes));
}

rt::Result<bool> FolderRemote::exists(Space space, const Digest &name,
                                      Deadline) {
  ATTN_TRY(FileHandle at, folder({store::name(space), fanOut(name)}, false));
  struct stat known;
  return at &&
         fstatat(at.get(), name.hex().c_str(), &known, AT_SYMLINK_NOFOLLOW) ==
             0 &&
         S_ISREG(known.st_mode);
}

/// Names that writers left who ended before they renamed.
static void sweep(const FileHandle &folder) {
  constexpr time_t days2 = 2 * 24 * 3600;
  for (const std::string &name : namesIn(folder)) {
    struct stat known;
    if (fstatat(folder.get(), name.c_str(), &known, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(known.st_mode) && known.st_mtime < time(nullptr) - days2)
      unlinkat(folder.get(), name.c_str(), 0);
  }
}

rt::Status FolderRemote::write(const FileHandle &to, const std::string &name,
                               std::string_view bytes) {
  ATTN_TRY(FileHandle at, folder({"tmp"}, true));
  if (!std::exchange(swept, true))
    sweep(at);
  const std::string temporary = randomHex(16);
  if (!at.makeSynced(temporary, bytes, 0444))
    return broken(name + " cannot be written");
  if (renameat(at.get(), temporary.c_str(), to.get(), name.c_str()) == 0) {
    // The name is there for all; that it outlasts a crash is best effort.
    (void)!fsync(to.get());
    return rt::success();
  }
  const rt::Error error = broken(name + " cannot be written");
  unlinkat(at.get(), temporary.c_str(), 0);
  return error;
}

rt::Status FolderRemote::put(Space space, const Digest &name,
                             std::string_view bytes, Deadline deadline) {
  // A writer again: one read is cheaper for a share than a write. What is
  // there and differs was not whole, or is an action with other signatures.
  if (auto there = get(space, name, deadline);
      there && *there && **there == bytes)
    return rt::success();
  ATTN_TRY(std::string ignored, epoch(deadline));
  ATTN_TRY(FileHandle at, folder({store::name(space), fanOut(name)}, true));
  return write(at, name.hex(), bytes);
}

rt::Result<std::vector<Digest>> FolderRemote::actions(Deadline) {
  ATTN_TRY(FileHandle at, folder({store::name(Space::Actions)}, false));
  std::vector<Digest> result;
  if (!at)
    return result;
  for (const std::string &shard : namesIn(at)) {
    const FileHandle inner = at.openAt(shard, O_RDONLY | O_DIRECTORY);
    if (!inner)
      continue;
    for (const std::string &name : namesIn(inner))
      if (auto digest = Digest::parse(name); digest && fanOut(*digest) == shard)
        result.push_back(*digest);
  }
  return result;
}

rt::Result<std::vector<std::string>>
FolderRemote::segments(const FileHandle &at) const {
  std::set<std::string> lines;
  size_t bytes = 0;
  for (const std::string &name : namesIn(at)) {
    const size_t stem = name.size() < 6 ? 0 : name.size() - 6;
    const auto digest = Digest::parse(std::string_view(name).substr(0, stem));
    if (!digest || name.substr(stem) != ".jsonl")
      continue;
    const FileHandle file = at.openAt(name, O_RDONLY | O_NONBLOCK);
    auto segment = file ? file.readAll(mostBytes - bytes)
                        : rt::Result<std::string>(rt::failed(""));
    if (!segment && segment.error().code == rt::ErrorCode::BadInput)
      return rt::badInput("remote " + shown + ": records of more than " +
                          std::to_string(mostBytes) + " bytes");
    // Another's copy may stand half written under its last name.
    if (!segment || sha256(*segment) != *digest)
      continue;
    bytes += segment->size();
    for (std::string_view rest = *segment; !rest.empty();) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      if (end)
        lines.emplace(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return std::vector<std::string>(lines.begin(), lines.end());
}

rt::Status FolderRemote::addRecords(const Digest &problem,
                                    std::span<const std::string> lines,
                                    Deadline deadline) {
  ATTN_TRY(std::string ignored, epoch(deadline));
  ATTN_TRY(FileHandle at, folder({"records", problem.hex()}, true));
  ATTN_TRY(const std::vector<std::string> there, segments(at));
  std::set<std::string_view> fresh(lines.begin(), lines.end());
  for (const std::string &line : there)
    fresh.erase(line);
  std::string segment;
  for (std::string_view line : fresh)
    segment += std::string(line) + "\n";
  if (segment.empty())
    return rt::success();
  return write(at, sha256(segment).hex() + ".jsonl", segment);
}

rt::Result<std::vector<std::string>>
FolderRemote::records(const Digest &problem, Deadline) {
  ATTN_TRY(FileHandle at, folder({"records", problem.hex()}, false));
  if (!at)
    return std::vector<std::string>();
  return segments(at);
}

rt::Result<std::vector<Digest>> FolderRemote::problems(Deadline) {
  ATTN_TRY(FileHandle at, folder({"records"}, false));
  std::vector<Digest> result;
  if (at)
    for (const std::string &name : namesIn(at))
      if (auto digest = Digest::parse(name))
        result.push_back(*digest);
  return result;
}

rt::Result<std::optional<HeldName>>
FolderRemote::lease(const Digest &name, std::string_view text,
                    std::chrono::milliseconds valid, Deadline) {
  const bool takes = !text.empty();
  ATTN_TRY(FileHandle at, folder({"leases", fanOut(name)}, takes));
  if (!takes)
    return at ? lookAtLease(at, name.hex()) : std::nullopt;
  ATTN_TRY(FileHandle scratch, folder({"tmp"}, true));
  auto held = takeLease(at, scratch, name.hex(), text, valid);
  if (!held)
    return rt::failed("remote " + shown + ": the lease of " + name.hex() +
                      " cannot be taken: " + held.error().text);
  return held;
}

rt::Result<std::string> FolderRemote::epoch(Deadline) {
  ATTN_TRY(FileHandle at, folder({}, !readOnly));
  if (!at)
    return std::string();
  FileHandle file = at.openAt("epoch", O_RDONLY | O_NONBLOCK);
  if (!file && errno == ENOENT && !readOnly) {
    // One write of 32 bytes; who reads before it learns nothing yet.
    if (FileHandle made = at.openAt("epoch", O_WRONLY | O_CREAT | O_EXCL, 0444))
      (void)made.writeAll(randomHex(16));
    file = at.openAt("epoch", O_RDONLY | O_NONBLOCK);
  }
  if (!file && errno != ENOENT)
    return broken("epoch does not open");
  auto text = file ? file.readAll(32) : rt::Result<std::string>(std::string());
  return text && text->size() == 32 ? std::move(*text) : std::string();
}

rt::Result<std::unique_ptr<Remote>>
attn_jit::store::openFolder(const RemoteOptions &options) {
  ATTN_TRY(const Url url, Url::parse(options.url));
  if (!url.host.empty() || !url.user.empty() || !url.password.empty())
    return rt::badInput("remote " + withoutCredentials(options.url) +
                        ": host given, allowed: none, as in file:///folder");
  if (url.path.size() < 2 || !url.query.empty())
    return rt::badInput("remote " + withoutCredentials(options.url) +
                        ": no folder given, allowed: file:///folder");
  return std::unique_ptr<Remote>(
      std::make_unique<FolderRemote>(url.path, options));
}
