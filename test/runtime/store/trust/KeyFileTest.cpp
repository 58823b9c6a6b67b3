// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private keys, and the file of keys that are trusted: read, found and edited.
#include "test/runtime/store/ScratchFolder.h"
#include "test/runtime/store/trust/TestKeys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;

static TrustedKeys listing(const std::string &text) {
  auto keys = TrustedKeys::parse(text, "keys");
  EXPECT_TRUE(keys) << keys.error().text;
  return keys ? *keys : TrustedKeys();
}

static std::string faultOf(const std::string &text) {
  auto keys = TrustedKeys::parse(text, "keys");
  return keys ? "" : keys.error().text;
}

// RFC 8032, 7.1, test 1: the key that belongs to a seed.
TEST(SigningKey, IsEd25519) {
  const Digest seed = *Digest::parse(
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  Digest expected = *Digest::parse(
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(SigningKey::fromSeed(seed.bytes).publicKey().bytes, expected.bytes);
}

TEST(SigningKey, IsGeneratedOnceAndReadAgain) {
  ScratchFolder folder;
  const std::string path = folder.at("config/signing_key");
  auto made = SigningKey::generate(path);
  ASSERT_TRUE(made) << made.error().text;
  auto read = SigningKey::load(path);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->publicKey().bytes, made->publicKey().bytes);
  struct stat known;
  ASSERT_EQ(stat(path.c_str(), &known), 0);
  EXPECT_EQ(known.st_mode & 0777, 0600u);
  auto again = SigningKey::generate(path);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().text, path + ": exists already and is kept");
  EXPECT_EQ(SigningKey::load(path)->publicKey().bytes, made->publicKey().bytes);
}

TEST(SigningKey, FilesAreChecked) {
  ScratchFolder folder;
  const std::string path = folder.at("key");
  ASSERT_TRUE(SigningKey::generate(path));
  const std::string good = folder.read("key");
  chmod(path.c_str(), 0640);
  EXPECT_EQ(SigningKey::load(path).error().text,
            path + ": can be read by others: chmod 600 it");
  for (const std::string &bad :
       {std::string("text\n"), good.substr(1), good + "more\n",
        good.substr(0, good.size() - 1), good.substr(0, good.size() - 2) + "\n",
        std::string()}) {
    folder.write("key", bad);
    chmod(path.c_str(), 0600);
    auto read = SigningKey::load(path);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().text,
              path + ": is no signing key: its one line is "
                     "'attn-jit-signing-key ed25519 ' and 44 characters of "
                     "base64");
  }
  EXPECT_EQ(SigningKey::load(folder.at("none")).error().code,
            rt::ErrorCode::NotFound);
}

TEST(KeyFile, ListsKeysByTheirFirstNames) {
  const TrustedKeys keys =
      listing("# builders\n\n" + lineOf(1, "first builder") + lineOf(2) +
              lineOf(1, "second name") + lineOf(2));
  ASSERT_EQ(keys.keys().size(), 2u);
  EXPECT_EQ(keys.keys()[0].name, "first builder");
  EXPECT_EQ(keys.keys()[0].bytes, signer(1).publicKey().bytes);
  EXPECT_EQ(keys.keys()[1].name, "");
}

TEST(KeyFile, LinesEndAsEditorsWriteThem) {
  std::string text = lineOf(1, "builder");
  text.insert(text.size() - 1, "\r");
  text += "revoked " + idOf(2) + " lost\r\n# note\r\n" + lineOf(3);
  text.pop_back();
  const TrustedKeys keys = listing(text);
  ASSERT_EQ(keys.keys().size(), 2u);
  EXPECT_EQ(keys.keys()[0].name, "builder");
  EXPECT_EQ(keys.revocations()[0].why, "lost");
}

TEST(KeyFile, OneBadLineIsABadFile) {
  const std::string good = lineOf(1);
  EXPECT_EQ(faultOf(good + "rsa abc\n"),
            "keys: line 2: 'rsa' is none of ed25519, revoked and #");
  EXPECT_EQ(faultOf(good + "ED25519 abc\n"),
            "keys: line 2: 'ED25519' is none of ed25519, revoked and #");
  EXPECT_EQ(faultOf("ed25519 abc\n"),
            "keys: line 1: 'abc' is no base64 of 32 bytes");
  EXPECT_EQ(faultOf("ed25519 \n"), "keys: line 1: '' is no base64 of 32 bytes");
  const std::string zeros(43, 'A');
  EXPECT_EQ(faultOf("ed25519 " + zeros + "=\n"),
            "keys: line 1: '" + zeros + "=' is no Ed25519 key");
  // Another text of the same bytes: the last digit's unused bits.
  EXPECT_EQ(faultOf("ed25519 " + zeros.substr(1) + "B=\n"),
            "keys: line 1: '" + zeros.substr(1) +
                "B=' is no base64 of 32 bytes");
  EXPECT_EQ(faultOf("revoked 0123\n"),
            "keys: line 1: '0123' is no key id: 16 hexadecimal digits in lower "
            "case");
  EXPECT_EQ(faultOf("revoked 0123456789ABCDEF\n"),
            "keys: line 1: '0123456789ABCDEF' is no key id: 16 hexadecimal "
            "digits in lower case");
  EXPECT_EQ(faultOf("#" + std::string(1023, ' ') + "\n"), "");
  EXPECT_EQ(faultOf("#" + std::string(1024, ' ') + "\n"),
            "keys: line 1: it has more than 1024 bytes");
  EXPECT_EQ(faultOf("# \x1b[2J\n"),
            "keys: line 1: it holds a control character");
  EXPECT_EQ(faultOf("# a\rb\n"), "keys: line 1: it holds a control character");
}

TEST(KeyFile, IsReadWhereTheEnvironmentSays) {
  ScratchFolder folder;
  std::filesystem::create_directories(folder.at("xdg/attn-jit"));
  std::filesystem::create_directories(folder.at("home/.config/attn-jit"));
  unsetenv("ATTN_JIT_CONFIG");
  unsetenv("XDG_CONFIG_HOME");
  unsetenv("HOME");
  EXPECT_EQ(*TrustedKeys::defaultPath(), "");
  EXPECT_TRUE(TrustedKeys::load()->keys().empty());
  setenv("HOME", folder.at("home").c_str(), 1);
  EXPECT_EQ(*TrustedKeys::defaultPath(),
            folder.at("home/.config/attn-jit/trusted_keys"));
  setenv("XDG_CONFIG_HOME", "relative", 1);
  EXPECT_EQ(*TrustedKeys::defaultPath(),
            folder.at("home/.config/attn-jit/trusted_keys"));
  setenv("XDG_CONFIG_HOME", folder.at("xdg").c_str(), 1);
  EXPECT_TRUE(TrustedKeys::load()->keys().empty());
  folder.write("xdg/attn-jit/trusted_keys", lineOf(1));
  EXPECT_EQ(TrustedKeys::load()->keys().size(), 1u);
  setenv("ATTN_JIT_CONFIG", ".", 1);
  EXPECT_EQ(TrustedKeys::load().error().text,
            "ATTN_JIT_CONFIG: '.' is no absolute path: keys never depend on "
            "where a program was started");
  setenv("ATTN_JIT_CONFIG", folder.path.c_str(), 1);
  EXPECT_TRUE(TrustedKeys::load()->keys().empty());
  folder.write("trusted_keys", lineOf(1) + lineOf(2));
  EXPECT_EQ(TrustedKeys::load()->keys().size(), 2u);
  chmod(folder.at("trusted_keys").c_str(), 0666);
  EXPECT_EQ(TrustedKeys::load().error().text,
            folder.at("trusted_keys") +
                ": is writable by others: chmod go-w it");
}

TEST(KeyFile, EditsKeepWhatIsThere) {
  ScratchFolder folder;
  const std::string path = folder.at("config/trusted_keys");
  TrustedKey first = signer(1).publicKey();
  first.name = "builder one";
  ASSERT_TRUE(trustKey(path, first));
  ASSERT_TRUE(trustKey(path, first));
  EXPECT_EQ(folder.read("config/trusted_keys"), lineOf(1, "builder one"));
  const std::string before = "# mine\r\n\n" + lineOf(1, "one") + "# end";
  folder.write("config/trusted_keys", before);
  // A second name does not rename it.
  ASSERT_TRUE(trustKey(path, first));
  EXPECT_EQ(folder.read("config/trusted_keys"), before);
  ASSERT_TRUE(trustKey(path, signer(2).publicKey()));
  ASSERT_TRUE(revokeKey(path, idOf(1), "laptop lost"));
  ASSERT_TRUE(revokeKey(path, idOf(1), "again"));
  ASSERT_TRUE(revokeKey(path, idOf(3), ""));
  EXPECT_EQ(folder.read("config/trusted_keys"),
            before + "\n" + lineOf(2) + "revoked " + idOf(1) +
                " laptop lost\nrevoked " + idOf(3) + "\n");
  auto keys = TrustedKeys::load(path);
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->revoked(idOf(1)));
  EXPECT_FALSE(keys->revoked(idOf(2)));
}

TEST(KeyFile, RefusedEditsChangeNothing) {
  ScratchFolder folder;
  const std::string path =
      folder.write("trusted_keys", "revoked " + idOf(1) + " lost\n");
  const std::string before = folder.read("trusted_keys");
  EXPECT_EQ(trustKey(path, signer(1).publicKey()).error().text,
            path + ": key " + idOf(1) +
                " is revoked there, which trusting it again does not undo");
  TrustedKey named = signer(2).publicKey();
  named.name = "two\nlines";
  EXPECT_EQ(trustKey(path, named).error().text,
            "a key's name is a text of one line, of at most 1024 bytes with "
            "its key");
  named.name = std::string(1024, 'n');
  EXPECT_FALSE(trustKey(path, named));
  EXPECT_EQ(revokeKey(path, "builder", "").error().text,
            "'builder' is no key id: 16 hexadecimal digits in lower case");
  EXPECT_EQ(revokeKey(path, idOf(2), "a\nrevoked").error().text,
            "a reason is a text of one line, of at most 999 bytes");
  EXPECT_FALSE(revokeKey(path, idOf(2), std::string(1000, 'w')));
  EXPECT_EQ(TrustedKey::parse("rsa x").error().text,
            "a key is 'ed25519', base64 of 32 bytes and a name");
  EXPECT_EQ(Revocation::parse("x").error().text,
            "a revocation is 'revoked', a key id and a reason");
  EXPECT_EQ(folder.read("trusted_keys"), before);
  folder.write("trusted_keys", "what\n");
  EXPECT_EQ(revokeKey(path, idOf(2), "").error().text,
            path + ": line 1: 'what' is none of ed25519, revoked and #");
  EXPECT_EQ(folder.read("trusted_keys"), "what\n");
}

TEST(KeyFile, EditsAtOnceLoseNoLine) {
  ScratchFolder folder;
  const std::string path = folder.at("trusted_keys");
  std::vector<std::thread> editors;
  editors.reserve(8);
  for (int i = 0; i < 8; ++i)
    editors.emplace_back([&, i] {
      for (int edit = 0; edit < 5; ++edit) {
        const auto seed = static_cast<unsigned char>(5 * i + edit);
        EXPECT_TRUE(trustKey(path, signer(seed).publicKey()));
      }
    });
  for (std::thread &each : editors)
    each.join();
  EXPECT_EQ(TrustedKeys::load(path)->keys().size(), 40u);
}
