// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which schedule serves a call, and why: a pure function of what is known, the
// same for the same set of records whatever their order. In this order:
//
//   flag, pin   what somebody said
//   exact       measured here for these very sizes, beside the default
//   bucket      measured here at both ends of the bucket, and faster than this
//               call's default at both
//   bundled     the same two, of records that came with the program; another
//               compiler made them, so they are valid as long as their text is
//               of this grammar and the verifier takes it
//   model       where nothing was measured, and the default is a formula
//   default
//
// Served is only what a final pass measured beside the default (Search.h): the
// medians of a search are the best of many noisy ones. A foreign record is
// never served; hints() says what is worth a measurement.
#ifndef ATTN_JIT_AUTOTUNE_CHOICE_H
#define ATTN_JIT_AUTOTUNE_CHOICE_H

#include "runtime/store/records/RecordStore.h"

namespace attn_jit::tune {

enum class Source { Flag, Pin, Exact, Bucket, Bundled, Model, Default };
/// "flag", "pin", "exact"...: `schedule_source` of bench and the API.
std::string_view name(Source source);

struct ChoiceQuery {
  store::Key device;
  /// Identities: own records of another compiler are hints. A failure counts
  /// under its own compiler and driver alone.
  std::string compiler, driver;
  std::string flag, pin;   ///< empty: nobody said
  std::string modelPick;   ///< empty: no model, or a measured default
  std::string defaultPick; ///< this call's; complete text
  /// Of the problems of the exact sizes, and of the bucket's ends.
  std::span<const store::StoredRecord> exact, least, most;
  /// Is it of this grammar, and does the verifier take it for this problem?
  std::function<bool(const std::string &)> legal;
};

struct Chosen {
  std::string schedule; ///< complete text, but for a flag's or pin's
  Source source = Source::Default;
  std::string why;  ///< one sentence
  double ratio = 1; ///< its time over the default's, where both are known
  /// By this owner and compiler, for these sizes or at both ends of the bucket,
  /// whatever came of it: to measure again says nothing new.
  bool measured = false;
};

Chosen choose(const ChoiceQuery &query);

/// What foreign records and those of other compilers found fast, the fastest
/// first; what failed elsewhere stands behind. Verified by `legal`, measured by
/// nobody here.
std::vector<std::string> hints(const ChoiceQuery &query);

/// The session of the final pass that ends `session`, and whether it is one.
std::string finalSession(const std::string &session);
bool isFinalSession(std::string_view session);

/// Says this failure something of the schedule? Not of a slow device, nor a
/// word of the verifier, which is asked anew.
bool speaksAgainst(store::Outcome outcome);

} // namespace attn_jit::tune

#endif
