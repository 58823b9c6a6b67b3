// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tuning records between this user's store and the remotes.
//
// What is measured here goes through add(): signed with this user's own key, if
// there is one, and stored; offer() gives it to all remotes that may be
// written. What others measured is asked for in the background when a problem
// is first met, and stored beside: nobody waits for it. Whose word it is, is
// told anew each time that it is read (RecordTrust.h): signed by a key that is
// listed then, it is as one's own; else it is a hint.
#ifndef ATTN_JIT_TOOLS_API_RECORDEXCHANGE_H
#define ATTN_JIT_TOOLS_API_RECORDEXCHANGE_H

#include "autotune/Journal.h"
#include "runtime/store/remote/AskedTimes.h"
#include "runtime/store/remote/Tiers.h"

#include <atomic>
#include <map>

namespace attn_jit::api {

/// Any number of threads at once. In a child of fork it is a store without
/// remotes.
class RecordExchange final : public tune::RecordSink {
public:
  /// Without a root records are in memory; one that is read-only is read, and
  /// what comes from remotes is in memory. `remotes`, null where there are
  /// none, outlive it.
  RecordExchange(const store::CacheRoot &root, store::Tiers *remotes);
  ~RecordExchange() override;
  /// Of this user, by the environment; one for all engines of a process. The
  /// error is of what the environment or a file of the user says of remotes.
  static rt::Result<RecordExchange *> ofProcess();

  bool hasRemotes() const { return remotes; }
  /// This user's, as it is.
  store::RecordStore &own() { return *store; }
  /// Of which there are records. Makes no database where there is none.
  rt::Result<std::vector<store::Digest>> problems() const;
  rt::Result<std::vector<store::StoredRecord>>
  ofProblem(const store::Digest &problem) override;
  /// Of them only those that `matter` may be own, if they are from elsewhere.
  rt::Result<std::vector<store::StoredRecord>>
  ofProblem(const store::Digest &problem,
            const std::function<bool(const store::Record &)> &matter);
  /// Whatever is stored, each with the voice that it has now: 70 us for one
  /// from elsewhere. Makes no database where there is none.
  rt::Status
  each(const std::function<void(const store::StoredRecord &)> &visit) const;
  /// Records of this user's own measurements: signed, and on disk when it
  /// returns.
  rt::Status add(std::span<const store::Record> records) override;
  /// What was measured here in this session and those whose names begin with
  /// it, and what is retracted of the problem, to the remotes; in the
  /// background, and bounded when the process ends.
  void offer(const store::Digest &problem, const std::string &session);

  /// Has the remotes asked for the problem, unless this process has done so or
  /// another one within minutes. Tens of microseconds. True, each time: another
  /// one has, and what it was given is in the store.
  bool ask(const store::Digest &problem);
  /// Asks whatever was asked before, and waits until all have answered and what
  /// they said is stored.
  void fetch(const store::Digest &problem, store::Deadline deadline);
  /// Problems of which ask() has brought something, from the `seen`-th on,
  /// which is moved behind them.
  std::vector<store::Digest> came(size_t &seen) const;

private:
  struct Arrivals;
  bool here() const;

  const store::CacheRoot root;
  store::Tiers *const remotes;
  std::shared_ptr<store::RecordStore> store;
  std::shared_ptr<Arrivals> arrivals;
  const pid_t process;
  std::mutex mutex;                     ///< of `asked`
  std::map<store::Digest, bool> asked;  ///< whether by another process
  std::unique_ptr<store::Lane> storing; ///< what came
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_RECORDEXCHANGE_H
