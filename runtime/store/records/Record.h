// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One measurement, for ever: of one schedule, on one device, by one compiler,
// in one session. Its identity is the digest of its canonical text, so a set of
// records is merged by union, in any order and twice. What is wrong with one is
// said by another that retracts it. docs/records.md is written for whoever
// reads them without this program.
//
//   record ::= canonical JSON on one line (CanonicalJson.h): "format", the
//              fields below in their order, those that do not apply left out;
//              fields of later versions in the order of their names' bytes;
//              "signature" last, which is no part of the identity
//
// Numbers are integers, so that they have one text: times in nanoseconds. The
// error, which spans decades, is a text of four digits.
//
// A later version may add fields that tell more, and this one keeps them as
// they stand; what changes the meaning of a field has another "format", and is
// refused here.
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
  Throttled, ///< the device slowed down, or somebody ended what measured: not
             ///< a measurement of the schedule
};
/// "ok", "illegal", "compile_failed", "launch_failed", "wrong", "timed_out",
/// "crashed", "throttled".
std::string_view name(Outcome outcome);
/// Of a schedule: neither Ok nor Throttled.
bool isFailure(Outcome outcome);

struct Record {
  /// What was asked: description, bucket of the call, goal, determinism. Fields
  /// and their texts are autotune/Problem.h's. At least one.
  Key problem;
  /// Of devices that give the same times: what it is and how much of it there
  /// is. Driver, clocks and host are no part of it. At least one.
  Key device;
  std::string schedule; ///< complete text; needed
  std::string compiler; ///< identity: the same one makes the same bytes; needed
  std::string driver;   ///< of the device, with its version; empty: it has none
  Outcome outcome = Outcome::Ok;
  /// Of `samples` launches; where the outcome is Ok both of them at least 1 and
  /// written with the deviation, which may be 0; else none of the three.
  int64_t medianNs = 0, madNs = 0;
  int64_t samples = 0;
  /// |out - ref| / |ref| as errorText() writes it; empty: not known.
  std::string error;
  bool isDefault = false; ///< what is chosen where there is no record
  int64_t clockMHz = 0;   ///< while it was measured; 0: not known
  std::string at;         ///< UTC, "2026-11-28T03:41:19Z"; needed
  /// Random, of one run of the tuner on one device; needed.
  std::string session;
  std::string note; ///< a failure's first line
  /// Takes the record of that digest out of every query. This one has problem,
  /// at and note then, no other field of the above, and is final: to retract it
  /// changes nothing.
  std::optional<Digest> retracts;
  /// Fields that this version does not know: name and canonical text, by name.
  std::vector<std::pair<std::string, std::string>> later;
  std::optional<Signature> signature;

  std::string body() const; ///< canonical, without the signature
  std::string line() const; ///< with it; no line end
  Digest identity() const { return sha256("attn-jit.record.v1\n" + body()); }
  /// Of the problem alone: what remotes keep records by.
  Digest problemDigest() const { return problem.digest(); }

  static constexpr size_t most = 256 << 10;
  /// Refuses whatever line() does not write; the error names the field. What
  /// a signature is worth is Trust.h's to say: here it has its form.
  static rt::Result<Record> parse(std::string_view line);
};

/// "1.234e-03": four digits, rounded to nearest; "inf", "nan".
std::string errorText(double error);
/// Of a text that errorText() writes.
std::optional<double> errorValue(std::string_view text);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_RECORD_H
