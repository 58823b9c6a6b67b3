// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whatever is in an entry's place that is not the entry is a miss, goes to
// quarantine, is counted, and hinders no later publication.
#include "runtime/store/local/ActionFile.h"
#include "runtime/store/local/ObjectFile.h"
#include "test/runtime/store/local/StoreSample.h"

#include <algorithm>
#include <sys/stat.h>
#include <zstd.h>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {

class CorruptEntry : public StoreTest {
protected:
  CorruptEntry() : store(open()) { keep(store, entry); }

  /// The entry is missed as corrupt, `files` go to quarantine, and it can be
  /// published again.
  void expectMissed(int files, const std::string &what) {
    SCOPED_TRACE(what);
    const Counts before = store.counts();
    const size_t kept = filesIn(layout().folder("quarantine"));
    const Lookup found = store.find(entry.action.key.digest());
    EXPECT_FALSE(found.entry);
    EXPECT_EQ(name(found.miss), "corrupt");
    const Counts after = store.counts();
    EXPECT_EQ(after.at("corrupt_misses"), before.at("corrupt_misses") + 1);
    EXPECT_EQ(after.at("quarantined"), before.at("quarantined") + files);
    EXPECT_EQ(filesIn(layout().folder("quarantine")), kept + size_t(files));
    EXPECT_EQ(store.find(entry.action.key.digest()).miss, Miss::Absent);
    keep(store, entry);
    EXPECT_TRUE(has(store, entry));
  }
  static std::string flipped(std::string bytes, size_t bit) {
    bytes[bit / 8] = char(bytes[bit / 8] ^ (1 << bit % 8));
    return bytes;
  }

  const Entry entry = sampleEntry(1, samplePtx(3000, 1));
  LocalStore store;
};

// Each byte of the action: its key, object, manifest, digest and line ends.
TEST_F(CorruptEntry, FlippedBitsOfTheAction) {
  const std::string path = actionFile(entry), good = read(path);
  ASSERT_GT(good.size(), 250u);
  for (size_t byte = 0; byte < good.size(); ++byte) {
    replace(path, flipped(good, 8 * byte + byte % 8));
    const Lookup found = store.find(entry.action.key.digest());
    EXPECT_FALSE(found.entry) << byte;
    EXPECT_EQ(name(found.miss), "corrupt") << byte;
    EXPECT_FALSE(std::filesystem::exists(path)) << byte;
  }
  EXPECT_EQ(store.counts().at("quarantined"), int64_t(good.size()));
  EXPECT_EQ(filesIn(layout().folder("quarantine")), good.size());
  EXPECT_EQ(store.verify(), std::vector<std::string>());
}

// Each byte of the object's frame. A few bits of a zstd frame mean nothing:
// what is served then is still what was published, to the byte.
TEST_F(CorruptEntry, FlippedBitsOfTheObject) {
  const std::string path = objectFile(entry), good = read(path);
  const std::string action = read(actionFile(entry));
  size_t missed = 0;
  for (size_t byte = 0; byte < good.size(); ++byte) {
    replace(path, flipped(good, 8 * byte + byte % 8));
    replace(actionFile(entry), action);
    const Lookup found = store.find(entry.action.key.digest());
    if (found.entry) {
      EXPECT_EQ(found.entry->object, entry.object) << byte;
      continue;
    }
    ++missed;
    EXPECT_EQ(name(found.miss), "corrupt") << byte;
    EXPECT_FALSE(std::filesystem::exists(path)) << byte;
  }
  EXPECT_GT(missed, good.size() * 9 / 10);
  EXPECT_EQ(store.counts().at("quarantined"), int64_t(2 * missed));
}

TEST_F(CorruptEntry, TruncatedAndEmptyFiles) {
  const std::string action = read(actionFile(entry)),
                    object = read(objectFile(entry));
  for (const size_t size :
       {size_t(0), size_t(1), action.size() / 2, action.size() - 1}) {
    replace(actionFile(entry), action.substr(0, size));
    expectMissed(1, "action of " + std::to_string(size));
  }
  for (const size_t size :
       {size_t(0), size_t(1), object.size() / 2, object.size() - 1}) {
    replace(objectFile(entry), object.substr(0, size));
    expectMissed(2, "object of " + std::to_string(size));
  }
  replace(objectFile(entry), object + object);
  expectMissed(2, "two frames");
}

TEST_F(CorruptEntry, AnotherObjectUnderThatDigest) {
  replace(objectFile(entry), packObject(std::string(3000, 'x')));
  expectMissed(2, "of the same length");
  replace(objectFile(entry), packObject("short"));
  expectMissed(2, "of another length");
}

// The object is good, so it stays for others that name it.
TEST_F(CorruptEntry, ActionOfAnotherLength) {
  Action wrong = entry.action;
  wrong.bytes += 1;
  replace(actionFile(entry), packAction(wrong, Place::Own, ""));
  expectMissed(1, "length");
  EXPECT_TRUE(store.object(entry.action.object));
}

TEST_F(CorruptEntry, ActionOfAnotherKey) {
  const Entry other = sampleEntry(2);
  keep(store, other);
  replace(actionFile(entry), read(actionFile(other)));
  expectMissed(1, "whole, under a name that is not its own");
  EXPECT_TRUE(has(store, other));
}

TEST_F(CorruptEntry, ForeignActionAmongOwn) {
  replace(actionFile(entry),
          packAction(entry.action, Place::Foreign, "http://cache"));
  expectMissed(1, "its origin does not vanish");
}

TEST_F(CorruptEntry, ObjectIsGone) {
  std::filesystem::remove(objectFile(entry));
  expectMissed(1, "absent in part");
}

// 64 MiB of zeros are 2 KB on disk: no more is unpacked than was promised.
TEST_F(CorruptEntry, Bombs) {
  replace(objectFile(entry), packObject(std::string(mostObjectBytes, '\0')));
  expectMissed(2, "longer than the action says");
  const std::string tooLong(mostObjectBytes + 1, '\0');
  replace(objectFile(entry), packObject(tooLong));
  EXPECT_FALSE(store.object(entry.action.object));
  EXPECT_FALSE(std::filesystem::exists(objectFile(entry)));
  EXPECT_FALSE(unpackObject(packObject(tooLong), sha256(tooLong), std::nullopt))
      << "even where the digest is right";
}

// A frame that keeps to itself how long it is, as a streaming writer makes it.
TEST_F(CorruptEntry, FramesWithoutALength) {
  ZSTD_CCtx *context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  std::string frame(ZSTD_compressBound(entry.object.size()), '\0');
  frame.resize(ZSTD_compress2(context, frame.data(), frame.size(),
                              entry.object.data(), entry.object.size()));
  ZSTD_freeCCtx(context);
  replace(objectFile(entry), frame);
  expectMissed(2, "no length");
}

TEST_F(CorruptEntry, LinksFoldersAndPipesAreNotFiles) {
  for (const std::string &path : {actionFile(entry), objectFile(entry)}) {
    const int files = path == actionFile(entry) ? 1 : 2;
    const std::string elsewhere = folder.write("elsewhere", read(path));
    std::filesystem::remove(path);
    std::filesystem::create_symlink(elsewhere, path);
    expectMissed(files, "link to a good one");
    EXPECT_TRUE(std::filesystem::exists(elsewhere));
    std::filesystem::remove(path);
    std::filesystem::create_symlink("nowhere", path);
    expectMissed(files, "link to nowhere");
    std::filesystem::remove(path);
    std::filesystem::create_directories(path + "/below");
    expectMissed(files, "folder");
    std::filesystem::remove(path);
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    expectMissed(files, "pipe");
  }
}

// A publication does not ask before it: the bad one gives way.
TEST_F(CorruptEntry, PublishingReplacesWhatIsBad) {
  replace(actionFile(entry), "no action");
  replace(objectFile(entry), "no frame");
  keep(store, entry);
  EXPECT_TRUE(has(store, entry));
  std::filesystem::remove(objectFile(entry));
  const Entry other = sampleEntry(1, "made anew, with other bytes");
  keep(store, other);
  EXPECT_TRUE(has(store, other)) << "the first was not whole";
}

TEST_F(CorruptEntry, CorruptOwnDoesNotHideForeign) {
  keep(store, entry, Place::Foreign, "http://cache");
  replace(actionFile(entry), "no action");
  const Lookup found = store.find(entry.action.key.digest());
  ASSERT_TRUE(found.entry);
  EXPECT_EQ(found.place, Place::Foreign);
}

TEST_F(CorruptEntry, VerifyNamesEachAndSetsItAside) {
  const Entry partial = sampleEntry(2), flippedOne = sampleEntry(3),
              good = sampleEntry(4), foreign = sampleEntry(5);
  for (const Entry &each : {partial, flippedOne, good})
    keep(store, each);
  keep(store, foreign, Place::Foreign, "http://cache");
  std::filesystem::remove(objectFile(partial));
  replace(objectFile(flippedOne), "x");
  replace(actionFile(foreign, Shelf::Foreign), "x");
  replace(layout().folder("objects") + "/ab", "");
  const std::string stray =
      objectFile(entry).substr(0, objectFile(entry).rfind('/')) + "/notes";
  replace(stray, "x");
  auto nameOf = [](const char *shelf, const Digest &digest) {
    return std::string(shelf) + "/" + digest.hex().substr(0, 2) + "/" +
           digest.hex();
  };
  std::vector<std::string> bad = store.verify();
  std::vector<std::string> expected = {
      nameOf("objects", flippedOne.action.object),
      nameOf("actions", flippedOne.action.key.digest()),
      nameOf("actions", partial.action.key.digest()),
      nameOf("foreign", foreign.action.key.digest()),
      "objects/" + entry.action.object.hex().substr(0, 2) + "/notes"};
  std::ranges::sort(bad);
  std::ranges::sort(expected);
  EXPECT_EQ(bad, expected);
  EXPECT_EQ(filesIn(layout().folder("quarantine")), expected.size());
  EXPECT_EQ(store.verify(), std::vector<std::string>());
  EXPECT_TRUE(has(store, good));
  EXPECT_TRUE(has(store, entry));
}

} // namespace
