// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The Redis side of a shared search. Each step of the search is a list of items
// that workers lease; whatever must be one decision is one Lua script, by the
// server's clock alone. Below a prefix J = "attn-jit:join:{" search "}":
//
//   J                hash: session, job           who first came wrote both
//   J:workers        sorted set: worker -> when it was last heard, ms
//   J:step:<n>       hash: what                   digest of the step's content
//                          l<i>  until " " worker a lease, ms
//                          x<i>  leases lost
//                          r<i>  the result, for ever
//
// Invariants: the first result of an item is its result; an item whose worker
// is not heard of until its lease ends is free again, and that says nothing of
// the item. All of it expires a day after it was last used.
#ifndef ATTN_JIT_AUTOTUNE_JOINSERVER_H
#define ATTN_JIT_AUTOTUNE_JOINSERVER_H

#include "runtime/store/remote/RedisConnection.h"

namespace attn_jit::tune {

struct JoinLimits {
  /// A worker that is not heard of for so long has lost its leases.
  double leaseSeconds = 15;
  /// How long a server may be away before a worker gives up.
  double outageSeconds = 30;
};

/// Used by one thread at a time. Errors show no credentials.
class JoinServer {
public:
  /// Connects nothing yet. `search` is the digest that all its workers know.
  static rt::Result<JoinServer> open(const std::string &url,
                                     const std::string &search,
                                     const std::string &worker,
                                     const JoinLimits &limits);

  struct Entered {
    std::string session, job; ///< of who came first
  };
  /// A server that does not answer is an error at once.
  rt::Result<Entered> enter(const std::string &session, const std::string &job);

  /// Another connection to what somebody has entered.
  void belongTo(const std::string &entered) { session = entered; }

  /// All items of a step, in the order in which a worker wants them.
  struct Wanted {
    std::vector<size_t> order;
    size_t ready = 0; ///< the first so many can run at once
    size_t own = 0;   ///< so many behind those are for it to compile
  };
  struct Taken {
    std::vector<size_t> items;        ///< leased by this worker
    std::vector<size_t> open;         ///< by nobody, in the order wanted
    std::vector<std::string> results; ///< of all items, where all have one
    /// Workers heard of, this one among them, and its place in their order.
    size_t workers = 1, place = 0;
  };
  /// Leases open items of a step: ready ones, fewer where there are more
  /// workers, one that was lost before on its own; where none is ready, one of
  /// its own; and all or none where they are to be measured `together`. Items
  /// that this worker holds already are given again.
  rt::Result<Taken> take(uint64_t step, const std::string &what, bool together,
                         const Wanted &wanted);

  struct Result {
    size_t item;
    std::string text;
  };
  /// All at once; what has a result keeps it.
  rt::Status post(uint64_t step, std::span<const Result> results);
  /// Leases that this worker has lost stay lost.
  rt::Status renew(uint64_t step, std::span<const size_t> items);
  /// Gives back what it holds: no lease is lost.
  rt::Status leave(uint64_t step, std::span<const size_t> items);

  const std::string &shown() const { return url; }

private:
  JoinServer(store::RedisAddress given, const std::string &search,
             const std::string &worker, const JoinLimits &limits);
  rt::Result<std::vector<std::string>>
  run(std::string_view script, uint64_t step,
      const std::vector<std::string> &arguments, double outageSeconds);

  std::string url, prefix, worker, session;
  JoinLimits limits;
  store::RedisConnection connection;
};

} // namespace attn_jit::tune

#endif
