// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzzes the list of remotes, and with it the addresses of each kind. What
// stands between "//" and "@" of a seed is a password: no error and no URL that
// is shown repeats it. Bytes 1 to 9 of an input stand for words of the grammar,
// of which the last is longer than a list may be. Each list is read as a file
// too.
#include "runtime/store/remote/RemoteConfig.h"
#include "runtime/store/remote/Url.h"
#include "test/fuzz/FuzzCheck.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using attn_jit::test::checkError;
using attn_jit::test::counts;
using attn_jit::test::require;

static constexpr std::string_view secret = "u:s3cr3t@";

static const std::string tooLong(65 << 10, ' ');
static const std::string_view words[] = {secret,         "://cache:6379/0",
                                         " prefix=",     " quota=10G",
                                         " request=1ms", " expiry=87600h",
                                         "/bucket",      "https://",
                                         tooLong};

/// Whether "s3cr3t" stands only where a URL has its password: as a prefix it
/// would be repeated, and of file:// it is a folder's name.
static bool isSecretEverywhere(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\v\f\n;";
  for (size_t at = 0; (at = text.find("s3cr3t", at)) != text.npos; ++at) {
    const size_t before = text.find_last_of(blanks, at);
    const size_t begin = before == text.npos ? 0 : before + 1;
    const size_t end = text.find("://", begin);
    if (end == text.npos ||
        text.substr(end + 3).substr(0, secret.size()) != secret ||
        end + 5 != at)
      return false;
    for (const char c : text.substr(begin, end - begin))
      if (!(c >= 'a' && c <= 'z') && c != '+')
        return false;
    if (text.substr(begin, end - begin) == "file" || begin == end)
      return false;
  }
  return true;
}

static void checkOne(const RemoteOptions &options) {
  require(options.connect.count() > 0 && options.request.count() > 0 &&
              options.object.count() > 0 && options.expiry.count() > 0 &&
              options.quotaBytes >= 0,
          "limits are limits");
  require(!options.prefix.empty() && options.prefix[0] != '/' &&
              options.prefix.find("..") != 0,
          "a prefix stays below");
  const auto remote = openRemote(options);
  require(remote.ok(), "what a list holds can be opened");
  const std::string &shown = (*remote)->url();
  require(Url::parse(shown).ok(), "what is shown is a URL");
  for (const char c : shown)
    require(c > ' ' && c < 0x7f, "what is shown is one word");
}

/// Whether a file of this user's with that text is a list.
static bool isListOnDisk(const std::string &text) {
  static const int file = [] {
    const int made = memfd_create("config", MFD_CLOEXEC);
    require(made >= 0 && fchmod(made, 0600) == 0, "a file in memory is made");
    return made;
  }();
  require(ftruncate(file, 0) == 0 &&
              pwrite(file, text.data(), text.size(), 0) == ssize_t(text.size()),
          "it is written");
  return remotesOfFile("/proc/self/fd/" + std::to_string(file)).ok();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i)
    if (data[i] >= 1 && data[i] <= std::size(words))
      text += words[data[i] - 1];
    else
      text += char(data[i]);
  const auto remotes = parseRemotes(text, "fuzz");
  require(isListOnDisk(text) == remotes.ok(), "a file is read as its text is");
  if (!remotes) {
    checkError(remotes.error().text);
    if (isSecretEverywhere(text))
      require(remotes.error().text.find("s3cr3t") == std::string::npos,
              "an error shows no password");
    ++counts.refused;
    return 0;
  }
  ++counts.accepted;
  for (const RemoteOptions &each : *remotes)
    checkOne(each);
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  sink("redis", "# the team's\nredis://\1cache:6379/0 prefix=attn/v2 quota=10G "
                "read-only connect=50ms request=3s object=1m expiry=30d\n");
  sink("folder", "file:///mnt/kernels ; redis+unix:///run/redis.sock?db=2;;\n");
  sink("web", "https://\1cache.example/kernels authority=/a.pem "
              "certificate=/c.pem key=/k.pem\nhttp://[::1]:8080");
  sink("s3", "s3+https://\1host:9000/bucket?region=eu-west-1\n"
             "s3+http://\1host/bucket prefix=team");
  std::string many;
  for (int i = 0; i < 17; ++i)
    many += "file:///mnt/" + std::to_string(i) + ";";
  sink("many", many);
  sink("long", "file:///mnt\n\x9");
  sink("paths", "http://cache/a%20b/%c3%a9\nhttps://[fe80::1]/a/../b");
  sink("refused", "redis://\1cache:6379/x\3 = quota=");
}
