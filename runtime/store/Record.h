// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One measurement, for ever: of one schedule, on one device, by one compiler,
// in one session. Its identity is the digest of its canonical text, so a set of
// records is merged by union, in any order and twice. What is wrong with one is
// said by another that retracts it.
//
//   record ::= canonical JSON on one line, fields in the order below, those
//              that do not apply left out; a signature is the last field and no
//              part of the identity
#ifndef ATTN_JIT_RUNTIME_STORE_RECORD_H
#define ATTN_JIT_RUNTIME_STORE_RECORD_H

#include "runtime/store/Action.h"

namespace attn_jit::store {

enum class Outcome {
  Ok,
  Illegal,       ///< the schedule's verifier refused it
  CompileFailed, ///< the compiler, or the driver's
  LaunchFailed,
  Wrong,     ///< its result is not the reference's
  TimedOut,  ///< the kernel passed its limit
  Crashed,   ///< the process that ran it ended
  Throttled, ///< the device slowed down: not a measurement of the schedule
};
std::string_view
name(Outcome outcome); ///< "ok", "illegal", "compile_failed"...

struct Record {
  /// What was asked: description, bucket of the call, goal, determinism. Fields
  /// and their texts are autotune/Problem.h's.
  Key problem;
  /// Of devices that give the same times: what it is and how much of it there
  /// is. Driver, clocks and host are no part of it.
  Key device;
  std::string schedule; ///< complete text
  std::string compiler; ///< identity: the same one makes the same bytes
  std::string driver;   ///< of the device, with its version
  Outcome outcome = Outcome::Ok;
  /// Of `samples` launches, microseconds; only where the outcome is Ok.
  double medianUs = 0, madUs = 0;
  int64_t samples = 0;
  double error = 0;       ///< |out - ref| / |ref|
  bool isDefault = false; ///< what is chosen where there is no record
  double clockMHz = 0;    ///< while it was measured; 0: not known
  std::string at;         ///< UTC, "2026-11-28T03:41:19Z"
  std::string session;    ///< random, of one run of the tuner on one device
  std::string note;       ///< a failure's first line
  /// Takes the record of that digest out of every query; nothing else of this
  /// one counts then but problem, at and note.
  std::optional<Digest> retracts;
  std::optional<Signature> signature;

  std::string body() const; ///< canonical, without the signature
  std::string line() const; ///< with it; no line end
  Digest identity() const { return sha256("attn-jit.record.v1\n" + body()); }
  /// Of the problem alone: what remotes keep records by.
  Digest problemDigest() const { return problem.digest(); }

  static constexpr size_t most = 256 << 10;
  static rt::Result<Record> parse(std::string_view line);
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_RECORD_H
