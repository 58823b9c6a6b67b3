// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `cache stats` tells of a remote: counted by each process in memory, and
// added to a small file beside the breakers' when it ends, so that it is told
// of all processes. What a process that is killed has counted is lost, and so
// is what gets no lock in time: figures are worth no wait.
//
//   file ::= (name " " count "\n")* (" " microseconds)* "\n"
//            of the last 1024 answers, the latest last; names that this version
//            does not know are kept
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTEMETER_H
#define ATTN_JIT_RUNTIME_STORE_REMOTEMETER_H

#include "runtime/store/remote/Remote.h"

#include <mutex>

namespace attn_jit::store {

struct RemoteCounts {
  int64_t hits = 0, misses = 0;
  /// Requests that failed, by kind: past their deadline; unreachable, broken or
  /// refused; an answer that is none.
  int64_t timeouts = 0, failures = 0, wrongAnswers = 0;
  /// What came has not the digest, the length or the key that it should.
  int64_t corrupt = 0;
  int64_t skipped = 0; ///< not asked: the breaker is open, or a call is stuck
  int64_t written = 0; ///< actions with their objects
  int64_t dropped = 0; ///< the queue was full, or the process ended
  int64_t overQuota = 0;
  int64_t refills = 0; ///< times that the server was found emptied
  int64_t bytesIn = 0, bytesOut = 0;
};

struct RemoteCountName {
  std::string_view name; ///< "hits", "wrong_answers", ...
  int64_t RemoteCounts::*field;
};
/// Every field, in its order.
std::span<const RemoteCountName> remoteCountNames();

struct RemoteFigures {
  RemoteCounts counts;
  std::vector<int64_t> times; ///< of the last answers, in microseconds

  /// 0 where nothing was answered.
  std::chrono::microseconds percentile(int percent) const;
};

/// Any number of threads at once.
class RemoteMeter {
public:
  /// `file`: of all processes, in a folder that is made when it is needed;
  /// empty: of this one alone.
  explicit RemoteMeter(std::string file = {}) : file(std::move(file)) {}

  void count(int64_t RemoteCounts::*field, int64_t by = 1);
  void failed(const rt::Error &error);
  void took(std::chrono::microseconds time);

  RemoteFigures ofProcess() const;
  /// With those of all processes that have ended.
  RemoteFigures ofAll() const;
  std::string lastError() const;
  /// Moves this process's to the file; waits 100 ms at most.
  void flush();

private:
  const std::string file;
  mutable std::mutex mutex;
  RemoteFigures own;
  std::string error;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTEMETER_H
