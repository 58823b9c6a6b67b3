// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whose code runs: what the key file says, what a signature covers, and each
// reason for which an entry is refused.
#include "runtime/store/Trust.h"
#include "runtime/store/OwnedFile.h"
#include "test/runtime/store/ScratchFolder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>

using namespace attn_jit;
using namespace attn_jit::store;
using attn_jit::store::test::ScratchFolder;

static SigningKey signer(unsigned char seed) {
  std::array<unsigned char, 32> bytes{};
  bytes[0] = seed;
  return SigningKey::fromSeed(bytes);
}

static std::string lineOf(unsigned char seed, const std::string &name = "") {
  TrustedKey key = signer(seed).publicKey();
  key.name = name;
  return key.line() + "\n";
}

static std::string idOf(unsigned char seed) {
  return signer(seed).publicKey().id();
}

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

static Entry entry() {
  Entry entry;
  entry.object = "image";
  entry.action.key.add("target", "sm_90a");
  entry.action.key.add("description", "head_dim=128");
  entry.action.kind = "ptx";
  entry.action.object = sha256(entry.object);
  entry.action.bytes = int64_t(entry.object.size());
  entry.action.manifest = "{}";
  return entry;
}

static Entry signedBy(unsigned char seed) {
  Entry made = entry();
  signAction(signer(seed), made.action);
  return made;
}

/// The signer's id, or why not.
static std::string verdict(const std::string &keys, const Entry &entry,
                           const Key &wanted = ::entry().action.key) {
  auto verified = verifyEntry(listing(keys), wanted, entry);
  return verified ? *verified : verified.error().text;
}

TEST(VerifyEntry, AListedKeysSignatureIsTaken) {
  EXPECT_EQ(verdict(lineOf(2) + lineOf(1), signedBy(1)), idOf(1));
  Entry both = signedBy(1);
  signAction(signer(2), both.action);
  signAction(signer(2), both.action);
  EXPECT_EQ(both.action.signatures.size(), 2u);
  EXPECT_EQ(verdict(lineOf(2), both), idOf(2));
  EXPECT_EQ(verdict(lineOf(2) + lineOf(1), both), idOf(2));
}

// What is read back from its text is what was signed.
TEST(VerifyEntry, TextsCarrySignatures) {
  auto read = Action::parse(signedBy(1).action.text());
  ASSERT_TRUE(read);
  EXPECT_EQ(verdict(lineOf(1), {*read, "image"}), idOf(1));
}

TEST(VerifyEntry, RefusalsSayWhy) {
  const std::string listed = lineOf(1, "builder");
  EXPECT_EQ(verdict(listed, entry()), "it is unsigned");
  EXPECT_EQ(verdict("", signedBy(1)),
            "it is signed by a key that is not listed: " + idOf(1));
  EXPECT_EQ(verdict(listed, signedBy(2)),
            "it is signed by a key that is not listed: " + idOf(2));
  EXPECT_EQ(
      verdict(listed + "revoked " + idOf(1) + " laptop lost\n", signedBy(1)),
      "it is signed by a revoked key: " + idOf(1) + ", laptop lost");
  EXPECT_EQ(verdict("revoked " + idOf(1) + "\n" + listed, signedBy(1)),
            "it is signed by a revoked key: " + idOf(1));
  Entry changed = signedBy(1);
  changed.action.manifest = "{ }";
  EXPECT_EQ(verdict(listed, changed),
            "the signature of " + idOf(1) + " (builder) on it does not verify");
}

// One of many may be good; else the gravest reason is told.
TEST(VerifyEntry, OneGoodSignatureIsEnough) {
  Entry mixed = signedBy(2);
  mixed.action.signatures.push_back({idOf(1), "AAAA"});
  EXPECT_EQ(verdict(lineOf(1), mixed),
            "the signature of " + idOf(1) + " on it does not verify");
  mixed.action.signatures.push_back(signedBy(1).action.signatures[0]);
  EXPECT_EQ(verdict(lineOf(1), mixed), idOf(1));
  EXPECT_EQ(verdict("revoked " + idOf(1) + "\n" + lineOf(2), mixed), idOf(2));
  EXPECT_EQ(verdict("revoked " + idOf(1) + "\n" + lineOf(3), mixed),
            "it is signed by a revoked key: " + idOf(1));
}

TEST(VerifyEntry, EachBodyByteIsCovered) {
  const Entry good = signedBy(1);
  const TrustedKeys keys = listing(lineOf(1));
  const std::string body = good.action.body();
  for (size_t i = 0; i < body.size(); ++i) {
    std::string flipped = body;
    flipped[i] ^= 1;
    EXPECT_FALSE(keys.verify(Domain::Action, flipped, good.action.signatures));
  }
  EXPECT_TRUE(keys.verify(Domain::Action, body, good.action.signatures));
}

TEST(VerifyEntry, DomainsAreApart) {
  const TrustedKeys keys = listing(lineOf(1));
  constexpr Domain all[] = {Domain::Action, Domain::Record, Domain::Pack,
                            Domain::Job};
  for (Domain made : all)
    for (Domain asked : all) {
      const Signature one[] = {signer(1).sign(made, "bytes")};
      EXPECT_EQ(keys.verify(asked, "bytes", one).ok(), made == asked);
    }
}

TEST(VerifyEntry, AnotherKeysEntryIsRefused) {
  const Entry good = signedBy(1);
  auto wanting = [&](std::initializer_list<Key::Field> fields) {
    Key wanted;
    for (const auto &[label, value] : fields)
      wanted.add(label, value);
    return verdict(lineOf(1), good, wanted);
  };
  EXPECT_EQ(wanting({{"target", "sm_80"}, {"description", "head_dim=128"}}),
            "it was made for another key: target is 'sm_90a', wanted is "
            "'sm_80'");
  EXPECT_EQ(wanting({{"target", "sm_90a"},
                     {"description", "head_dim=128"},
                     {"abi", "2"}}),
            "it was made for another key: abi is absent, wanted is '2'");
  EXPECT_EQ(wanting({{"target", "sm_90a"}}),
            "it was made for another key: description is 'head_dim=128', "
            "which was not asked for");
  EXPECT_EQ(wanting({{"description", "head_dim=128"}, {"target", "sm_90a"}}),
            "it was made for another key: the same fields stand in another "
            "order");
}

// Of long values the place where they part is shown.
TEST(VerifyEntry, LongFieldsShowWhereTheyDiffer) {
  Entry made = entry();
  made.action.key.add("schedule", std::string(300, 'a') + "stages=2");
  signAction(signer(1), made.action);
  Key wanted = entry().action.key;
  wanted.add("schedule", std::string(300, 'a') + "stages=3");
  EXPECT_EQ(verdict(lineOf(1), made, wanted),
            "it was made for another key: schedule is '..." +
                std::string(33, 'a') + "stages=2', wanted is '..." +
                std::string(33, 'a') + "stages=3'");
}

TEST(VerifyEntry, ObjectsAreWhatWasSigned) {
  Entry other = signedBy(1);
  other.object = "imagE";
  EXPECT_EQ(verdict(lineOf(1), other),
            "its object has the digest " + sha256("imagE").hex() +
                ", its action says " + sha256("image").hex());
  other.object = "imag";
  EXPECT_EQ(verdict(lineOf(1), other),
            "its object has 4 bytes, its action says 5");
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
            "key id: 'builder' is no 16 hexadecimal digits in lower case");
  EXPECT_EQ(revokeKey(path, idOf(2), "a\nrevoked").error().text,
            "why " + idOf(2) +
                " is revoked: it is a text of one line, of at most 1000 bytes");
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
