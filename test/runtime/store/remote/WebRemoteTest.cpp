// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What remotes of HTTP and S3 decide without a server: which URLs they take,
// how names are spelled, and what they read of a server's XML.
#include "runtime/store/remote/Remote.h"
#include "runtime/store/remote/RemoteConfig.h"
#include "runtime/store/remote/WebNames.h"
#include "runtime/store/remote/XmlText.h"

#include <gtest/gtest.h>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace std::chrono_literals;

namespace {

/// The error of a remote that does not open.
std::string refusal(const std::string &url,
                    const std::string &prefix = "attn-jit") {
  RemoteOptions options;
  options.url = url;
  options.prefix = prefix;
  const auto remote = openRemote(options);
  if (remote)
    return "it opened";
  EXPECT_EQ(remote.error().code, rt::ErrorCode::BadInput);
  EXPECT_EQ(remote.error().text.find("s3cret"), std::string::npos);
  return remote.error().text;
}

/// With the keys of an S3 user in the environment, or without.
class S3Remote : public testing::Test {
protected:
  void SetUp() override {
    for (const char *name :
         {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
          "AWS_REGION", "AWS_DEFAULT_REGION"})
      unsetenv(name);
  }
};

TEST(HttpRemote, NamesThePartOfAUrlThatIsWrong) {
  EXPECT_EQ(refusal("http:///path"),
            "remote http:///path: host: '' given, allowed: a name or an "
            "address");
  EXPECT_EQ(refusal("http://u:s3cret@ho$t/"),
            "remote http://ho$t/: host: 'ho$t' given, allowed: a name or an "
            "address");
  EXPECT_EQ(refusal("http://u:s3cret@host/a?b=c"),
            "remote http://host/a: query: one given, allowed: none");
  for (const char *path : {"/a/../b", "/a//b", "/a/%2e%2E/b", "/a/./b",
                           "/a%0d%0aX-Evil:1", "/a%zz", "/a b", "/a\"b"})
    EXPECT_NE(
        refusal(std::string("http://u:s3cret@host") + path).find(": path: '"),
        std::string::npos)
        << path;
}

TEST(HttpRemote, NamesAPrefixThatIsWrong) {
  for (const char *prefix : {"a//b", "/a", "a/", ".", "a/..", "a\nb", "a\x7f",
                             "\xc3", "\xed\xa0\x80", "\xc0\xaf"})
    EXPECT_NE(refusal("http://u:s3cret@host", prefix).find(": prefix: '"),
              std::string::npos)
        << prefix;
  EXPECT_NE(refusal("http://host", std::string(201, 'a')).find("200 bytes"),
            std::string::npos);
  EXPECT_EQ(refusal("http://host", "a b/\xc3\xa9~+"), "it opened");
  EXPECT_EQ(refusal("http://host", ""), "it opened");
}

TEST(HttpRemote, ShowsTheUrlWithoutCredentials) {
  RemoteOptions options;
  options.url = "https://user:s3cret@[::1]:8443/cache/";
  const auto remote = openRemote(options);
  ASSERT_TRUE(remote.ok()) << remote.error().text;
  EXPECT_EQ((*remote)->url(), "https://[::1]:8443/cache");
}

// Nothing of theirs ends by itself. They are not asked.
TEST(HttpRemote, KeepsNoLeases) {
  RemoteOptions options;
  options.url = "http://u:s3cret@127.0.0.1:1/kernels";
  const auto remote = openRemote(options);
  ASSERT_TRUE(remote.ok()) << remote.error().text;
  const auto taken = (*remote)->lease(sha256("key"), "mine", 1s,
                                      std::chrono::steady_clock::now() + 10s);
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code, rt::ErrorCode::Unsupported);
  EXPECT_EQ(taken.error().text,
            "remote http://127.0.0.1:1/kernels: it keeps no leases");
}

TEST(HttpRemote, SendsNothingThatNobodyCouldRead) {
  RemoteOptions options;
  options.url = "http://host.invalid";
  const auto remote = openRemote(options);
  ASSERT_TRUE(remote.ok()) << remote.error().text;
  const Deadline soon = std::chrono::steady_clock::now() + 10s;
  const std::string bytes(Remote::mostBytes + 1, 'x');
  const auto put = (*remote)->put(Space::Objects, sha256("x"), bytes, soon);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().text,
            "remote http://host.invalid: PUT: 67108865 bytes given, allowed: "
            "at most 67108864");
  const std::string lines[] = {"two\nlines"};
  const auto added = (*remote)->addRecords(sha256("x"), lines, soon);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().text,
            "remote http://host.invalid: a record's line holds a line end");
}

TEST(HttpRemote, TakesItsFilesFromProperties) {
  const auto remotes = parseRemotes(
      "https://host authority=/a/ca.pem certificate=/a/c.pem key=/a/c.key",
      "config");
  ASSERT_TRUE(remotes.ok()) << remotes.error().text;
  EXPECT_EQ(remotes->at(0).authority, "/a/ca.pem");
  EXPECT_EQ(remotes->at(0).certificate, "/a/c.pem");
  EXPECT_EQ(remotes->at(0).key, "/a/c.key");
  const auto relative = parseRemotes("https://host key=c.key", "config");
  ASSERT_FALSE(relative);
  EXPECT_EQ(relative.error().text,
            "config: remote https://host: key: 'c.key' given, allowed: the "
            "absolute path of a file in PEM");
}

TEST_F(S3Remote, NamesThePartOfAUrlThatIsWrong) {
  EXPECT_NE(refusal("s3+http://i:s3cret@host/").find(": bucket: ''"),
            std::string::npos);
  EXPECT_NE(refusal("s3+http://i:s3cret@host/Bucket").find(": bucket: "),
            std::string::npos);
  EXPECT_NE(refusal("s3+http://i:s3cret@host/a/b/c").find(": bucket: "),
            std::string::npos);
  EXPECT_NE(refusal("s3://i:s3cret@bucket/key").find(": bucket: "),
            std::string::npos);
  EXPECT_NE(refusal("s3://i:s3cret@bucket?region=eu:west").find(": region: "),
            std::string::npos);
  EXPECT_NE(refusal("s3://i:s3cret@bucket?acl=public").find(": query: "),
            std::string::npos);
}

TEST_F(S3Remote, TakesCredentialsFromTheUrlOrTheEnvironment) {
  EXPECT_NE(refusal("s3://bucket").find(": credentials: none given"),
            std::string::npos);
  EXPECT_NE(refusal("s3://id@bucket").find(": credentials: one part given"),
            std::string::npos);
  EXPECT_EQ(refusal("s3://id:secret@bucket?region=eu-west-1"), "it opened");
  setenv("AWS_ACCESS_KEY_ID", "id", 1);
  EXPECT_NE(refusal("s3://bucket").find(": credentials: none given"),
            std::string::npos);
  setenv("AWS_SECRET_ACCESS_KEY", "s3cret\r\nX-Evil: 1", 1);
  EXPECT_NE(refusal("s3://bucket").find(": credentials: AWS_ACCESS_KEY_ID"),
            std::string::npos);
  setenv("AWS_SECRET_ACCESS_KEY", "s3cret", 1);
  EXPECT_EQ(refusal("s3://bucket"), "it opened");
}

TEST(WebNames, AreSpelledAsSigV4SignsThem) {
  EXPECT_EQ(percentEncoded("a b+c~d/\xc3\xa9", true), "a%20b%2Bc~d/%C3%A9");
  EXPECT_EQ(percentEncoded("a/b=c&d", false), "a%2Fb%3Dc%26d");
  EXPECT_EQ(percentDecoded("a%20b"), "a b");
  for (const char *wrong : {"%", "%4", "%4g", "a%00", "%0a", "%7f"})
    EXPECT_FALSE(percentDecoded(wrong)) << wrong;
}

TEST(XmlText, IsWhatElementsHold) {
  const auto texts = readXml("<?xml version=\"1.0\"?>\n"
                             "<List xmlns=\"http://s3/\"><Empty/>\n"
                             "  <Key>a&amp;b &#233;&#x1F600;</Key>"
                             "<Inner><Size>12</Size></Inner></List>\n");
  ASSERT_TRUE(texts);
  std::vector<std::pair<std::string, std::string>> found;
  for (const XmlText &one : *texts)
    found.emplace_back(one.path, one.text);
  const std::vector<std::pair<std::string, std::string>> wanted{
      {"List/Empty", ""},
      {"List/Key", "a&b \xc3\xa9\xf0\x9f\x98\x80"},
      {"List/Inner/Size", "12"},
      {"List/Inner", ""},
      {"List", ""}};
  EXPECT_EQ(found, wanted);
}

TEST(XmlText, RefusesWhatNoListingHolds) {
  for (const char *wrong :
       {"",
        "text",
        "<a>",
        "<a></b>",
        "<a></a><b></b>",
        "<a>&b;</a>",
        "<a>&#0;</a>",
        "<a>&#xd800;</a>",
        "<a>&#x110000;</a>",
        "<a>&amp</a>",
        "<a>&#9999999999;</a>",
        "<!DOCTYPE a []><a></a>",
        "</a>",
        "<a/>b",
        "<a><![CDATA[x]]></a>",
        "<a>x<b></b></a>",
        "<a <b></a>",
        "<a",
        "<",
        "<a><!-- x --></a>",
        "<?xml <a></a>",
        "<a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a>"})
    EXPECT_FALSE(readXml(wrong)) << wrong;
}

} // namespace
