// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What memory can still be had: the machine's, or less where a control group
// (a container) limits this process. A group's limit holds for all below it, so
// each group up to the root is asked.
#include "runtime/host/HostDriver.h"

#include <algorithm>
#include <fstream>
#include <limits>

using namespace attn_jit::rt;

static constexpr int64_t unlimited = std::numeric_limits<int64_t>::max();

/// The number after `key`, or the file's first word when there is no key;
/// nothing when it is absent or no number ("max").
static std::optional<int64_t> readNumber(const std::string &path,
                                         const std::string &key = {}) {
  std::ifstream file(path);
  std::string word;
  int64_t value = 0;
  if (key.empty())
    return file >> value ? std::optional(value) : std::nullopt;
  while (file >> word)
    if (word == key)
      return file >> value ? std::optional(value) : std::nullopt;
  return std::nullopt;
}

namespace {
struct GroupFiles {
  const char *limit, *used, *cache; ///< cache: what reading files left behind
};
constexpr GroupFiles version2 = {"memory.max", "memory.current",
                                 "inactive_file"};
constexpr GroupFiles version1 = {
    "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
} // namespace

static int64_t groupFreeBytes(const std::string &folder,
                              const GroupFiles &files) {
  const auto limit = readNumber(folder + "/" + files.limit);
  const auto used = readNumber(folder + "/" + files.used);
  if (!limit || !used)
    return unlimited;
  // Like MemAvailable: the cache is given up before memory runs out.
  const int64_t cache =
      readNumber(folder + "/memory.stat", files.cache).value_or(0);
  return *limit - std::min(std::max(*used - cache, int64_t(0)), *limit);
}

static int64_t hierarchyFreeBytes(const std::string &mount, std::string group,
                                  const GroupFiles &files) {
  int64_t least = unlimited;
  for (;;) {
    while (group.ends_with('/'))
      group.pop_back();
    least = std::min(least, groupFreeBytes(mount + group, files));
    if (group.empty())
      return least;
    const size_t slash = group.rfind('/');
    group.resize(slash == std::string::npos ? 0 : slash);
  }
}

int64_t attn_jit::rt::hostFreeBytes(const std::string &root) {
  const int64_t available =
      readNumber(root + "/proc/meminfo", "MemAvailable:").value_or(0) * 1024;
  int64_t least = available > 0 ? available : unlimited;
  std::ifstream groups(root + "/proc/self/cgroup");
  const std::string mount = root + "/sys/fs/cgroup";
  for (std::string line; std::getline(groups, line);) {
    // HIERARCHY:CONTROLLERS:GROUP; version 2 has no controllers here. A
    // container may see only its own group, as the mount's root, under the name
    // that it has outside.
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos)
      continue;
    const std::string controllers =
        "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    if (controllers == ",,")
      least = std::min(least, hierarchyFreeBytes(mount, group, version2));
    else if (controllers.find(",memory,") != std::string::npos)
      least = std::min(least,
                       hierarchyFreeBytes(mount + "/memory", group, version1));
  }
  return least == unlimited ? 0 : std::max<int64_t>(least, 1);
}
