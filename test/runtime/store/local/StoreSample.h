// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A store in a folder of its own, entries for it, and what a process does to it
// in a child.
#ifndef ATTN_JIT_TEST_RUNTIME_STORE_STORESAMPLE_H
#define ATTN_JIT_TEST_RUNTIME_STORE_STORESAMPLE_H

#include "runtime/store/files/StoredFile.h"
#include "runtime/store/local/LocalStore.h"
#include "test/runtime/tensor/TemporaryFolder.h"

#include <gtest/gtest.h>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

namespace attn_jit::store::test {

inline Entry sampleEntry(int number, std::string object = {}) {
  Entry entry;
  entry.object = object.empty() ? "// kernel " + std::to_string(number) + "\n"
                                : std::move(object);
  entry.action.key.add("target", "sm_90a");
  entry.action.key.add("description", "number=" + std::to_string(number));
  entry.action.kind = "ptx";
  entry.action.object = sha256(entry.object);
  entry.action.bytes = int64_t(entry.object.size());
  entry.action.manifest = "{\"kernel\": \"attn_fwd\"}\n";
  return entry;
}

/// Text that compresses as PTX does.
inline std::string samplePtx(size_t bytes, unsigned seed) {
  static const char *lines[] = {
      "fma.rn.f32",       "mov.b32",
      "ld.shared.v4.b32", "wgmma.mma_async.sync.aligned",
      "add.s64",          "ex2.approx.ftz.f32"};
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < bytes)
    text += std::string("\t") + lines[random() % 6] + " %r" +
            std::to_string(random() % 4096) + ", %f" +
            std::to_string(random() % 4096) + ";\n";
  text.resize(bytes);
  return text;
}

inline std::string noise(size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(bytes, '\0');
  for (char &c : text)
    c = char(random());
  return text;
}

/// The exit status of `body` in a child; -n where signal n ended it.
template <typename Body> int inChild(Body body) {
  const pid_t child = fork();
  if (child == 0)
    _exit(body());
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child)
    return -1000;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

class StoreTest : public testing::Test {
protected:
  std::string rootPath() const { return folder.file("cache"); }
  LocalStore open() const {
    CacheRoot root = checkCacheRoot(rootPath());
    EXPECT_TRUE(root) << root.absent;
    return LocalStore(root);
  }
  Layout layout() const {
    CacheRoot root;
    root.path = std::filesystem::canonical(rootPath()).string();
    return Layout(root);
  }
  static void keep(LocalStore &store, const Entry &entry,
                   Place place = Place::Own, std::string_view origin = {}) {
    auto done = store.publish(entry.action, entry.object, place, origin);
    ASSERT_TRUE(done) << done.error().text;
  }
  static bool has(const LocalStore &store, const Entry &entry) {
    const Lookup found = store.find(entry.action.key.digest());
    return found.entry && found.entry->object == entry.object &&
           found.entry->action.text() == entry.action.text();
  }
  std::string actionFile(const Entry &entry,
                         Shelf shelf = Shelf::Actions) const {
    return layout().file(shelf, entry.action.key.digest());
  }
  std::string objectFile(const Entry &entry) const {
    return layout().file(Shelf::Objects, entry.action.object);
  }
  static std::string read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// In place of what is there, whatever its mode.
  static void replace(const std::string &path, const std::string &bytes) {
    std::filesystem::remove_all(path);
    std::ofstream(path, std::ios::binary) << bytes;
  }
  static size_t filesIn(const std::string &path) {
    std::error_code code;
    auto begin = std::filesystem::directory_iterator(path, code);
    return code ? 0 : size_t(std::distance(begin, {}));
  }

  attn_jit::test::TemporaryFolder folder;
};

} // namespace attn_jit::store::test

#endif // ATTN_JIT_TEST_RUNTIME_STORE_STORESAMPLE_H
