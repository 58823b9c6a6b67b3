// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One process compiles what many want; a lock ends with its process; a child of
// fork holds none and can use the store.
#include "test/runtime/store/local/StoreSample.h"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <thread>

using namespace attn_jit::store;
using namespace attn_jit::store::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

class KeyLockTest : public StoreTest {
protected:
  static Digest keyOf(int number) {
    return sampleEntry(number).action.key.digest();
  }
};

TEST_F(KeyLockTest, SixtyFourProcessesCompileOnce) {
  const Entry entry = sampleEntry(1, samplePtx(200000, 1));
  const std::string compiled = folder.write("compiled", "");
  checkCacheRoot(rootPath());
  std::vector<pid_t> children;
  for (int i = 0; i < 64; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      LocalStore store(checkCacheRoot(rootPath()));
      const Digest key = entry.action.key.digest();
      if (!store.find(key).entry) {
        auto lock = store.lock(key, 60s);
        if (!lock)
          _exit(1);
        if (!store.find(key).entry) {
          const int file =
              ::open(compiled.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
          if (::write(file, "x", 1) != 1)
            _exit(2);
          std::this_thread::sleep_for(100ms);
          if (!store.publish(entry.action, entry.object))
            _exit(3);
        }
      }
      _exit(has(store, entry) ? 0 : 4);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
  }
  EXPECT_EQ(read(compiled), "x");
}

TEST_F(KeyLockTest, ExcludesThreadsToo) {
  LocalStore store = open();
  int inside = 0, most = 0; // plain: the lock orders them
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        auto lock = store.lock(keyOf(1), 60s);
        if (!lock)
          continue;
        most = std::max(most, ++inside);
        --inside;
        ++done;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(done, 160);
}

// Two keys whose digests begin with one byte, and so share a file.
TEST_F(KeyLockTest, KeysOfOneFileDoNotWaitForEachOther) {
  LocalStore store = open();
  int other = 2;
  while (keyOf(other).bytes[0] != keyOf(1).bytes[0])
    ++other;
  auto one = store.lock(keyOf(1), 0s);
  ASSERT_TRUE(one);
  auto two = store.lock(keyOf(other), 0s); // of the same thread
  ASSERT_TRUE(two);
  one.reset();
  EXPECT_FALSE(store.lock(keyOf(other), 0s));
  EXPECT_TRUE(store.lock(keyOf(1), 0s));
}

TEST_F(KeyLockTest, WaitsToItsLimit) {
  LocalStore store = open();
  std::optional<KeyLock> lock = store.lock(keyOf(1), 0s);
  ASSERT_TRUE(lock && lock->held());
  const auto begin = Clock::now();
  EXPECT_FALSE(store.lock(keyOf(1), 100ms));
  EXPECT_GE(Clock::now() - begin, 100ms);
  EXPECT_LT(Clock::now() - begin, 5s);
  EXPECT_EQ(store.counts().at("lock_limits"), 1);
  std::thread later([&] {
    std::this_thread::sleep_for(50ms);
    lock.reset();
  });
  EXPECT_TRUE(store.lock(keyOf(1), 60s));
  later.join();
}

TEST_F(KeyLockTest, WhoIsCalledOffWaitsNoLonger) {
  LocalStore store = open();
  const std::optional<KeyLock> lock = store.lock(keyOf(1), 0s);
  ASSERT_TRUE(lock);
  std::atomic<bool> calledOff = false;
  std::thread later([&] {
    std::this_thread::sleep_for(50ms);
    calledOff = true;
  });
  const auto begin = Clock::now();
  EXPECT_FALSE(store.lock(keyOf(1), 60s, [&] { return calledOff.load(); }));
  EXPECT_LT(Clock::now() - begin, 5s);
  EXPECT_EQ(store.counts().at("lock_limits"), 0) << "it was no limit";
  later.join();
}

TEST_F(KeyLockTest, EndsWithItsProcess) {
  checkCacheRoot(rootPath());
  EXPECT_EQ(inChild([&] {
              auto lock = open().lock(keyOf(1), 0s);
              return kill(getpid(), lock ? SIGKILL : SIGABRT);
            }),
            -SIGKILL);
  EXPECT_TRUE(open().lock(keyOf(1), 0s));
}

// The lock is on an open file that a child shares: it would keep it.
TEST_F(KeyLockTest, AChildOfForkDoesNotHoldIt) {
  LocalStore store = open();
  int ready[2], end[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(end), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    auto lock = store.lock(keyOf(1), 0s);
    if (fork() == 0) { // outlives its parent
      char byte = lock && !lock->held() ? 'y' : 'n';
      lock.reset(); // must not release what the parent holds
      if (store.lock(keyOf(1), 0s))
        byte = 'n';
      close(end[1]);
      (void)!::write(ready[1], &byte, 1);
      (void)!::read(end[0], &byte, 1);
      _exit(0);
    }
    pause();
  }
  close(end[0]);
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_FALSE(store.lock(keyOf(1), 0s)) << "the parent lives";
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  EXPECT_TRUE(store.lock(keyOf(1), 0s)) << "the child lives";
  close(end[1]);
}

// Threads publish, look up and lock while the process forks; each child uses
// the same store object.
TEST_F(KeyLockTest, ForkWhileThreadsPublish) {
  LocalStore store = open();
  std::atomic<bool> stop = false;
  std::atomic<int> failures = 0, published = 0;
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&, i] {
      for (int j = 0; !stop; ++j) {
        const Entry entry = sampleEntry(100000 * (i + 1) + j);
        auto lock = store.lock(entry.action.key.digest(), 10s);
        const bool kept(store.publish(entry.action, entry.object));
        failures += !lock || !kept || !has(store, entry);
        ++published;
      }
    });
  for (int i = 0; i < 50; ++i) {
    const Entry entry = sampleEntry(i);
    EXPECT_EQ(inChild([&] {
                auto lock = store.lock(entry.action.key.digest(), 10s);
                return lock && store.publish(entry.action, entry.object) &&
                               has(store, entry)
                           ? 0
                           : 1;
              }),
              0);
    EXPECT_TRUE(has(store, entry)) << i;
  }
  stop = true;
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_GT(published, 0);
  EXPECT_EQ(store.verify(), std::vector<std::string>());
}

} // namespace
