// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What exists of a path is resolved once and checked without its links; what is
// missing is made below that, 0700. Afterwards nobody but this user and root
// can make the path mean another folder.
#include "runtime/store/local/CacheRoot.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <vector>

using namespace attn_jit::store;

static CacheRoot absent(std::string why) {
  CacheRoot root;
  root.absent = std::move(why);
  return root;
}

static bool belongsToUsOrRoot(const struct stat &known) {
  return known.st_uid == geteuid() || known.st_uid == 0;
}

static bool othersMayWrite(const struct stat &known) {
  return (known.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

static std::string octal(mode_t mode) {
  std::string text = "0000";
  for (int digit = 0; digit < 4; ++digit)
    text[3 - digit] = char('0' + ((mode >> 3 * digit) & 7));
  return text;
}

/// Each folder on the way, from "/" to `path`, which has no links.
static std::vector<std::string> chainOf(const std::string &path) {
  std::vector<std::string> chain{"/"};
  for (size_t at = 1; at < path.size();) {
    at = std::min(path.find('/', at), path.size());
    chain.push_back(path.substr(0, at++));
  }
  return chain;
}

/// Why somebody else decides what `path` is; empty: nobody does.
static std::string faultAbove(const std::string &path) {
  for (const std::string &folder : chainOf(path)) {
    struct stat known;
    if (lstat(folder.c_str(), &known) != 0)
      return folder + " cannot be looked at: " + std::strerror(errno);
    if (!S_ISDIR(known.st_mode))
      return folder + " is no folder";
    if (!belongsToUsOrRoot(known))
      return folder + " belongs to user " + std::to_string(known.st_uid) +
             ", neither to this one (" + std::to_string(geteuid()) +
             ") nor to root";
    if (othersMayWrite(known) && !(known.st_mode & S_ISVTX))
      return "others may write to " + folder + " (mode " +
             octal(known.st_mode) + ")";
  }
  return {};
}

/// Of the links in what is given, those that a stranger can turn elsewhere.
static std::string foreignLink(const std::string &path) {
  for (const std::string &part : chainOf(path)) {
    struct stat known;
    if (lstat(part.c_str(), &known) == 0 && S_ISLNK(known.st_mode) &&
        !belongsToUsOrRoot(known))
      return "the link " + part + " belongs to user " +
             std::to_string(known.st_uid);
  }
  return {};
}

bool attn_jit::store::isSharedFileSystem(unsigned long type) {
  switch (uint32_t(type)) {
  case 0x00006969: // nfs
  case 0x0bd00bd0: // lustre
  case 0x47504653: // gpfs
  case 0xff534d42: // cifs
  case 0x0000517b: // smb
  case 0xfe534d42: // smb2
  case 0x65735546: // fuse
  case 0x00c36400: // ceph
  case 0x01021997: // 9p
  case 0x5346414f: // afs
  case 0x73757245: // coda
  case 0x01161970: // gfs2
  case 0x7461636f: // ocfs2
  case 0x19830326: // beegfs
  case 0x20030528: // orangefs
  case 0xaad7aaea: // panfs
    return true;
  }
  return false;
}

/// `path` itself, which is there: ours, and ours alone.
static CacheRoot checkLast(const std::string &path) {
  struct stat known;
  if (lstat(path.c_str(), &known) != 0)
    return absent(path + " cannot be looked at: " + std::strerror(errno));
  if (known.st_uid != geteuid())
    return absent(path + " belongs to user " + std::to_string(known.st_uid) +
                  " and not to this one (" + std::to_string(geteuid()) + ")");
  // What others may have put there is not ours, whatever its mode is now.
  if (othersMayWrite(known))
    return absent("others may write to " + path + " (mode " +
                  octal(known.st_mode) + "), which must be 0700");
  CacheRoot root;
  root.path = path;
  struct statfs system;
  if (statfs(path.c_str(), &system) == 0)
    root.sharedFileSystem = isSharedFileSystem((unsigned long)system.f_type);
  if ((known.st_mode & 07777) != 0700 && chmod(path.c_str(), 0700) != 0 &&
      errno != EROFS)
    return absent(path + " cannot be made 0700: " + std::strerror(errno));
  root.readOnly = access(path.c_str(), W_OK | X_OK) != 0;
  return root;
}

CacheRoot attn_jit::store::checkCacheRoot(const std::string &path) {
  if (path.empty() || path[0] != '/')
    return absent("\"" + path + "\" is no absolute path");
  if (path.find('\0') != std::string::npos)
    return absent("a path holds no byte of zero");
  // The longest part that is there, and what is missing below it.
  std::string there = path;
  std::vector<std::string> missing;
  char real[PATH_MAX];
  while (!realpath(there.c_str(), real)) {
    if (errno != ENOENT)
      return absent(there + " cannot be looked at: " + std::strerror(errno));
    struct stat known;
    if (lstat(there.c_str(), &known) == 0) {
      if (S_ISLNK(known.st_mode))
        return absent("the link " + there + " leads nowhere");
      continue; // another process has made it just now
    }
    const size_t slash = there.rfind('/');
    std::string name = there.substr(slash + 1);
    if (name == "..")
      return absent(path + " goes back from a folder that is not there");
    if (!name.empty() && name != ".")
      missing.push_back(std::move(name));
    there.erase(std::max<size_t>(slash, 1));
  }
  if (std::string fault = foreignLink(there); !fault.empty())
    return absent(std::move(fault));
  std::string made = real;
  // The folder itself has stricter rules than those above it.
  const std::string above =
      missing.empty() ? made.substr(0, std::max<size_t>(made.rfind('/'), 1))
                      : made;
  if (std::string fault = faultAbove(above); !fault.empty())
    return absent(std::move(fault));
  for (; !missing.empty(); missing.pop_back()) {
    made += (made == "/" ? "" : "/") + missing.back();
    if (mkdir(made.c_str(), 0700) == 0)
      continue;
    if (errno != EEXIST)
      return absent(made + " cannot be made: " + std::strerror(errno));
    // Another process was faster, or somebody else in a sticky folder.
    if (missing.size() > 1)
      if (std::string fault = faultAbove(made); !fault.empty())
        return absent(std::move(fault));
  }
  struct stat known;
  if (lstat(made.c_str(), &known) == 0 && !S_ISDIR(known.st_mode))
    return absent(made + " is no folder");
  return checkLast(made);
}

/// A variable as the user of this process set it: one of a set-user-ID program
/// was set by somebody else.
static std::string variable(const char *name) {
  const char *value = secure_getenv(name);
  return value ? value : "";
}

/// Below a folder of the user's, unless everybody may make names there: a
/// stranger may have been first.
static CacheRoot below(const char *name, const std::string &base,
                       const char *rest) {
  struct stat known;
  if (stat(base.c_str(), &known) == 0 && (known.st_mode & S_IWOTH))
    return absent(std::string(name) + " is " + base +
                  ", to which everybody may write");
  return checkCacheRoot(base + rest);
}

CacheRoot attn_jit::store::findCacheRoot() {
  if (std::string given = variable("ATTN_JIT_CACHE"); !given.empty()) {
    if (given == "off") {
      CacheRoot root = absent("ATTN_JIT_CACHE is off");
      root.off = true;
      return root;
    }
    CacheRoot root = checkCacheRoot(given);
    if (!root)
      root.absent = "ATTN_JIT_CACHE: " + root.absent;
    return root;
  }
  // The XDG rule: a path that is not absolute is as none.
  if (std::string caches = variable("XDG_CACHE_HOME"); caches.starts_with('/'))
    return below("XDG_CACHE_HOME", caches, "/attn-jit");
  if (std::string home = variable("HOME"); home.starts_with('/')) {
    // It is not made: an account without a home has none.
    if (access(home.c_str(), F_OK) != 0)
      return absent("HOME is " + home + ", which is not there");
    return below("HOME", home, "/.cache/attn-jit");
  }
  return absent("none of ATTN_JIT_CACHE, XDG_CACHE_HOME and HOME names a "
                "folder");
}

std::optional<std::string> attn_jit::store::noticeOnce(const CacheRoot &root) {
  static std::atomic<bool> said = false;
  if ((root && !root.readOnly) || root.off || said.exchange(true))
    return std::nullopt;
  if (root)
    return root.path + " cannot be written: kernels are found there, new ones "
                       "are not kept";
  return "kernels are not kept: " + root.absent;
}
