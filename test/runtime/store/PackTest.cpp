// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a pack carries arrives, whole and in any order; what is wrong with one
// is told in one sentence, and then nothing of it arrives.
#include "runtime/store/Pack.h"
#include "runtime/Printable.h"
#include "test/runtime/store/PackBuilder.h"
#include "test/runtime/store/ScratchFolder.h"

#include <gtest/gtest.h>
#include <map>
#include <set>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {

/// A store as packs see it.
struct Store {
  std::map<std::string, Action> actions;
  std::map<std::string, std::string> objects;
  std::map<std::string, bool> records; ///< by line: own
  std::set<std::string> signers;
  int calls = 0;
  bool own = true; ///< what it exports was made here

  bool operator==(const Store &other) const {
    auto texts = [](const Store &store) {
      std::map<std::string, std::string> all;
      for (const auto &[name, action] : store.actions)
        all[name] = action.text();
      return all;
    };
    return texts(*this) == texts(other) && objects == other.objects &&
           records == other.records;
  }

  void put(const Entry &entry) {
    const std::string name = actionName(entry.action);
    auto [there, made] = actions.emplace(name, entry.action);
    if (!made)
      there->second = merged(there->second, entry.action);
    objects[objectName(entry.action)] = entry.object;
  }
  PackSink sink() {
    return {[this](const Entry &entry, const std::string &signer) {
              ++calls;
              put(entry);
              signers.insert(signer);
              return rt::success();
            },
            [this](std::span<const std::string> lines,
                   bool own) -> rt::Result<int64_t> {
              ++calls;
              int64_t fresh = 0;
              for (const std::string &line : lines) {
                fresh += records.emplace(line, own).second;
                records[line] |= own;
              }
              return fresh;
            }};
  }
  PackSource source() {
    return {[this](const PackSource::OneAction &take) {
              for (const auto &[name, action] : actions)
                take(action, own);
              return rt::success();
            },
            [this](const Digest &digest) -> std::optional<std::string> {
              auto found =
                  objects.find(std::string(packObjects) + digest.hex());
              return found == objects.end() ? std::nullopt
                                            : std::optional(found->second);
            },
            [this](const PackSource::OneRecord &take) {
              for (const auto &[line, own] : records)
                take(line, own);
              return rt::success();
            }};
  }
};

TrustedKeys listing(const std::string &text) {
  return *TrustedKeys::parse(text, "keys");
}

Store sample() {
  Store store;
  store.put(entryOf("sm_80", "image"));
  store.put(entryOf("sm_86", "image"));
  store.put(entryOf("sm_90a", std::string(100000, 'x')));
  store.records = {{"{\"own\":1}", true}, {"{\"heard\":2}", false}};
  return store;
}

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

const SigningKey mine = signer(1);

std::vector<TarFile> goodPack() { return packOf(goodFiles(mine), &mine); }

} // namespace

TEST(Pack, WhatWasExportedArrives) {
  ScratchFolder folder;
  Store from = sample(), to;
  auto exported = exportPack(folder.at("p"), from.source(), &mine);
  ASSERT_TRUE(exported) << exported.error().text;
  EXPECT_EQ(exported->actions, 3);
  EXPECT_EQ(exported->objects, 2);
  EXPECT_EQ(exported->records, 2);
  EXPECT_EQ(exported->leftOut, 0);
  auto imported = importPack(folder.at("p"), listing(listOf({1})), to.sink());
  ASSERT_TRUE(imported) << imported.error().text;
  EXPECT_EQ(imported->signer, mine.publicKey().id());
  EXPECT_EQ(imported->recordsOnly, "");
  EXPECT_EQ(imported->actions, 3);
  EXPECT_EQ(imported->leftOut, 0);
  EXPECT_EQ(imported->records, 2);
  EXPECT_EQ(imported->newRecords, 2);
  EXPECT_EQ(to.objects, from.objects);
  EXPECT_EQ(to.records, from.records);
  EXPECT_EQ(to.signers, std::set<std::string>{mine.publicKey().id()});
  // Each action arrives with the signature that a load verifies.
  for (const auto &[name, action] : to.actions)
    EXPECT_TRUE(verifyEntry(listing(listOf({1})), action.key,
                            {action, to.objects[objectName(action)]}));
}

TEST(Pack, SameContentIsTheSameBytes) {
  ScratchFolder folder;
  Store one = sample(), other;
  auto imported = exportPack(folder.at("one"), one.source(), &mine);
  ASSERT_TRUE(imported);
  ASSERT_TRUE(importPack(folder.at("one"), listing(listOf({1})), other.sink()));
  other.own = false;
  ASSERT_TRUE(exportPack(folder.at("other"), other.source(), &mine));
  EXPECT_EQ(folder.read("one"), folder.read("other"));
}

// A pack is also what tar and zstd say it is.
TEST(Pack, IsAnOrdinaryTar) {
  ScratchFolder folder;
  Store from = sample();
  ASSERT_TRUE(exportPack(folder.at("p"), from.source(), &mine));
  const std::string bytes = unzstd(folder.read("p"));
  ASSERT_EQ(bytes.size() % 512, 0u);
  EXPECT_EQ(std::string(bytes.c_str()), "MANIFEST");
  EXPECT_EQ(bytes.substr(257, 5), "ustar");
  EXPECT_EQ(faultOf(zstd(bytes)), "");
}

TEST(Pack, MergesInAnyOrderAndTwice) {
  ScratchFolder folder;
  const SigningKey second = signer(2);
  Store left = sample(), right = sample();
  // Another body for one key, and a record that only one of them heard.
  right.actions[actionName(entryOf("sm_80", "image").action)] =
      entryOf("sm_80", "made elsewhere").action;
  right.put(entryOf("sm_80", "made elsewhere"));
  right.actions[actionName(entryOf("sm_80", "image").action)] =
      entryOf("sm_80", "made elsewhere").action;
  right.records["{\"heard\":2}"] = true;
  right.records["{\"more\":3}"] = false;
  ASSERT_TRUE(exportPack(folder.at("l"), left.source(), &mine));
  ASSERT_TRUE(exportPack(folder.at("r"), right.source(), &second));
  const TrustedKeys keys = listing(listOf({1, 2}));
  auto import = [&](std::initializer_list<const char *> packs) {
    Store store;
    for (const char *each : packs) {
      auto imported = importPack(folder.at(each), keys, store.sink());
      EXPECT_TRUE(imported) << imported.error().text;
    }
    return store;
  };
  const Store once = import({"l", "r"});
  EXPECT_EQ(once.actions.size(), 3u);
  EXPECT_EQ(once, import({"r", "l"}));
  EXPECT_EQ(once, import({"l", "r", "r", "l", "l"}));
  // Both have signed what both have.
  EXPECT_EQ(once.actions.at(actionName(entryOf("sm_86", "image").action))
                .signatures.size(),
            2u);
}

TEST(Pack, OfNobodyIsOnlyHints) {
  ScratchFolder folder;
  Store from = sample(), to;
  auto exported = exportPack(folder.at("unsigned"), from.source(), nullptr);
  ASSERT_TRUE(exported);
  EXPECT_EQ(exported->actions, 0);
  const SigningKey other = signer(2);
  ASSERT_TRUE(exportPack(folder.at("other"), from.source(), &other));
  auto import = [&](const char *name, const std::string &list) {
    to = Store();
    auto imported = importPack(folder.at(name), listing(list), to.sink());
    EXPECT_TRUE(imported) << imported.error().text;
    EXPECT_EQ(imported->signer, "");
    EXPECT_EQ(imported->actions, 0);
    EXPECT_TRUE(to.actions.empty());
    EXPECT_EQ(to.records,
              (std::map<std::string, bool>{{"{\"own\":1}", false},
                                           {"{\"heard\":2}", false}}));
    return imported->recordsOnly;
  };
  const std::string id = other.publicKey().id();
  EXPECT_EQ(import("unsigned", listOf({1})), "it is unsigned");
  EXPECT_EQ(import("other", listOf({1})),
            "it is signed by a key that is not listed: " + id);
  EXPECT_EQ(import("other", listOf({1, 2}) + "revoked " + id + " lost\n"),
            "it is signed by a revoked key: " + id + ", lost");
}

// The pack's signature makes no code run: that takes the action's own.
TEST(Pack, ActionsNeedSignaturesOfTheirOwn) {
  std::vector<TarFile> files = goodFiles(signer(2));
  Entry bare = entryOf("gfx942", "bare");
  files.push_back({actionName(bare.action), bare.action.text()});
  files.push_back({objectName(bare.action), bare.object});
  std::ranges::sort(files, {}, &TarFile::name);
  Store store;
  auto imported = importPack(zstd(tar(packOf(files, &mine))), "p",
                             listing(listOf({1})), store.sink());
  ASSERT_TRUE(imported) << imported.error().text;
  EXPECT_EQ(imported->signer, mine.publicKey().id());
  EXPECT_EQ(imported->actions, 0);
  EXPECT_EQ(imported->leftOut, 4);
  EXPECT_TRUE(imported->whyLeftOut == "it is unsigned" ||
              imported->whyLeftOut ==
                  "it is signed by a key that is not listed: " +
                      signer(2).publicKey().id());
  EXPECT_EQ(imported->newRecords, 3);
  EXPECT_TRUE(store.actions.empty());
}

TEST(Pack, UnsignedActionsOfOthersAreNotExported) {
  ScratchFolder folder;
  Store from = sample();
  from.own = false;
  from.objects.erase(objectName(entryOf("", std::string(100000, 'x')).action));
  signAction(signer(2), from.actions[actionName(entryOf("sm_80", "").action)]);
  auto exported = exportPack(folder.at("p"), from.source(), &mine);
  ASSERT_TRUE(exported);
  EXPECT_EQ(exported->actions, 1);
  EXPECT_EQ(exported->leftOut, 2);
}

TEST(Pack, RefusedExportsLeaveNothing) {
  ScratchFolder folder;
  Store from = sample();
  from.records["two\nlines"] = true;
  EXPECT_EQ(exportPack(folder.at("p"), from.source(), &mine).error().text,
            "a record to export is not one line of 1 to 262144 bytes");
  from = sample();
  PackSource source = from.source();
  source.object = [&, asked = 0](const Digest &digest) mutable {
    return ++asked > 3 ? std::nullopt : from.source().object(digest);
  };
  const auto gone = exportPack(folder.at("p"), source, &mine);
  ASSERT_FALSE(gone);
  EXPECT_TRUE(gone.error().text.ends_with(" went away while it was exported"))
      << gone.error().text;
  EXPECT_FALSE(exportPack(folder.at("none/p"), from.source(), &mine));
  EXPECT_EQ(folder.files(), 0);
}

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

// Every bit of every header, every entry and the padding between them, repacked
// so that the change arrives: either it is refused whole, or (in a header's
// times, owners and padding) it changes nothing of what arrives.
TEST(PackDamage, NoBitChangesWhatArrives) {
  const std::string good = tar(goodPack());
  const TrustedKeys keys = listing(listOf({1}));
  Store whole;
  ASSERT_TRUE(importPack(zstd(good), "p", keys, whole.sink()));
  int refused = 0, same = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bytes = good;
    bytes[i] = char(bytes[i] ^ (1 << (i % 8)));
    Store store;
    auto imported = importPack(zstd(bytes), "p", keys, store.sink());
    if (imported) {
      EXPECT_EQ(store, whole) << i;
      EXPECT_EQ(imported->signer, mine.publicKey().id());
      ++same;
      continue;
    }
    EXPECT_EQ(store.calls, 0) << i << ": " << imported.error().text;
    ++refused;
  }
  RecordProperty("refused", refused);
  RecordProperty("same", same);
  EXPECT_GT(refused, 3000);
}

// The file as it lies on a disk: each bit, and each length.
TEST(PackDamage, NorDoesOneOfTheFile) {
  const std::string good = zstd(tar(goodPack()));
  const TrustedKeys keys = listing(listOf({1}));
  Store whole;
  ASSERT_TRUE(importPack(good, "p", keys, whole.sink()));
  int refused = 0;
  auto look = [&](const std::string &bytes) {
    Store store;
    auto imported = importPack(bytes, "p", keys, store.sink());
    if (imported) {
      EXPECT_EQ(store, whole);
    } else {
      EXPECT_EQ(store.calls, 0) << imported.error().text;
      EXPECT_EQ(imported.error().text.find('\n'), std::string::npos);
      ++refused;
    }
  };
  for (size_t i = 0; i < 8 * good.size(); ++i) {
    std::string bytes = good;
    bytes[i / 8] = char(bytes[i / 8] ^ (1 << (i % 8)));
    look(bytes);
  }
  EXPECT_GT(refused, int(6 * good.size()));
  for (size_t size = 0; size < good.size(); ++size)
    look(good.substr(0, size));
}

TEST(PackDamage, SinksThatFailSayIt) {
  Store store;
  PackSink sink = store.sink();
  sink.publish = [](const Entry &, const std::string &) -> rt::Status {
    return rt::failed("the disk is full");
  };
  EXPECT_EQ(importPack(zstd(tar(goodPack())), "p", listing(listOf({1})), sink)
                .error()
                .text,
            "the disk is full");
}

TEST(Merged, IsTheSameInAnyOrder) {
  Action one = entryOf("sm_80", "image").action, other = one;
  signAction(signer(1), one);
  signAction(signer(2), other);
  EXPECT_EQ(merged(one, other).text(), merged(other, one).text());
  EXPECT_EQ(merged(one, other).signatures.size(), 2u);
  EXPECT_EQ(merged(merged(one, other), one).text(), merged(one, other).text());
  const Action apart = entryOf("sm_80", "other").action;
  EXPECT_EQ(merged(one, apart).text(), merged(apart, one).text());
  std::vector<Action> many;
  for (unsigned char seed = 0; seed < 20; ++seed) {
    many.push_back(entryOf("sm_80", "image").action);
    signAction(signer(seed), many.back());
  }
  Action up = many.front(), down = many.back();
  for (const Action &each : many)
    up = merged(up, each), down = merged(each, down);
  std::ranges::reverse(many);
  for (const Action &each : many)
    down = merged(down, each);
  EXPECT_EQ(up.text(), down.text());
  EXPECT_EQ(up.signatures.size(), 16u);
}
