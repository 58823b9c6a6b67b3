// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Servers of remotes that live in this process, so that each fault is exact.
// All connections to one share its state and its mood.
#ifndef ATTN_JIT_TEST_RUNTIME_STORE_REMOTE_FAKESERVERS_H
#define ATTN_JIT_TEST_RUNTIME_STORE_REMOTE_FAKESERVERS_H

#include "runtime/store/remote/Tiers.h"

#include "test/runtime/tensor/TemporaryFolder.h"

#include <atomic>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <thread>

namespace attn_jit::store::test {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

enum class Mood {
  Well,
  Fails,
  FailsToWrite,
  SlowToDeadline,
  HangsForEver,
  Lies
};

/// What all connections to one server share.
struct Server {
  std::mutex mutex;
  std::map<std::pair<Space, Digest>, std::string> bytes;
  std::map<Digest, std::set<std::string>> records;
  /// Until when they are there.
  std::map<Digest, std::pair<std::string, Clock::time_point>> leases;
  std::vector<std::string> log; ///< writes, in order
  std::string epoch = "first";
  int requests = 0;
  std::atomic<int> asked = 0; ///< of them, for a problem's records
  bool refusesRecords = false;
  std::atomic<Mood> mood = Mood::Well;
};

class FakeRemote final : public Remote {
public:
  FakeRemote(std::string name, std::shared_ptr<Server> server)
      : shown(std::move(name)), server(std::move(server)) {}
  const std::string &url() const override { return shown; }

  rt::Result<std::optional<std::string>> get(Space space, const Digest &name,
                                             Deadline deadline) override {
    ATTN_CHECK(meet(deadline, false));
    std::lock_guard lock(server->mutex);
    auto found = server->bytes.find({space, name});
    if (found == server->bytes.end())
      return std::optional<std::string>();
    return std::optional(server->mood == Mood::Lies ? found->second + "?"
                                                    : found->second);
  }
  rt::Result<bool> exists(Space space, const Digest &name,
                          Deadline deadline) override {
    ATTN_CHECK(meet(deadline, false));
    std::lock_guard lock(server->mutex);
    return server->bytes.contains({space, name});
  }
  rt::Status put(Space space, const Digest &name, std::string_view bytes,
                 Deadline deadline) override {
    ATTN_CHECK(meet(deadline, true));
    std::lock_guard lock(server->mutex);
    server->bytes[{space, name}] = bytes;
    server->log.emplace_back(store::name(space));
    return rt::success();
  }
  rt::Result<std::vector<Digest>> actions(Deadline deadline) override {
    ATTN_CHECK(meet(deadline, false));
    std::lock_guard lock(server->mutex);
    std::vector<Digest> found;
    for (const auto &[name, bytes] : server->bytes)
      if (name.first == Space::Actions)
        found.push_back(name.second);
    return found;
  }
  rt::Status addRecords(const Digest &problem,
                        std::span<const std::string> lines,
                        Deadline deadline) override {
    ATTN_CHECK(meet(deadline, true));
    std::lock_guard lock(server->mutex);
    if (server->refusesRecords) {
      refusal = "it lists nothing";
      return rt::unsupported("remote " + shown + ": " + refusal);
    }
    server->records[problem].insert(lines.begin(), lines.end());
    return rt::success();
  }
  rt::Result<std::vector<std::string>> records(const Digest &problem,
                                               Deadline deadline) override {
    ++server->asked;
    ATTN_CHECK(meet(deadline, false));
    std::lock_guard lock(server->mutex);
    const auto &found = server->records[problem];
    return std::vector<std::string>(found.begin(), found.end());
  }
  rt::Result<std::vector<Digest>> problems(Deadline deadline) override {
    ATTN_CHECK(meet(deadline, false));
    return std::vector<Digest>();
  }
  rt::Result<std::optional<HeldName>> lease(const Digest &name,
                                            std::string_view text,
                                            std::chrono::milliseconds valid,
                                            Deadline deadline) override {
    ATTN_CHECK(meet(deadline, !text.empty()));
    std::lock_guard lock(server->mutex);
    const Clock::time_point now = Clock::now();
    auto &[held, until] = server->leases[name];
    if (until <= now && !text.empty())
      held = text, until = now + valid;
    if (until <= now)
      return std::optional<HeldName>();
    return std::optional(
        HeldName{held + (server->mood == Mood::Lies ? "?" : ""),
                 std::chrono::ceil<std::chrono::milliseconds>(until - now)});
  }
  rt::Result<std::string> epoch(Deadline deadline) override {
    ATTN_CHECK(meet(deadline, false));
    std::lock_guard lock(server->mutex);
    return server->epoch;
  }

private:
  rt::Status meet(Deadline deadline, bool writes) {
    {
      std::lock_guard lock(server->mutex);
      ++server->requests;
    }
    const Mood mood = server->mood;
    if (mood == Mood::Fails || (mood == Mood::FailsToWrite && writes))
      return rt::failed("remote " + shown + ": broken");
    if (mood == Mood::SlowToDeadline) {
      std::this_thread::sleep_until(deadline);
      return rt::Error{
          rt::ErrorCode::Timeout, "remote " + shown + ": slow", {}};
    }
    while (server->mood == Mood::HangsForEver)
      std::this_thread::sleep_for(10ms);
    return rt::success();
  }
  std::string recordsRefused() const override { return refusal; }

  std::string shown, refusal;
  std::shared_ptr<Server> server;
};

inline Entry entry(const std::string &name, bool isSigned = false) {
  Entry made;
  made.object = "object of " + name;
  made.action.key.add("name", name);
  made.action.kind = "ptx";
  made.action.object = sha256(made.object);
  made.action.bytes = int64_t(made.object.size());
  made.action.manifest = "{}";
  if (isSigned)
    made.action.signatures.push_back({"0123456789abcdef", "c2ln"});
  return made;
}
inline Digest keyOf(const std::string &name) {
  return entry(name).action.key.digest();
}

/// Asks for records of no problem, and waits for the answer: remotes are asked
/// in turn, so what was asked before is answered by then.
inline bool answered(Tiers &tiers) {
  auto last = tiers.fetchRecords(Digest());
  const auto limit = Clock::now() + 10s;
  while (!last.done() && Clock::now() < limit)
    (void)last.wait(limit);
  return last.done();
}

class FakeServers : public testing::Test {
protected:
  std::unique_ptr<Tiers> open(size_t remotes, TierLimits limits = {},
                              const Refill &refill = {}) {
    while (servers.size() < remotes)
      servers.push_back(std::make_shared<Server>());
    std::vector<RemoteOptions> list(remotes, options);
    for (size_t i = 0; i < remotes; ++i)
      list[i].url = "fake://" + std::to_string(i);
    auto tiers = Tiers::open(
        list, root.path.string(), refill, limits,
        [this](const RemoteOptions &of) -> rt::Result<std::unique_ptr<Remote>> {
          return std::unique_ptr<Remote>(std::make_unique<FakeRemote>(
              of.url, servers[size_t(of.url.back() - '0')]));
        });
    EXPECT_TRUE(tiers.ok());
    return std::move(*tiers);
  }
  void TearDown() override {
    for (auto &server : servers)
      server->mood = Mood::Well; // threads that hang may end
  }
  void put(size_t server, const Entry &made) {
    servers[server]->bytes[{Space::Actions, made.action.key.digest()}] =
        made.action.text();
    servers[server]->bytes[{Space::Objects, made.action.object}] = made.object;
  }
  static std::optional<FetchedEntry> get(Tiers &tiers,
                                         const std::string &name) {
    auto fetch = tiers.fetch(keyOf(name));
    auto found = fetch.wait(Clock::now() + 10s);
    EXPECT_TRUE(fetch.done());
    return found;
  }
  static bool drain(Tiers &tiers) { return tiers.drain(Clock::now() + 10s); }

  attn_jit::test::TemporaryFolder root;
  RemoteOptions options;
  std::vector<std::shared_ptr<Server>> servers;
};

} // namespace attn_jit::store::test

#endif // ATTN_JIT_TEST_RUNTIME_STORE_REMOTE_FAKESERVERS_H
