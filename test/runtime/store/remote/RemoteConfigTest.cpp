// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The list of remotes: what is read, and that what is wrong is named on one
// line that shows no password.
#include "runtime/store/remote/RemoteConfig.h"
#include "runtime/store/remote/Url.h"

#include "test/runtime/tensor/TemporaryFolder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace std::chrono_literals;

namespace {

std::string refused(std::string_view text) {
  const auto result = parseRemotes(text, "ATTN_JIT_REMOTE");
  EXPECT_FALSE(result.ok()) << text;
  if (result)
    return {};
  EXPECT_EQ(result.error().exitCode(), 2);
  EXPECT_EQ(result.error().text.find('\n'), std::string::npos);
  return result.error().text;
}

TEST(RemoteConfig, EachRemoteHasItsProperties) {
  const auto list = parseRemotes(
      "# the team's\n"
      "redis://user:pw@cache:6379/0 prefix=attn/v2 quota=10G read-only "
      "connect=50ms request=3s object=1m expiry=30d\n"
      "\n  file:///shared/kernels ; redis+unix:///run/redis.sock?db=2;;\n",
      "ATTN_JIT_REMOTE");
  ASSERT_TRUE(list.ok()) << list.error().text;
  ASSERT_EQ(list->size(), 3u);
  const RemoteOptions &first = (*list)[0];
  EXPECT_EQ(first.url, "redis://user:pw@cache:6379/0");
  EXPECT_EQ(first.prefix, "attn/v2");
  EXPECT_EQ(first.quotaBytes, int64_t(10) << 30);
  EXPECT_TRUE(first.readOnly);
  EXPECT_EQ(first.connect, 50ms);
  EXPECT_EQ(first.request, 3s);
  EXPECT_EQ(first.object, 1min);
  EXPECT_EQ(first.expiry, 720h);
  EXPECT_EQ((*list)[1].url, "file:///shared/kernels");
  EXPECT_EQ((*list)[1].prefix, "attn-jit");
  EXPECT_EQ((*list)[2].url, "redis+unix:///run/redis.sock?db=2");
}

TEST(RemoteConfig, NothingGivenIsNoRemote) {
  for (const char *text : {"", "\n", " ; ;\n# redis://x\n"})
    EXPECT_TRUE(parseRemotes(text, "here")->empty()) << text;
}

TEST(RemoteConfig, WhatIsWrongIsNamed) {
  const std::pair<const char *, const char *> cases[] = {
      {"cache:6379",
       "ATTN_JIT_REMOTE: remote (no URL): scheme: none given, allowed: "},
      {"gopher://cache", "scheme 'gopher' given, allowed: file://, redis://"},
      {"rediss://cache", "Redis over TLS is not supported"},
      {"redis://", "no host given, allowed: redis://host:port/database"},
      {"redis://cache:99999",
       "port: something else given, allowed: 1 to 65535"},
      {"redis://cache/zero", "no number of a database given, allowed: 0 to"},
      {"redis://cache/-1", "no number of a database given, allowed: 0 to"},
      {"redis://cache/0?x=1", "a query given"},
      {"redis://user@cache", "a user without a password given"},
      {"redis://u:%zz@cache", "credentials: a '%' without two digits of a "
                              "printable byte given"},
      {"http://t%0aoken@cache", "credentials: a '%' without two digits of a "
                                "printable byte given"},
      {"redis+unix://", "no path of a socket given"},
      {"redis+unix:///s?x=2", "another query given, allowed: ?db=0"},
      {"file://host/path", "host given, allowed: none, as in file:///folder"},
      {"file://", "no folder given"},
      {"redis://c quota=many",
       "ATTN_JIT_REMOTE: remote redis://c: quota: 'many' given, allowed: bytes "
       "from 1, as 500M, 10G, with K, M, G, T"},
      {"redis://c quota=0", "quota: '0' given"},
      {"redis://c quota=-1", "quota: '-1' given"},
      {"redis://c quota=99999999T", "quota: '99999999T' given"},
      {"redis://c connect=0ms", "connect: '0ms' given, allowed: 1ms to 10m"},
      {"redis://c request=5", "request: '5' given, allowed: 1ms to 10m"},
      {"redis://c object=11m", "object: '11m' given"},
      {"redis://c expiry=30m", "expiry: '30m' given, allowed: 1h to 87600h"},
      {"redis://c prefix=", "prefix: '' given, allowed: 1 to 64 of"},
      {"redis://c prefix=../up", "prefix: '../up' given"},
      {"redis://c prefix=a:b", "prefix: 'a:b' given"},
      {"redis://c read-only=yes",
       "an unknown property of 13 letters given, allowed: prefix=, quota="},
      {"redis://c color=red", "an unknown property of 9 letters given"},
      {"redis://c quota=1G quota=2G", "quota: a second one given"},
  };
  for (const auto &[text, expected] : cases)
    EXPECT_NE(refused(text).find(expected), std::string::npos) << text << "\n"
                                                               << refused(text);
}

TEST(RemoteConfig, NoErrorShowsAPassword) {
  // Also where its letters are not encoded and it is taken apart.
  for (const char *text :
       {"redis://u:s3cret@cache quota=x", "redis://u:s3cret@cache:0",
        "redis://u:s3cret@", "redis://u:pa/s3cret@cache", "redis://u:s3cret/@c",
        "redis://u:pa s3cret@cache", "redis://u:s3cret pa@cache",
        "redis://u:pa?s3cret@cache", "redis://u:s3cret@cache/x",
        "redis://u:s3cret@cache?y", "u:s3cret@cache",
        "redis://c password=s3cret", "redis://s3cret@cache",
        "rediss://u:s3cret@cache", "gopher://u:s3cret@cache",
        "redis://u:%s3cret@cache", "redis://u:s3cret@[::1"})
    EXPECT_EQ(refused(text).find("s3cret"), std::string::npos) << text << "\n"
                                                               << refused(text);
}

TEST(RemoteConfig, ShownUrlHasNoCredentials) {
  EXPECT_EQ(withoutCredentials("https://u:p@host:8080/path?token=x"),
            "https://host:8080/path");
  EXPECT_EQ(withoutCredentials("redis://u:p@q@host/0"), "redis://host/0");
  EXPECT_EQ(withoutCredentials("file:///a/b@c"), "file:///a/b@c");
  EXPECT_EQ(withoutCredentials("host"), "(no URL)");
  EXPECT_EQ(withoutSecret("a pw and pwpw", "pw"), "a *** and ******");
}

TEST(RemoteConfig, CredentialsAreDecoded) {
  const auto url = Url::parse("redis://us%40er:p%2Fw%3A@[::1]:7000/3");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->user, "us@er");
  EXPECT_EQ(url->password, "p/w:");
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->hostAndPort(6379), "[::1]:7000");
}

TEST(RemoteConfig, TooMuchIsRefused) {
  EXPECT_NE(refused(std::string(70000, ' ')).find("70000 bytes given"),
            std::string::npos);
  std::string many;
  for (int i = 0; i < 17; ++i)
    many += "redis://host" + std::to_string(i) + "\n";
  EXPECT_NE(refused(many).find("more than 16 remotes"), std::string::npos);
  EXPECT_NE(refused(std::string_view("redis://c\0x", 11)).find("a byte 0"),
            std::string::npos);
}

/// The environment of one test.
class ConfigFile : public testing::Test {
protected:
  void SetUp() override {
    unsetenv("ATTN_JIT_REMOTE");
    unsetenv("XDG_CONFIG_HOME");
    setenv("ATTN_JIT_CONFIG", folder.path.c_str(), 1);
    path = folder.write("config", "redis://u:s3cret@cache read-only\n");
    chmod(path.c_str(), 0600);
  }
  void TearDown() override {
    unsetenv("ATTN_JIT_REMOTE");
    unsetenv("ATTN_JIT_CONFIG");
  }
  test::TemporaryFolder folder;
  std::string path;
};

TEST_F(ConfigFile, IsReadWhereTheVariableIsNotSet) {
  EXPECT_EQ(configuredRemotes()->size(), 1u);
  setenv("ATTN_JIT_REMOTE", "file:///a;file:///b", 1);
  EXPECT_EQ(configuredRemotes()->size(), 2u);
  setenv("ATTN_JIT_REMOTE", "", 1);
  EXPECT_TRUE(configuredRemotes()->empty());
}

TEST_F(ConfigFile, IsLookedForInItsFolders) {
  mkdir(folder.file("attn-jit").c_str(), 0700);
  folder.write("attn-jit/config", "file:///a\nfile:///b\nfile:///c\n");
  unsetenv("ATTN_JIT_CONFIG");
  setenv("XDG_CONFIG_HOME", folder.path.c_str(), 1);
  EXPECT_EQ(configuredRemotes()->size(), 3u);
  unlink(folder.file("attn-jit/config").c_str());
  EXPECT_TRUE(configuredRemotes()->empty());
  unsetenv("XDG_CONFIG_HOME");
}

TEST_F(ConfigFile, OthersMustNotBeAbleToWriteIt) {
  for (mode_t mode : {0620, 0602, 0666}) {
    chmod(path.c_str(), mode);
    const auto list = configuredRemotes();
    ASSERT_FALSE(list.ok());
    EXPECT_EQ(list.error().exitCode(), 2);
    EXPECT_NE(list.error().text.find("mode: 06"), std::string::npos)
        << list.error().text;
    EXPECT_NE(list.error().text.find("allowed: not writable by group"),
              std::string::npos);
  }
}

TEST_F(ConfigFile, BelongsToThisUserOrRoot) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(chown(path.c_str(), 12345, gid_t(-1)), 0);
  const auto list = configuredRemotes();
  ASSERT_FALSE(list.ok());
  EXPECT_NE(list.error().text.find("owner: uid 12345 given, allowed: 0"),
            std::string::npos)
      << list.error().text;
}

TEST_F(ConfigFile, FolderOrPipeInItsPlaceIsRefused) {
  unlink(path.c_str());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_NE(configuredRemotes().error().text.find("no plain file"),
            std::string::npos);
}

TEST_F(ConfigFile, ErrorNamesTheFileAndNoPassword) {
  folder.write("config", "redis://u:s3cret@cache quota=x\n");
  const std::string text = configuredRemotes().error().text;
  EXPECT_EQ(text.find(path), 0u) << text;
  EXPECT_EQ(text.find("s3cret"), std::string::npos) << text;
}

} // namespace
