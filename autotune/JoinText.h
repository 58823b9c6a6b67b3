// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What workers of a shared search tell one another: one line of JSON, and where
// the search is signed a second line with the signature (Domain::Job).
//
//   sealed ::= json ("\n" "ed25519 " key-id " " base64)?
//   job    ::= {"format": "attn-jit.job.v1", "search": digest, "session": s,
//               "at": UTC}
//   result ::= {"session": s, "step": n, "schedule": text, "worker": w,
//               "outcome": "ok", "us": [41.8, ...], "error": 1.2e-4,
//               "clock_mhz": 1980, "note": text, "load_s": 0.1,
//               "timing_s": 0.01}
//   work   ::= {"format": "attn-jit.work.v1", "search": digest, "target":
//               "sm_90a", "release": "580.65.06", "schedules": [text, ...]}
//
// A result names what it is of, so that a signed one stands for nothing else.
// Numbers have the digits that give the same number back: all workers decide by
// the same ones.
#ifndef ATTN_JIT_AUTOTUNE_JOINTEXT_H
#define ATTN_JIT_AUTOTUNE_JOINTEXT_H

#include "autotune/Search.h"
#include "runtime/store/trust/Trust.h"

namespace attn_jit::tune {

/// Signs what is said, and believes what is signed by a listed key or its own;
/// without a key, and where none is listed, nothing is signed.
class JoinSeal {
public:
  /// `keyFile` empty: none given, which is refused where keys are listed.
  static rt::Result<JoinSeal> make(const std::string &keyFile);

  std::string seal(const std::string &json) const;
  /// The JSON. The error is one sentence about "it".
  rt::Result<std::string> open(const std::string &sealed) const;

private:
  std::optional<store::SigningKey> key;
  store::TrustedKeys trusted; ///< with the own one
};

struct Job {
  std::string search; ///< digest of all that decides what is measured
  std::string session, at;
  std::string text() const;
  static rt::Result<Job> parse(const std::string &json);
};

/// What the result is of.
struct ItemName {
  std::string session;
  uint64_t step = 0;
  std::string schedule;
};
std::string resultText(const ItemName &of, const std::string &worker,
                       const Measured &result);
/// Refuses what is of another item, or has another number of samples.
rt::Result<Measured> parseResult(const std::string &json, const ItemName &of,
                                 size_t samples);

/// What a search will measure, for hosts that compile ahead of it.
struct Work {
  std::string search;
  std::string target;
  std::string release; ///< of the driver that loads the images; may be empty
  std::vector<std::string> schedules; ///< in the order that is expected
  std::string text() const;
  static rt::Result<Work> parse(const std::string &json);
};

} // namespace attn_jit::tune

#endif
