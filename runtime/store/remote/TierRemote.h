// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One remote of Tiers: a lane that reads and one that writes, each with a
// connection and a breaker of its own, so that a long upload delays no look-up
// and a full server is still read.
#ifndef ATTN_JIT_RUNTIME_STORE_TIERREMOTE_H
#define ATTN_JIT_RUNTIME_STORE_TIERREMOTE_H

#include "runtime/store/remote/Quota.h"
#include "runtime/store/remote/Tiers.h"

#include <atomic>

namespace attn_jit::store {

class TierRemote : public std::enable_shared_from_this<TierRemote> {
public:
  static rt::Result<std::shared_ptr<TierRemote>>
  open(const RemoteOptions &options, const std::string &folder, Refill refill,
       const TierLimits &limits, const Tiers::Open &open);

  /// Queues a job of the reading lane, which may call find and findRecords.
  bool read(Lane::Job job);
  /// `again`: what is absent was absent before, and is counted once.
  std::optional<FetchedEntry> find(const Digest &key, bool again = false);
  /// Queues a job of the lane that writes, so that a server which may only be
  /// read is none that fails, or of the other one where `text` is empty.
  bool lease(const Digest &key, std::string text,
             std::chrono::milliseconds valid,
             std::function<void(std::optional<HeldName>)> then);
  bool writable() const { return !writes.options().readOnly; }
  bool readsFail() const { return readBreaker->openFor().count() > 0; }
  const std::string &shown() const { return url; }
  /// Nothing where it gave no answer.
  std::optional<FetchedRecords> findRecords(const Digest &problem);

  void write(std::shared_ptr<const Entry> entry);
  void write(const Digest &problem,
             std::shared_ptr<const std::vector<std::string>> lines);
  bool drain(Deadline deadline) { return writing.waitIdle(deadline); }
  /// Drops what waits; connections end in their threads.
  void stop();
  bool waitEnded(Deadline deadline) {
    return writing.waitEnded(deadline) && reading.waitEnded(deadline);
  }
  RemoteStats stats();
  /// What was counted goes to the figures of all processes.
  void flushStats() { meter->flush(); }

private:
  struct Parts {
    std::string url, refused, folder, name;
    Refill refill;
    TierLimits limits;
    RemoteOptions options;
    std::unique_ptr<Remote> reader, writer;
  };
  explicit TierRemote(Parts parts);

  void queueWrite(std::function<bool()> job, size_t bytes);
  bool writeEntry(const Entry &entry);
  bool writeAction(const Digest &key, const Action &action);
  bool writeRecords(const Digest &problem, std::span<const std::string> lines);
  /// False: it fell behind, and is to be filled another time.
  bool fill();
  void lookForEmptied();
  /// Why it keeps no records, which some learn only when they are asked.
  std::string recordsRefused() const;
  void learnRefusal(const TierLink &link);
  std::string seenEpoch() const;
  void seeEpoch(const std::string &epoch);

  const std::string url, epochFile;
  const Refill refill;
  const TierLimits limits;
  std::shared_ptr<RemoteMeter> meter;
  std::shared_ptr<Breaker> readBreaker, writeBreaker;
  Quota quota;
  Lane reading, writing;
  TierLink reads, writes;
  mutable std::mutex refusalMutex;
  std::string refusal;
  std::string epochInMemory;
  /// When it was last asked for, the clock's ticks.
  std::atomic<Deadline::rep> epochAsked = 0;
  std::atomic<bool> epochQueued = false;
  std::atomic<bool> overQuota = false; ///< the last entry was not written
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_TIERREMOTE_H
