// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// When remotes were last asked for a problem's records, for all processes of
// this owner: those that live for a second need not each ask. A file of a fixed
// size, v1/asked, in which a problem has one of 4096 places by its digest:
//
//   place ::= 8 bytes of the digest, 8 bytes: seconds since the epoch
//
// Nothing is locked: of two problems with one place, or two writers at once,
// the last one counts, and at worst remotes are asked once more than need be.
#ifndef ATTN_JIT_RUNTIME_STORE_ASKEDTIMES_H
#define ATTN_JIT_RUNTIME_STORE_ASKEDTIMES_H

#include "runtime/store/Digest.h"

#include <chrono>

namespace attn_jit::store {

/// Any number of threads and processes at once.
class AskedTimes {
public:
  /// Empty: nothing is remembered. `whom` names the remotes: others have not
  /// been asked.
  AskedTimes(std::string path, std::string whom);

  /// Microseconds. A clock that was set back has asked nobody.
  bool askedWithin(const Digest &problem, std::chrono::seconds time) const;
  void asked(const Digest &problem) const;

private:
  const std::string path, whom;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_ASKEDTIMES_H
