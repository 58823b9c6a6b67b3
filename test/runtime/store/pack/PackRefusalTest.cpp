// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is wrong with a pack is told in one sentence, and then nothing of it
// arrives.
#include "runtime/Printable.h"
#include "test/runtime/store/ScratchFolder.h"
#include "test/runtime/store/pack/PackStore.h"

#include <gtest/gtest.h>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {

/// Why a pack is refused, and that then nothing was given to the sink.
std::string faultOf(const std::string &bytes, const PackLimits &limits = {}) {
  Store store;
  auto imported =
      importPack(bytes, "p", listing(listOf({1})), store.sink(), limits);
  if (imported)
    return {};
  const std::string &text = imported.error().text;
  EXPECT_EQ(store.calls, 0) << text;
  EXPECT_TRUE(text.starts_with("p: ")) << text;
  EXPECT_EQ(text.find('\n'), text.npos) << text;
  return text.substr(3);
}

std::string faultOf(const std::vector<TarFile> &files,
                    const PackLimits &limits = {}) {
  return faultOf(zstd(tar(files)), limits);
}

} // namespace

TEST(PackRefusal, NamesTheFile) {
  ScratchFolder folder;
  Store store;
  const TrustedKeys keys = listing("");
  EXPECT_EQ(importPack(folder.at("p"), keys, store.sink()).error().text,
            folder.at("p") + ": cannot be read: No such file or directory");
  EXPECT_EQ(importPack(folder.path, keys, store.sink()).error().text,
            folder.path + ": is no regular file; a pack is read twice");
  folder.write("p", "text");
  EXPECT_TRUE(
      importPack(folder.at("p"), keys, store.sink())
          .error()
          .text.starts_with(folder.at("p") + ": it is no intact tar.zst"));
}

TEST(PackRefusal, OneZstdFrameAroundATar) {
  const std::string plain = tar(goodPack());
  EXPECT_EQ(faultOf(zstd(plain)), "");
  const std::string odd =
      "it is no intact tar.zst: not one zstd frame around a tar";
  EXPECT_EQ(faultOf(plain), odd);
  EXPECT_EQ(faultOf(zstd(zstd(plain))), odd);
  EXPECT_TRUE(faultOf(zstd("text")).starts_with("it is no intact tar.zst"));
  EXPECT_TRUE(faultOf("").starts_with("it is no intact tar.zst"));
}

TEST(PackRefusal, EntriesAreThoseOfTheManifest) {
  const std::vector<TarFile> good = goodPack();
  ASSERT_EQ(good.size(), 9u);
  EXPECT_EQ(faultOf(good), "");
  const std::string &last = good[8].name;
  std::vector<TarFile> pack = good;
  pack.pop_back();
  EXPECT_EQ(faultOf(pack), "its MANIFEST names " + last + ", which is missing");
  pack = good;
  pack.push_back({"more", ""});
  EXPECT_EQ(faultOf(pack), "'more' is not in its MANIFEST");
  pack = good;
  pack.push_back(good[8]);
  EXPECT_EQ(faultOf(pack), "'" + last + "' is there twice or not in its place");
  pack = good;
  std::swap(pack[3], pack[4]);
  EXPECT_EQ(faultOf(pack),
            "'" + good[4].name + "' is there twice or not in its place");
  pack = good;
  pack[8].name = "../" + last;
  EXPECT_EQ(faultOf(pack), "'../" + last + "' is not in its MANIFEST");
  pack = good;
  pack[8].bytes += "x";
  EXPECT_EQ(faultOf(pack), last + " has 9 bytes, its MANIFEST says 8");
  pack = good;
  std::swap(pack[0], pack[1]);
  EXPECT_EQ(faultOf(pack), "its first entry is not MANIFEST");
  EXPECT_EQ(faultOf(std::vector<TarFile>{}), "its first entry is not MANIFEST");
}

TEST(PackRefusal, EachEntryHasItsDigest) {
  const std::vector<TarFile> good = goodPack();
  for (size_t i = 2; i < good.size(); ++i) {
    std::vector<TarFile> pack = good;
    pack[i].bytes[1] ^= 1;
    EXPECT_EQ(faultOf(pack),
              good[i].name + " has another digest than its MANIFEST says");
  }
}

TEST(PackRefusal, OnlyRegularFiles) {
  for (char type : {'1', '2', '3', '4', '5', '6'}) {
    std::vector<TarFile> pack = goodPack();
    pack[8].type = type;
    pack[8].bytes.clear();
    pack[8].link = "/etc/passwd";
    EXPECT_EQ(faultOf(pack), "'" + pack[8].name + "' is no regular file")
        << type;
  }
}

/// A pack of one file under this name, signed.
static std::vector<TarFile> packOfOne(const std::string &name,
                                      const std::string &bytes) {
  return packOf({{name, bytes}}, &mine);
}

TEST(PackRefusal, NamesAreDigestsAlone) {
  const std::string hex = sha256("x").hex();
  for (const std::string &name :
       {std::string("../x"), std::string("/etc/passwd"),
        std::string("objects/"), "objects/" + hex + "/",
        "objects/../objects/" + hex, "objects/" + sha256("y").hex(),
        "actions/" + hex.substr(1), "foreign/" + hex, std::string("MANIFEST"),
        std::string("records")})
    EXPECT_EQ(faultOf(packOfOne(name, "x")), "its MANIFEST names " +
                                                 rt::inQuotes(name) +
                                                 ", which no pack holds");
  EXPECT_EQ(faultOf(packOfOne("objects/" + hex, "x")),
            "objects/" + hex + " is named by no action");
}

TEST(PackRefusal, ManifestsHaveOneText) {
  auto fault = [](const std::string &manifest) {
    return faultOf({{std::string(packManifest), manifest}});
  };
  const std::string head = "attn-jit.pack.v1\n",
                    line = sha256("").hex() + " 0 records.jsonl\n";
  EXPECT_EQ(fault("attn-jit.pack.v2\n"), "its MANIFEST is no attn-jit.pack.v1");
  EXPECT_EQ(fault(head + line + line),
            "its MANIFEST is not in the order of its names");
  EXPECT_EQ(fault(head + sha256("").hex() + " 00 records.jsonl\n"),
            "its MANIFEST is not the one text of what it says");
  for (const std::string &bad :
       {std::string("x"), line.substr(0, line.size() - 1), line.substr(1),
        sha256("").hex() + " -1 records.jsonl\n",
        sha256("").hex() + " 99999999999999999999 records.jsonl\n",
        sha256("").hex() + " records.jsonl\n"})
    EXPECT_EQ(fault(head + bad), "line 2 of its MANIFEST is no entry") << bad;
}

TEST(PackRefusal, SignaturesAreOfThisManifest) {
  std::vector<TarFile> pack = goodPack();
  const std::string id = mine.publicKey().id();
  // Of another domain, of another manifest, and of this one by another name.
  Signature made = mine.sign(Domain::Action, pack[0].bytes);
  pack[1].bytes = signaturesText(std::span(&made, 1));
  EXPECT_EQ(faultOf(pack), "the signature of " + id + " on it does not verify");
  made = mine.sign(Domain::Pack, "other");
  pack[1].bytes = signaturesText(std::span(&made, 1));
  EXPECT_EQ(faultOf(pack), "the signature of " + id + " on it does not verify");
  made = mine.sign(Domain::Pack, pack[0].bytes);
  made.keyId = "0000000000000000";
  pack[1].bytes = signaturesText(std::span(&made, 1));
  EXPECT_EQ(faultOf(pack),
            "the signature of " + id + " on it names '0000000000000000'");
  for (const std::string &bad :
       {std::string(), std::string("signature ed25519 x\n"),
        std::string("signature ed25519 x y"), std::string("more\n"),
        signaturesText(std::vector<Signature>(17, made))}) {
    pack[1].bytes = bad;
    EXPECT_EQ(faultOf(pack), "its MANIFEST.sig is not of 1 to 16 signatures");
  }
  pack[1].bytes = std::string(4097, 'x');
  EXPECT_EQ(faultOf(pack), "its MANIFEST.sig has more than 4096 bytes");
}

TEST(PackRefusal, ActionsAreWhatTheirNamesSay) {
  Entry entry = entryOf("sm_80", "image");
  signAction(mine, entry.action);
  const std::string name = actionName(entry.action),
                    object = objectName(entry.action);
  auto fault = [&](const std::string &as, const Action &action) {
    return faultOf(
        packOf({{as, action.text()}, {object, entry.object}}, &mine));
  };
  EXPECT_EQ(fault(name, entry.action), "");
  const std::string other = actionName(entryOf("sm_86", "").action);
  EXPECT_EQ(fault(other, entry.action),
            other + " is of another key than its name");
  Action shorter = entry.action;
  shorter.bytes = 4;
  EXPECT_EQ(fault(name, shorter), object + " has 5 bytes, its action says 4");
  Action elsewhere = entry.action;
  elsewhere.object = sha256("none");
  EXPECT_EQ(fault(name, elsewhere), name + " needs " + objectName(elsewhere) +
                                        ", which is not in its MANIFEST");
  EXPECT_EQ(faultOf(packOfOne(name, "text\n")),
            name + ": action: the body is no attn-jit.action.v1");
}

TEST(PackRefusal, RecordsAreLines) {
  for (const std::string &bad :
       {std::string("no end"), std::string("\n"), std::string("{}\n\n"),
        std::string((256 << 10) + 1, 'x') + "\n"})
    EXPECT_EQ(faultOf(packOfOne(std::string(packRecords), bad)),
              "records.jsonl is not of lines of 1 to 262144 bytes");
}

TEST(PackRefusal, SizesAreBounded) {
  PackLimits limits;
  limits.object = 10;
  EXPECT_TRUE(
      faultOf(goodPack(), limits).ends_with(" has 11 bytes, allowed are 10"));
  limits = {};
  limits.records = 7;
  EXPECT_EQ(faultOf(goodPack(), limits),
            "records.foreign.jsonl has 16 bytes, allowed are 7");
  limits = {};
  limits.entries = 6;
  EXPECT_EQ(faultOf(goodPack(), limits), "it has more than 6 entries");
  limits = {};
  limits.bytes = 100;
  EXPECT_EQ(faultOf(goodPack(), limits), "it has more than 100 bytes unpacked");
}

// 40 MiB of one letter, packed into a few kilobytes.
TEST(PackRefusal, BombsAreNotUnpacked) {
  Entry entry = entryOf("sm_80", std::string(40 << 20, 'x'));
  signAction(mine, entry.action);
  const std::vector<TarFile> pack =
      packOf({{actionName(entry.action), entry.action.text()},
              {objectName(entry.action), entry.object}},
             &mine);
  EXPECT_EQ(faultOf(pack), "it unpacks to more than 200 times its bytes");
  PackLimits limits;
  limits.ratio = 1 << 20;
  EXPECT_EQ(faultOf(pack, limits), "");
}
