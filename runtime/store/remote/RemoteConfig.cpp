// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Words that are no known property are not repeated in an error: they may be
// the rest of a password that holds a blank.
#include "runtime/store/remote/RemoteConfig.h"
#include "runtime/Printable.h"
#include "runtime/store/files/FileHandle.h"
#include "runtime/store/remote/Url.h"
#include "runtime/store/trust/Trust.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using std::chrono::milliseconds;

static constexpr size_t mostText = 64 << 10;
static constexpr size_t mostRemotes = 16;
static constexpr const char *properties =
    "prefix=, quota=, read-only, connect=, request=, object=, expiry=, "
    "authority=, certificate=, key=";

namespace {
/// A number's unit, and how many of the smallest it is.
struct Unit {
  std::string_view name;
  int64_t factor;
};

/// One property of one remote, for its error.
struct Property {
  std::string where, name, value;
  rt::Error refused(const std::string &allowed) const {
    return rt::badInput(where + ": " + name + ": " + rt::inQuotes(value) +
                        " given, allowed: " + allowed);
  }
};
} // namespace

static rt::Result<int64_t> readAmount(const Property &property,
                                      std::initializer_list<Unit> units,
                                      int64_t least, int64_t most,
                                      const std::string &allowed) {
  const std::string &text = property.value;
  int64_t number = 0;
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view rest(end, size_t(text.data() + text.size() - end));
  for (const Unit &unit : units)
    if (code == std::errc() && rest == unit.name && number >= 0 &&
        number <= most / unit.factor && number * unit.factor >= least)
      return number * unit.factor;
  return property.refused(allowed);
}

static rt::Result<milliseconds> readTime(const Property &property) {
  ATTN_TRY(const int64_t time,
           readAmount(property, {{"ms", 1}, {"s", 1000}, {"m", 60000}}, 1,
                      600000, "1ms to 10m, as 100ms, 2s, 1m"));
  return milliseconds(time);
}

static rt::Status readPrefix(const Property &property, std::string &to) {
  const std::string &text = property.value;
  const char *allowed = "1 to 64 of A-Z a-z 0-9 . _ -, in parts between '/' "
                        "that are not '.' or '..'";
  if (text.empty() || text.size() > 64)
    return property.refused(allowed);
  for (std::string_view rest = text;;) {
    const size_t end = rest.find('/');
    const std::string_view part = rest.substr(0, end);
    const bool plain = std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
             (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
    if (!plain || part.empty() || part == "." || part == "..")
      return property.refused(allowed);
    if (end == std::string_view::npos)
      break;
    rest.remove_prefix(end + 1);
  }
  to = text;
  return rt::success();
}

static rt::Status readProperty(const Property &property, RemoteOptions &to) {
  const std::string &name = property.name;
  if (name == "prefix")
    return readPrefix(property, to.prefix);
  if (name == "quota") {
    ATTN_TRY(to.quotaBytes,
             readAmount(property,
                        {{"", 1},
                         {"K", 1 << 10},
                         {"M", 1 << 20},
                         {"G", 1 << 30},
                         {"T", int64_t(1) << 40}},
                        1, int64_t(1) << 60,
                        "bytes from 1, as 500M, 10G, with K, M, G, T"));
    return rt::success();
  }
  if (name == "expiry") {
    ATTN_TRY(const int64_t hours,
             readAmount(property, {{"h", 1}, {"d", 24}}, 1, 87600,
                        "1h to 87600h, as 720h, 30d"));
    to.expiry = std::chrono::hours(hours);
    return rt::success();
  }
  if (name == "authority" || name == "certificate" || name == "key") {
    if (!property.value.starts_with('/'))
      return property.refused("the absolute path of a file in PEM");
    (name == "authority"     ? to.authority
     : name == "certificate" ? to.certificate
                             : to.key) = property.value;
    return rt::success();
  }
  ATTN_TRY(const milliseconds time, readTime(property));
  (name == "connect"   ? to.connect
   : name == "request" ? to.request
                       : to.object) = time;
  return rt::success();
}

static rt::Result<RemoteOptions> readRemote(std::span<const std::string> words,
                                            const std::string &where) {
  RemoteOptions options;
  options.url = words[0];
  if (auto opened = openRemote(options); !opened)
    return rt::Error{
        rt::ErrorCode::BadInput, where + ": " + opened.error().text, {}};
  Property property{
      where + ": remote " + withoutCredentials(options.url), {}, {}};
  std::set<std::string> seen;
  for (const std::string &word : words.subspan(1)) {
    const size_t split = word.find('=');
    property.name = word.substr(0, split);
    property.value = split == std::string::npos ? "" : word.substr(split + 1);
    const bool flag = split == std::string::npos;
    static constexpr std::string_view valued[] = {
        "prefix", "quota",     "connect",     "request", "object",
        "expiry", "authority", "certificate", "key"};
    const bool known = flag ? word == "read-only"
                            : std::find(std::begin(valued), std::end(valued),
                                        property.name) != std::end(valued);
    if (!known)
      return rt::badInput(property.where + ": an unknown property of " +
                          std::to_string(word.size()) +
                          " letters given, allowed: " + properties);
    if (!seen.insert(property.name).second)
      return rt::badInput(property.where + ": " + property.name +
                          ": a second one given, allowed: one");
    if (flag)
      options.readOnly = true;
    else
      ATTN_CHECK(readProperty(property, options));
  }
  return options;
}

static std::vector<std::string> wordsOf(std::string_view line) {
  std::vector<std::string> words;
  constexpr std::string_view blanks = " \t\r\v\f";
  for (;;) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    if (line.empty())
      return words;
    const size_t end = std::min(line.find_first_of(blanks), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

rt::Result<std::vector<RemoteOptions>>
attn_jit::store::parseRemotes(std::string_view text, const std::string &where) {
  if (text.size() > mostText)
    return rt::badInput(where + ": " + std::to_string(text.size()) +
                        " bytes given, allowed: at most " +
                        std::to_string(mostText));
  if (text.find('\0') != std::string_view::npos)
    return rt::badInput(where + ": a byte 0 given, allowed: text");
  std::vector<RemoteOptions> remotes;
  while (!text.empty()) {
    const size_t line = std::min(text.find('\n'), text.size());
    std::string_view rest = text.substr(0, line);
    text.remove_prefix(std::min(line + 1, text.size()));
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(';'), rest.size());
      const auto words = wordsOf(rest.substr(0, end));
      if (!words.empty() && words[0].starts_with('#'))
        break;
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (words.empty())
        continue;
      ATTN_TRY(RemoteOptions one, readRemote(words, where));
      remotes.push_back(std::move(one));
      if (remotes.size() > mostRemotes)
        return rt::badInput(where + ": more than " +
                            std::to_string(mostRemotes) +
                            " remotes given, allowed: at most that");
    }
  }
  return remotes;
}

rt::Result<std::vector<RemoteOptions>>
attn_jit::store::remotesOfFile(const std::string &path) {
  const std::string where = rt::printable(path, 200);
  // A link is followed: what counts is whose the file is that is read.
  FileHandle file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ENOTDIR))
    return std::vector<RemoteOptions>();
  struct stat known;
  if (!file || fstat(file.get(), &known) != 0)
    return rt::badInput(where + ": does not open: " + std::strerror(errno));
  if (known.st_uid != geteuid() && known.st_uid != 0)
    return rt::badInput(where + ": owner: uid " + std::to_string(known.st_uid) +
                        " given, allowed: " + std::to_string(geteuid()) +
                        ", 0");
  if (known.st_mode & 022) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", unsigned(known.st_mode & 07777));
    return rt::badInput(where + ": mode: " + mode +
                        " given, allowed: not writable by group and others");
  }
  auto text = file.readAll(mostText);
  if (!text)
    return rt::badInput(where + ": " + text.error().text);
  return parseRemotes(*text, where);
}

rt::Result<std::vector<RemoteOptions>> attn_jit::store::configuredRemotes() {
  // Set and empty: none, whatever the file says. Whoever starts a set-uid
  // program does not choose its remotes.
  if (const char *list = secure_getenv("ATTN_JIT_REMOTE"))
    return parseRemotes(list, "ATTN_JIT_REMOTE");
  ATTN_TRY(std::string path, TrustedKeys::defaultPath());
  if (!path.empty())
    return remotesOfFile(
        path.replace(path.rfind('/') + 1, std::string::npos, "config"));
  return std::vector<RemoteOptions>();
}
