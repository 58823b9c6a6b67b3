// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Entries that meet others of their key: foreign ones come to one state in any
// order, own ones gain signatures and lose none, and whoever is killed
// meanwhile leaves the old one or the new one.
#include "runtime/store/files/Publish.h"
#include "runtime/store/trust/Trust.h"
#include "test/runtime/store/local/StoreSample.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {

SigningKey keyOf(unsigned char number) {
  std::array<unsigned char, 32> seed{};
  seed[0] = number;
  return SigningKey::fromSeed(seed);
}

Entry signedBy(Entry entry, std::initializer_list<unsigned char> keys) {
  for (const unsigned char each : keys)
    signAction(keyOf(each), entry.action);
  return entry;
}

Step killedAt;
std::string killedOn;
void endThere(Step step, const std::string &path) {
  if (step == killedAt && path == killedOn)
    _exit(77);
}

class MergeTest : public StoreTest {
protected:
  struct Arrival {
    Entry entry;
    std::string origin;
  };
  /// The foreign file after all have come to a new store in that order.
  std::string stateAfter(const std::vector<Arrival> &arrivals) {
    std::filesystem::remove_all(rootPath());
    LocalStore store = open();
    for (const Arrival &each : arrivals)
      keep(store, each.entry, Place::Foreign, each.origin);
    EXPECT_TRUE(store.verify().empty());
    return read(actionFile(arrivals.front().entry, Shelf::Foreign));
  }
};

TEST_F(MergeTest, ForeignOnesComeToOneStateInAnyOrder) {
  const Entry one = sampleEntry(1, "one"), other = sampleEntry(1, "other");
  std::vector<int> order{0, 1, 2, 3};
  const std::vector<Arrival> all{{signedBy(one, {1}), "redis://b"},
                                 {signedBy(one, {2, 3}), "redis://a"},
                                 {signedBy(other, {1}), "redis://a"},
                                 {signedBy(other, {2}), "file:///c"}};
  std::string state;
  do {
    std::vector<Arrival> arrivals;
    for (const int i : order)
      arrivals.push_back(all[size_t(i)]);
    arrivals.push_back(arrivals.front()); // and twice
    const std::string now = stateAfter(arrivals);
    if (state.empty())
      state = now;
    ASSERT_EQ(now, state);
  } while (std::ranges::next_permutation(order).found);
}

TEST_F(MergeTest, ForeignOnesOfOneBodyHaveAllSignatures) {
  const Entry entry = sampleEntry(1);
  LocalStore store = open();
  keep(store, signedBy(entry, {1}), Place::Foreign, "redis://b");
  keep(store, signedBy(entry, {2}), Place::Foreign, "redis://a");
  const Lookup found = store.find(entry.action.key.digest());
  ASSERT_TRUE(found.entry);
  EXPECT_EQ(found.entry->action.signatures.size(), 2u);
  EXPECT_EQ(found.entry->object, entry.object);
  EXPECT_EQ(found.origin, "redis://a");
  EXPECT_EQ(store.counts().at("published"), 2);
  keep(store, signedBy(entry, {2}), Place::Foreign, "redis://a");
  EXPECT_EQ(store.counts().at("found_there"), 1);
}

TEST_F(MergeTest, SigningChangesNothingElse) {
  const Entry entry = sampleEntry(1);
  LocalStore store = open();
  keep(store, entry);
  const struct timespec marks[] = {{1000, 0}, {2000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, actionFile(entry).c_str(), marks, 0), 0);
  const Entry one = signedBy(entry, {1});
  auto changed = store.addSignatures(one.action);
  ASSERT_TRUE(changed) << changed.error().text;
  EXPECT_TRUE(*changed);
  struct stat known;
  ASSERT_EQ(stat(actionFile(entry).c_str(), &known), 0);
  EXPECT_EQ(known.st_mtime, 2000) << "it is as long unused as before";
  EXPECT_EQ(known.st_mode & 07777, 0444u);
  EXPECT_TRUE(has(store, one));
  changed = store.addSignatures(one.action);
  ASSERT_TRUE(changed) << changed.error().text;
  EXPECT_FALSE(*changed) << "twice is once";
  EXPECT_TRUE(store.verify().empty());
  EXPECT_EQ(filesIn(rootPath() + "/v1/tmp"), 0u);
}

TEST_F(MergeTest, SignersAtOnceLoseNoSignature) {
  const Entry entry = sampleEntry(1);
  LocalStore store = open();
  keep(store, entry);
  std::vector<std::thread> threads;
  for (unsigned char number = 1; number <= 12; ++number)
    threads.emplace_back([&, number] {
      auto done = LocalStore(checkCacheRoot(rootPath()))
                      .addSignatures(signedBy(entry, {number}).action);
      EXPECT_TRUE(done) << done.error().text;
    });
  for (std::thread &thread : threads)
    thread.join();
  const Lookup found = store.find(entry.action.key.digest());
  ASSERT_TRUE(found.entry);
  EXPECT_EQ(found.entry->action.signatures.size(), 12u);
  EXPECT_EQ(found.entry->action.body(), entry.action.body());
}

TEST_F(MergeTest, SigningRefusesWhatIsNotThere) {
  LocalStore store = open();
  auto faultOf = [&](LocalStore &in, const Entry &entry) {
    auto done = in.addSignatures(entry.action);
    EXPECT_FALSE(done);
    return done ? "" : done.error().text;
  };
  const Entry entry = signedBy(sampleEntry(1), {1});
  const std::string key = "key: " + entry.action.key.digest().hex() + ": ";
  EXPECT_EQ(faultOf(store, entry), key + "there is no own entry of it");
  keep(store, entry, Place::Foreign, "redis://a");
  EXPECT_EQ(faultOf(store, entry), key + "there is no own entry of it");
  keep(store, sampleEntry(1));
  EXPECT_EQ(faultOf(store, signedBy(sampleEntry(1, "another"), {1})),
            key + "the own entry of it has another body");
  for (unsigned char number = 1; number <= 16; ++number)
    ASSERT_TRUE(store.addSignatures(signedBy(sampleEntry(1), {number}).action));
  EXPECT_EQ(faultOf(store, signedBy(sampleEntry(1), {17})),
            key + "with another it would have more than 16 signatures");
  LocalStore none{checkCacheRoot("nowhere")};
  EXPECT_EQ(faultOf(none, entry), "\"nowhere\" is no absolute path");
}

TEST_F(MergeTest, KilledSignersLeaveAWholeEntry) {
  const Entry entry = sampleEntry(1), one = signedBy(entry, {1});
  for (const Step step : allSteps) {
    std::filesystem::remove_all(rootPath());
    LocalStore store = open();
    keep(store, entry);
    killedAt = step;
    killedOn = actionFile(entry);
    EXPECT_EQ(inChild([&] {
                observeSteps(endThere);
                (void)store.addSignatures(one.action).ok();
                return 0;
              }),
              77)
        << name(step);
    const bool named = step == Step::Named || step == Step::FolderSynced;
    EXPECT_TRUE(has(store, named ? one : entry)) << name(step);
    EXPECT_TRUE(store.addSignatures(one.action));
    EXPECT_TRUE(has(store, one)) << name(step);
  }
}

} // namespace
