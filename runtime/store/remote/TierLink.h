// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One connection to a remote, for reading or for writing, with what surrounds
// each request: its deadline, the breaker, and the counters that `cache stats`
// shows. Used by the one thread of its lane.
#ifndef ATTN_JIT_RUNTIME_STORE_TIERLINK_H
#define ATTN_JIT_RUNTIME_STORE_TIERLINK_H

#include "runtime/store/remote/Breaker.h"
#include "runtime/store/remote/Lane.h"
#include "runtime/store/remote/RemoteMeter.h"

namespace attn_jit::store {

class TierLink {
public:
  TierLink(std::unique_ptr<Remote> remote, const RemoteOptions &options,
           std::shared_ptr<RemoteMeter> meter, std::shared_ptr<Breaker> breaker,
           Lane *lane)
      : remote(std::move(remote)), limits(options), meter(std::move(meter)),
        breaker(std::move(breaker)), lane(lane) {}
  /// In the lane's thread: ending a connection may take as long as any call.
  void close() { remote.reset(); }

  /// What `call(remote, deadline)` returns; nothing where the breaker is open
  /// or it failed, which is counted.
  template <typename T, typename Call>
  std::optional<T> ask(std::chrono::milliseconds limit, const Call &call) {
    auto permit = breaker->allow();
    if (!permit) {
      meter->count(&RemoteCounts::skipped);
      return std::nullopt;
    }
    const Deadline started = std::chrono::steady_clock::now();
    lane->expect(started + limit);
    rt::Result<T> result = call(*remote, started + limit);
    if (!result && result.error().code == rt::ErrorCode::Unsupported) {
      // What a server cannot do (records, where nothing is listed) says nothing
      // against what it can.
      permit->succeeded();
      return std::nullopt;
    }
    if (!result) {
      permit->failed();
      meter->failed(result.error());
      return std::nullopt;
    }
    permit->succeeded();
    meter->took(std::chrono::ceil<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - started));
    return std::move(*result);
  }

  const RemoteOptions &options() const { return limits; }
  RemoteMeter &counters() { return *meter; }
  std::string recordsRefused() const { return remote->recordsRefused(); }
  bool stopping() const { return lane->stopping(); }

private:
  std::unique_ptr<Remote> remote;
  RemoteOptions limits;
  std::shared_ptr<RemoteMeter> meter;
  std::shared_ptr<Breaker> breaker;
  Lane *lane; ///< its jobs hold what this link is part of
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_TIERLINK_H
