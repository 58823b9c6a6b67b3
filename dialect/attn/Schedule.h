// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A schedule is data: a named, versioned family and one value for each of its
// fields. The same text is used in IR, in records and on the command line:
//
//   schedule ::= name "<" (field ("," field)*)? ">" flash_fwd_ws.v1<bm=128>
//   field    ::= key "=" (integer | keyword)
//
// Fields may come in any order and take their defaults when absent; the
// canonical text has them all, in the family's order.
#ifndef ATTN_JIT_DIALECT_ATTN_SCHEDULE_H
#define ATTN_JIT_DIALECT_ATTN_SCHEDULE_H

#include "dialect/Target.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"
#include <string>

namespace attn_jit {

/// What a schedule is checked against: the dims that decide what fits.
struct ProblemShape {
  int64_t headDim = 0;
  int64_t valueDim = 0;
  int64_t elementBytes = 0; ///< Of q, k, v and the output.
  bool masked = false;      ///< Has a mask region.
};

struct ScheduleField {
  llvm::StringLiteral key;
  llvm::StringLiteral summary;
  llvm::ArrayRef<int64_t> allowed; ///< Integers, or keyword indices.
  llvm::ArrayRef<llvm::StringLiteral> keywords; ///< Empty for an integer field.
};

class Schedule;

/// A family of schedules. One file in dialect/attn/schedules defines each.
struct ScheduleFamily {
  llvm::StringLiteral name; ///< With its version: "flash_fwd_ws.v1".
  llvm::StringLiteral summary;
  llvm::ArrayRef<ScheduleField> fields;
  /// The values to start from when nothing is known but the problem.
  llvm::SmallVector<int64_t> (*defaults)(const ProblemShape &,
                                         const TargetInfo &);
  /// Why the target cannot hold this schedule for this problem: which limit, by
  /// how much. Success is the definition of the legal space.
  llvm::Error (*verify)(const Schedule &, const ProblemShape &,
                        const TargetInfo &);
};

class Schedule {
public:
  Schedule(const ScheduleFamily &family, llvm::ArrayRef<int64_t> values)
      : family(&family), values(values) {}

  /// Reads the text above; what is left out comes from the family's defaults.
  static llvm::Expected<Schedule> parse(llvm::StringRef text,
                                        const ProblemShape &problem,
                                        const TargetInfo &target);
  /// Reads a text that names every field.
  static llvm::Expected<Schedule> parseComplete(llvm::StringRef text);
  /// The schedule to use when nobody chose one.
  static Schedule choose(const ProblemShape &problem, const TargetInfo &target);

  const ScheduleFamily &getFamily() const { return *family; }
  llvm::ArrayRef<int64_t> getValues() const { return values; }
  int64_t get(llvm::StringRef key) const;
  std::string str() const;
  llvm::Error verify(const ProblemShape &problem,
                     const TargetInfo &target) const {
    return family->verify(*this, problem, target);
  }

private:
  const ScheduleFamily *family;
  llvm::SmallVector<int64_t> values;
};

/// Every family, in the order in which they are listed to a user.
llvm::ArrayRef<const ScheduleFamily *> allScheduleFamilies();
const ScheduleFamily *lookupScheduleFamily(llvm::StringRef name);

/// An error of one line, for a user.
template <typename... Args>
llvm::Error inputError(const char *format, const Args &...args) {
  return llvm::createStringError(llvm::formatv(format, args...).str());
}

extern const ScheduleFamily kFlashFwdSync;
extern const ScheduleFamily kFlashFwdWs;

} // namespace attn_jit

#endif
