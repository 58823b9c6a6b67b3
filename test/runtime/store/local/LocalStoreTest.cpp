// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is published is found, by whom it was made and from where; whoever was
// first stays; and where nothing can be written the caller is told.
#include "test/runtime/store/local/StoreSample.h"

#include <sys/stat.h>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {

class LocalStoreTest : public StoreTest {};

TEST_F(LocalStoreTest, FindsWhatWasPublished) {
  LocalStore store = open();
  const Entry entry = sampleEntry(1, samplePtx(200000, 1));
  EXPECT_EQ(store.find(entry.action.key.digest()).miss, Miss::Absent);
  keep(store, entry);
  EXPECT_TRUE(has(store, entry));
  EXPECT_TRUE(has(open(), entry));
  EXPECT_EQ(store.object(entry.action.object), entry.object);
  EXPECT_FALSE(store.object(sha256("another")));
  EXPECT_EQ(store.counts().at("own_hits"), 2) << "of two store objects";
  EXPECT_EQ(store.counts().at("absent_misses"), 1);
  EXPECT_EQ(store.counts().at("published"), 1);
}

TEST_F(LocalStoreTest, WhoLooksAgainHasMissedOnce) {
  LocalStore store = open();
  const Entry entry = sampleEntry(1);
  const Digest key = entry.action.key.digest();
  EXPECT_FALSE(store.find(key).entry);
  EXPECT_FALSE(store.find(key, Look::Again).entry);
  EXPECT_EQ(store.counts().at("absent_misses"), 1);
  keep(store, entry);
  EXPECT_TRUE(store.find(key, Look::Again).entry);
  EXPECT_EQ(store.counts().at("own_hits"), 1);
}

TEST_F(LocalStoreTest, KeepsFilesThatNobodyElseReadsOrWrites) {
  LocalStore store = open();
  const Entry entry = sampleEntry(1, samplePtx(200000, 1));
  const mode_t before = umask(0);
  keep(store, entry);
  umask(before);
  struct stat known;
  ASSERT_EQ(stat(objectFile(entry).c_str(), &known), 0);
  EXPECT_EQ(known.st_mode & 07777, 0444u);
  EXPECT_LT(known.st_size, 100000) << "zstd";
  for (const char *name : {"", "/v1", "/v1/objects", "/v1/tmp", "/v1/locks"}) {
    ASSERT_EQ(stat((rootPath() + name).c_str(), &known), 0) << name;
    EXPECT_EQ(known.st_mode & 07777, 0700u) << name;
  }
  EXPECT_EQ(filesIn(rootPath() + "/v1/tmp"), 0u);
}

TEST_F(LocalStoreTest, OwnGoesBeforeForeign) {
  LocalStore store = open();
  const Entry foreign = sampleEntry(1, "foreign"), own = sampleEntry(1, "own");
  keep(store, foreign, Place::Foreign, "redis://cache:6379/0");
  Lookup found = store.find(own.action.key.digest());
  ASSERT_TRUE(found.entry);
  EXPECT_EQ(found.place, Place::Foreign);
  EXPECT_EQ(found.origin, "redis://cache:6379/0");
  keep(store, own);
  found = store.find(own.action.key.digest());
  ASSERT_TRUE(found.entry);
  EXPECT_EQ(found.place, Place::Own);
  EXPECT_EQ(found.entry->object, "own");
  EXPECT_EQ(found.origin, "");
  EXPECT_EQ(store.counts().at("foreign_hits"), 1);
}

TEST_F(LocalStoreTest, FirstStays) {
  LocalStore store = open();
  const Entry first = sampleEntry(1, "first"),
              second = sampleEntry(1, "second");
  keep(store, first);
  keep(store, second);
  EXPECT_TRUE(has(store, first));
  EXPECT_EQ(store.counts().at("found_there"), 1);
}

TEST_F(LocalStoreTest, EmptyObjectsAreObjects) {
  LocalStore store = open();
  Entry entry = sampleEntry(1);
  entry.object.clear();
  entry.action.object = sha256("");
  entry.action.bytes = 0;
  keep(store, entry);
  EXPECT_TRUE(has(store, entry));
}

TEST_F(LocalStoreTest, WhatDoesNotBelongTogetherIsRefused) {
  LocalStore store = open();
  const Entry entry = sampleEntry(1);
  auto faultOf = [&](const Action &action, std::string_view object, Place place,
                     std::string_view origin) {
    auto done = store.publish(action, object, place, origin);
    EXPECT_FALSE(done);
    return done ? "" : done.error().text;
  };
  EXPECT_EQ(faultOf(entry.action, "another", Place::Own, ""),
            "object: it is not the one that its action names");
  for (const char *origin :
       {"", "http://a b", "http://a\nb", "redis://user:secret@cache:6379"})
    EXPECT_EQ(faultOf(entry.action, entry.object, Place::Foreign, origin),
              "origin: a URL without credentials is needed")
        << origin;
  Action keyless = entry.action;
  keyless.key = Key();
  EXPECT_EQ(faultOf(keyless, entry.object, Place::Own, ""),
            "action: it has no text that can be read again");
  EXPECT_FALSE(std::filesystem::exists(rootPath() + "/v1/objects"));
}

TEST_F(LocalStoreTest, WithoutARootEverythingMisses) {
  LocalStore store{checkCacheRoot("nowhere")};
  const Entry entry = sampleEntry(1);
  EXPECT_EQ(store.find(entry.action.key.digest()).miss, Miss::Absent);
  EXPECT_FALSE(store.object(entry.action.object));
  auto done = store.publish(entry.action, entry.object);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().text, "\"nowhere\" is no absolute path");
  EXPECT_FALSE(store.lock(entry.action.key.digest(), std::chrono::hours(1)));
  EXPECT_TRUE(store.verify().empty());
  EXPECT_EQ(store.prune({}), 0);
  EXPECT_EQ(store.usage().bytes, 0);
  EXPECT_EQ(store.counts().at("absent_misses"), 1);
}

TEST_F(LocalStoreTest, AFolderThatIsTakenAwayIsMadeAgain) {
  LocalStore store = open();
  keep(store, sampleEntry(1));
  std::filesystem::remove_all(rootPath() + "/v1");
  EXPECT_FALSE(has(store, sampleEntry(1)));
  keep(store, sampleEntry(2));
  EXPECT_TRUE(has(store, sampleEntry(2)));
}

TEST_F(LocalStoreTest, EachActionAndItsOrigin) {
  LocalStore store = open();
  keep(store, sampleEntry(1));
  keep(store, sampleEntry(2), Place::Foreign, "file:///shared");
  keep(store, sampleEntry(3));
  replace(actionFile(sampleEntry(3)), "no action");
  std::vector<std::string> seen;
  store.each([&](const Action &action, Place place, const std::string &origin) {
    seen.push_back(*action.key.find("description") +
                   (place == Place::Own ? "" : " from ") + origin);
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"number=1",
                                            "number=2 from file:///shared"}));
}

TEST_F(LocalStoreTest, UsageCountsFilesAndBytes) {
  LocalStore store = open();
  keep(store, sampleEntry(1));
  keep(store, sampleEntry(2, sampleEntry(1).object), Place::Foreign,
       "file:///a");
  const Usage usage = store.usage();
  EXPECT_EQ(usage.actions, 1);
  EXPECT_EQ(usage.foreign, 1);
  EXPECT_EQ(usage.objects, 1) << "of the same bytes";
  EXPECT_EQ(size_t(usage.bytes),
            read(actionFile(sampleEntry(1))).size() +
                read(actionFile(sampleEntry(2), Shelf::Foreign)).size() +
                read(objectFile(sampleEntry(1))).size());
}

} // namespace
