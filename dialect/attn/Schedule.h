// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A schedule is data: a named, versioned family and one value for each of its
// fields. The same text is used in IR, in records and on the command line:
//
//   schedule ::= name "<" (field ("," field)*)? ">" flash_fwd_ws.v1<bm=128>
//   field    ::= key "=" (integer | keyword)
//
// Fields may come in any order; an absent one takes the value that goes best
// with the others. The canonical text has them all, in the family's order.
#ifndef ATTN_JIT_DIALECT_ATTN_SCHEDULE_H
#define ATTN_JIT_DIALECT_ATTN_SCHEDULE_H

#include "dialect/Target.h"
#include "dialect/attn/CallClass.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <optional>
#include <string>

namespace attn_jit {

/// What a schedule is checked against: the dims that decide what fits.
struct ProblemShape {
  int64_t headDim = 0;
  int64_t valueDim = 0;
  int64_t elementBytes = 0; ///< Of q, k, v and the output.
  bool masked = false;      ///< Has a mask region.
  int64_t alignment = 16;   ///< Of every base and stride, bytes.
  CallClass calls;          ///< Of a typical call.
  bool tf32 = false;        ///< Products of f32 round their operands to TF32.

  /// Up to here small steps win (docs/perf/hopper-forward.md).
  int64_t fewKeysUpTo() const {
    return std::max(headDim, valueDim) <= 96 ? 512 : 2048;
  }
};

struct ScheduleField {
  llvm::StringLiteral key;
  llvm::StringLiteral summary;
  llvm::ArrayRef<int64_t> allowed; ///< Integers, or keyword indices.
  llvm::ArrayRef<llvm::StringLiteral> keywords; ///< Empty for an integer field.
  /// What a complete text means that is older than the field.
  std::optional<int64_t> before = std::nullopt;
  /// Follows from the others (a budget of what they take): a search leaves it
  /// to complete().
  bool follows = false;
};

class Schedule;

/// The fields that a text names; the others are to be chosen beside them.
class NamedFields {
public:
  NamedFields() = default;
  NamedFields(llvm::ArrayRef<ScheduleField> fields,
              llvm::ArrayRef<std::pair<unsigned, int64_t>> named)
      : fields(fields), named(named) {}
  /// The named value of `key`, or `otherwise`.
  int64_t get(llvm::StringRef key, int64_t otherwise) const;

private:
  llvm::ArrayRef<ScheduleField> fields;
  llvm::ArrayRef<std::pair<unsigned, int64_t>> named;
};

/// A family of schedules. One file in dialect/attn/schedules defines each.
struct ScheduleFamily {
  llvm::StringLiteral name; ///< With its version: "flash_fwd_ws.v1".
  llvm::StringLiteral summary;
  llvm::ArrayRef<ScheduleField> fields;
  /// Every field's value: as named, and else what goes best with those, so
  /// that a text of one field does not meet defaults that contradict it.
  llvm::SmallVector<int64_t> (*complete)(const ProblemShape &,
                                         const TargetInfo &,
                                         const NamedFields &);
  /// Why the target cannot hold this schedule for this problem: which limit, by
  /// how much. Success is the definition of the legal space.
  llvm::Error (*verify)(const Schedule &, const ProblemShape &,
                        const TargetInfo &);
};

/// The fields that were asked of a schedule, by index, in the order of the
/// first asking. A verifier knows a schedule by get() alone: what it says holds
/// for all that agree on these.
using FieldReads = llvm::SmallVector<unsigned>;

class Schedule {
public:
  /// `reads`, where given, is filled by get() and outlives the schedule.
  Schedule(const ScheduleFamily &family, llvm::ArrayRef<int64_t> values,
           FieldReads *reads = nullptr)
      : family(&family), values(values), reads(reads) {}

  /// Reads the text above; what is left out is chosen beside what is named.
  static llvm::Expected<Schedule> parse(llvm::StringRef text,
                                        const ProblemShape &problem,
                                        const TargetInfo &target);
  /// Reads a text that names every field, but those that are younger than it.
  static llvm::Expected<Schedule> parseComplete(llvm::StringRef text);
  /// The schedule to use when nobody chose one.
  static Schedule choose(const ProblemShape &problem, const TargetInfo &target);

  const ScheduleFamily &getFamily() const { return *family; }
  llvm::ArrayRef<int64_t> getValues() const { return values; }
  int64_t get(llvm::StringRef key) const;
  std::string str() const;
  bool operator==(const Schedule &other) const {
    return family == other.family && values == other.values;
  }
  llvm::Error verify(const ProblemShape &problem,
                     const TargetInfo &target) const {
    return family->verify(*this, problem, target);
  }

private:
  const ScheduleFamily *family;
  llvm::SmallVector<int64_t> values;
  FieldReads *reads;
};

/// Every family, in the order in which they are listed to a user.
llvm::ArrayRef<const ScheduleFamily *> allScheduleFamilies();
const ScheduleFamily *lookupScheduleFamily(llvm::StringRef name);

/// An error of one line, for a user, who can mend it by giving something else.
/// Any other error is the machine's, or ours.
template <typename... Args>
llvm::Error inputError(const char *format, const Args &...args) {
  return llvm::createStringError(
      llvm::formatv(format, args...).str(),
      std::make_error_code(std::errc::invalid_argument));
}

/// Tensor maps address multiples of 16 bytes (CUDA driver API,
/// cuTensorMapEncodeTiled): what a kernel that copies by them cannot read.
llvm::Error tensorMapError(int64_t alignment, llvm::StringRef schedule);

extern const ScheduleFamily kFlashFwdAsync;
extern const ScheduleFamily kFlashFwdSync;
extern const ScheduleFamily kFlashFwdWs;

} // namespace attn_jit

#endif
