// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a pack carries arrives, whole and in any order, and no damaged bit
// changes what arrives.
#include "test/runtime/store/ScratchFolder.h"
#include "test/runtime/store/pack/PackStore.h"

#include <gtest/gtest.h>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;

static Store sample() {
  Store store;
  store.put(entryOf("sm_80", "image"));
  store.put(entryOf("sm_86", "image"));
  store.put(entryOf("sm_90a", std::string(100000, 'x')));
  store.records = {{"{\"own\":1}", true}, {"{\"heard\":2}", false}};
  return store;
}

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
  Store to;
  ASSERT_TRUE(importPack(zstd(bytes), "p", listing(listOf({1})), to.sink()));
  EXPECT_EQ(to.objects, from.objects);
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
