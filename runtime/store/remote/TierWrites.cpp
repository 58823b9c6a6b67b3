// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How an entry and records come to a remote: the object before the action that
// names it, the signatures of several hosts on one action, the quota. In the
// thread of the writing lane.
#include "runtime/store/remote/TierRemote.h"
#include "runtime/store/trust/Trust.h"

#include <algorithm>

using namespace attn_jit;
using namespace attn_jit::store;

/// Of an action that other hosts write at the same time.
static constexpr int mostAttempts = 4;

/// As a value, so that one request has one shape.
static rt::Result<bool> done(rt::Status status) {
  if (!status)
    return status.takeError();
  return true;
}

/// What is to be there where `there` is: of one body all signatures; another
/// body, or one with so many signatures that ours would not fit, gives way.
static Action over(const std::optional<std::string> &there,
                   const Action &given) {
  auto old = there ? Action::parse(*there)
                   : rt::Result<Action>(rt::notFound("nothing is there"));
  if (!old || old->body() != given.body())
    return given;
  const Action both = merged(*old, given);
  const bool fits =
      std::ranges::all_of(given.signatures, [&](const Signature &each) {
        return std::ranges::find(both.signatures, each) !=
               both.signatures.end();
      });
  return fits ? both : given;
}

bool TierRemote::writeEntry(const Entry &entry) {
  const RemoteOptions &options = writes.options();
  const Digest key = entry.action.key.digest();
  auto isThere = [&](Space space, const Digest &name) {
    return writes.ask<bool>(options.request,
                            [&](Remote &remote, Deadline deadline) {
                              return remote.exists(space, name, deadline);
                            });
  };
  if (entry.action.signatures.empty()) {
    // An action that somebody signed is worth more than this one.
    auto known = isThere(Space::Actions, key);
    if (!known || *known)
      return bool(known);
  }
  auto known = isThere(Space::Objects, entry.action.object);
  if (!known)
    return false;
  const int64_t objectBytes = *known ? 0 : int64_t(entry.object.size());
  overQuota = !quota.take(int64_t(entry.action.text().size()) + objectBytes);
  if (overQuota) {
    meter->count(&RemoteCounts::overQuota);
    return true;
  }
  if (!*known &&
      !writes.ask<bool>(options.object, [&](Remote &remote, Deadline deadline) {
        return done(remote.put(Space::Objects, entry.action.object,
                               entry.object, deadline));
      }))
    return false;
  meter->count(&RemoteCounts::bytesOut, objectBytes);
  if (!writeAction(key, entry.action))
    return false;
  meter->count(&RemoteCounts::written);
  return true;
}

bool TierRemote::writeAction(const Digest &key, const Action &action) {
  using Bytes = std::optional<std::string>;
  const auto limit = writes.options().request;
  for (int attempt = 0; attempt < mostAttempts; ++attempt) {
    const auto there =
        writes.ask<Bytes>(limit, [&](Remote &remote, Deadline deadline) {
          return remote.get(Space::Actions, key, deadline);
        });
    if (!there)
      return false;
    // Also where nothing is added: its time on the server begins anew.
    const std::string text = over(*there, action).text();
    const auto stayed =
        writes.ask<bool>(limit, [&](Remote &remote, Deadline deadline) {
          return remote.replace(Space::Actions, key, *there, text, deadline);
        });
    if (!stayed)
      return false;
    meter->count(&RemoteCounts::bytesOut, int64_t(text.size()));
    if (*stayed)
      return true;
  }
  return false;
}

bool TierRemote::writeRecords(const Digest &problem,
                              std::span<const std::string> lines) {
  int64_t bytes = 0;
  for (const std::string &line : lines)
    bytes += int64_t(line.size());
  if (!quota.take(bytes)) {
    meter->count(&RemoteCounts::overQuota);
    return true;
  }
  auto sent = writes.ask<bool>(
      writes.options().object, [&](Remote &remote, Deadline deadline) {
        return done(remote.addRecords(problem, lines, deadline));
      });
  if (sent) {
    meter->count(&RemoteCounts::bytesOut, bytes);
    return true;
  }
  // A remote that keeps none has missed none.
  learnRefusal(writes);
  return !recordsRefused().empty();
}
