// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text of schedules, and the list of their families.
#include "dialect/attn/Schedule.h"
#include "dialect/attn/MeasuredDefault.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace attn_jit;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static const ScheduleFamily *const kFamilies[] = {&kFlashFwdWs, &kFlashFwdAsync,
                                                  &kFlashFwdSync};

llvm::ArrayRef<const ScheduleFamily *> attn_jit::allScheduleFamilies() {
  return kFamilies;
}

const ScheduleFamily *attn_jit::lookupScheduleFamily(StringRef name) {
  auto it = llvm::find_if(kFamilies, [&](auto *f) { return f->name == name; });
  return it == std::end(kFamilies) ? nullptr : *it;
}

static std::string valueText(const ScheduleField &field, int64_t value) {
  return field.keywords.empty() ? std::to_string(value)
                                : field.keywords[value].str();
}

static std::string allowedText(const ScheduleField &field) {
  return llvm::join(
      llvm::map_range(field.allowed,
                      [&](int64_t value) { return valueText(field, value); }),
      ", ");
}

/// A text of a user or a file, fit for one line of a message: it may hold line
/// breaks and a terminal's escape sequences.
static std::string shown(StringRef text) {
  constexpr size_t most = 500;
  std::string result = text.take_front(most).str();
  for (char &c : result)
    if (!llvm::isPrint(c))
      c = '?';
  return text.size() <= most ? result : result + "...";
}

static Expected<int64_t> parseValue(const ScheduleField &field,
                                    StringRef text) {
  for (int64_t value : field.allowed)
    if (valueText(field, value) == text)
      return value;
  return inputError("schedule field '{0}': '{1}' given, allowed: {2}",
                    field.key, shown(text), allowedText(field));
}

namespace {
/// A schedule's text, split: the family, and each field that it names.
struct ParsedText {
  const ScheduleFamily *family;
  llvm::SmallVector<std::pair<unsigned, int64_t>> named;
};
} // namespace

static Expected<ParsedText> split(StringRef text) {
  auto [name, rest] = text.trim().split('<');
  name = name.trim();
  ParsedText result{lookupScheduleFamily(name), {}};
  if (!result.family)
    return inputError(
        "schedule: '{0}' given, allowed: {1}", shown(name),
        llvm::join(llvm::map_range(kFamilies, [](auto *f) { return f->name; }),
                   ", "));
  bool bracketed = text.contains('<');
  if (bracketed && !rest.consume_back(">"))
    return inputError("schedule: '{0}' given, allowed: NAME<key=value, ...>",
                      shown(text));
  llvm::SmallVector<StringRef> parts;
  rest.split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    if (part.trim().empty())
      continue;
    auto [key, value] = part.split('=');
    key = key.trim();
    llvm::ArrayRef<ScheduleField> fields = result.family->fields;
    auto *field = llvm::find_if(fields, [&](auto &f) { return f.key == key; });
    if (field == fields.end())
      return inputError(
          "schedule field: '{0}' given, {1} has: {2}", shown(key), name,
          llvm::join(llvm::map_range(fields, [](auto &f) { return f.key; }),
                     ", "));
    Expected<int64_t> parsed = parseValue(*field, value.trim());
    if (!parsed)
      return parsed.takeError();
    unsigned index = field - fields.begin();
    if (llvm::any_of(result.named, [&](auto &n) { return n.first == index; }))
      return inputError("schedule field '{0}': given twice", key);
    result.named.push_back({index, *parsed});
  }
  return result;
}

Expected<Schedule> Schedule::parse(StringRef text, const ProblemShape &problem,
                                   const TargetInfo &target) {
  Expected<ParsedText> parsed = split(text);
  if (!parsed)
    return parsed.takeError();
  const ScheduleFamily &family = *parsed->family;
  Schedule result(family,
                  family.complete(problem, target,
                                  NamedFields(family.fields, parsed->named)));
  // What goes best with the others may be a value that the field does not take,
  // and that no text could say again. Mostly the target says better why not.
  for (auto [field, value] : llvm::zip_equal(family.fields, result.values)) {
    if (llvm::is_contained(field.allowed, value))
      continue;
    if (Error error = result.verify(problem, target))
      return error;
    return inputError("schedule field '{0}': {1} goes with '{2}', allowed: "
                      "{3}",
                      field.key, value, shown(text), allowedText(field));
  }
  return result;
}

Expected<Schedule> Schedule::parseComplete(StringRef text) {
  Expected<ParsedText> parsed = split(text);
  if (!parsed)
    return parsed.takeError();
  llvm::ArrayRef<ScheduleField> fields = parsed->family->fields;
  Schedule result(*parsed->family, llvm::SmallVector<int64_t>(fields.size()));
  for (auto [index, value] : parsed->named)
    result.values[index] = value;
  for (unsigned i = 0; i < fields.size(); ++i) {
    if (llvm::any_of(parsed->named, [&](auto &n) { return n.first == i; }))
      continue;
    if (!fields[i].before)
      return inputError("schedule field '{0}': missing from '{1}'",
                        fields[i].key, shown(text));
    result.values[i] = *fields[i].before;
  }
  return result;
}

namespace {
/// What won a measurement (scripts/choose_defaults.py). Measured were bf16,
/// full and causal rows, without a score region, a key head for each query
/// head. The row is taken, unmeasured, for all else of its dims that can hold
/// it: f16 takes that of bf16, any mask region, however sparse, that of causal
/// rows.
struct MeasuredDefault {
  llvm::StringLiteral target;
  int64_t headDim, valueDim;
  bool masked; ///< Has a mask region; that measured is causal.
  CallClass calls;
  llvm::StringLiteral schedule;
};
} // namespace

static constexpr MeasuredDefault kMeasured[] = {
#include "dialect/attn/schedules/MeasuredDefaults.inc"
};

/// Their schedules: the texts are read once, as every call of an engine chooses
/// anew (tools/api/Targets.cpp).
static llvm::ArrayRef<Schedule> measuredSchedules() {
  static const auto schedules =
      llvm::map_to_vector<0>(kMeasured, [](const MeasuredDefault &each) {
        return cantFail(Schedule::parseComplete(each.schedule));
      });
  return schedules;
}

std::optional<Schedule> attn_jit::measuredDefault(const ProblemShape &problem,
                                                  const TargetInfo &target) {
  for (auto [each, schedule] :
       llvm::zip_equal(kMeasured, measuredSchedules())) {
    if (each.target != target.name || each.headDim != problem.headDim ||
        each.valueDim != problem.valueDim || each.masked != problem.masked ||
        each.calls != problem.calls)
      continue;
    Error error = schedule.verify(problem, target);
    if (!error)
      return schedule;
    llvm::consumeError(std::move(error));
  }
  return std::nullopt;
}

Schedule Schedule::choose(const ProblemShape &problem,
                          const TargetInfo &target) {
  if (auto measured = measuredDefault(problem, target))
    return *measured;
  const ScheduleFamily *last = nullptr;
  for (const ScheduleFamily *family : kFamilies) {
    Schedule candidate(*family, family->complete(problem, target, {}));
    Error error = candidate.verify(problem, target);
    if (!error)
      return candidate;
    llvm::consumeError(std::move(error));
    last = family;
  }
  // No family holds this problem; the caller's verify says why.
  return Schedule(*last, last->complete(problem, target, {}));
}

Error attn_jit::tensorMapError(int64_t alignment, StringRef schedule) {
  return inputError("strides: multiples of {0} bytes given, {1} copies by "
                    "tensor maps, which address multiples of 16; allowed: "
                    "flash_fwd_sync.v1",
                    alignment, schedule);
}

int64_t NamedFields::get(StringRef key, int64_t otherwise) const {
  for (auto [index, value] : named)
    if (fields[index].key == key)
      return value;
  return otherwise;
}

int64_t Schedule::get(StringRef key) const {
  for (unsigned i = 0; i < values.size(); ++i)
    if (family->fields[i].key == key) {
      if (reads && !llvm::is_contained(*reads, i))
        reads->push_back(i);
      return values[i];
    }
  llvm_unreachable("no such field in this schedule family");
}

std::string Schedule::str() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << family->name << '<';
  llvm::interleaveComma(llvm::zip(family->fields, values), os, [&](auto pair) {
    auto &[field, value] = pair;
    os << field.key << '=' << valueText(field, value);
  });
  os << '>';
  return text;
}
