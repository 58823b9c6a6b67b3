// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Schedules are texts of records, pins, packs and users. An input's first byte
// says how it becomes one:
//
//   0  as it is
//   1  the second byte is a family; of each two that follow the first is a
//      field of it and the other one of its allowed values, until a zero; what
//      stands behind that is a field's text as it is
//
// What is read has one text, which reads as itself, and is legal or refused
// with one line for every target and problem; a text that names some fields is
// completed to one that names all.
#include "dialect/attn/Schedule.h"
#include "test/fuzz/FuzzCheck.h"

using namespace attn_jit;
using attn_jit::test::counts;
using attn_jit::test::require;

static void requireOneLine(llvm::Error error) {
  const std::string text = llvm::toString(std::move(error));
  require(!text.empty() && text.find('\n') == std::string::npos,
          "an error must be one line");
}

static std::string textOf(const uint8_t *data, size_t size) {
  if (size < 2 || data[0] % 2 == 0)
    return std::string(reinterpret_cast<const char *>(data) + 1, size - 1);
  const auto families = allScheduleFamilies();
  const ScheduleFamily &family = *families[data[1] % families.size()];
  std::string text = family.name.str() + "<";
  size_t at = 2;
  for (; at + 1 < size && data[at]; at += 2) {
    const ScheduleField &field = family.fields[data[at] % family.fields.size()];
    const int64_t value = field.allowed[data[at + 1] % field.allowed.size()];
    text += field.key.str() + "=" +
            (field.keywords.empty() ? std::to_string(value)
                                    : field.keywords[value].str()) +
            ",";
  }
  if (at + 1 < size)
    text.append(reinterpret_cast<const char *>(data) + at + 1, size - at - 1);
  return text + ">";
}

static const ProblemShape shapes[] = {
    {64, 64, 2, false, 16, {}, false}, {128, 128, 2, true, 16, {}, false},
    {256, 256, 2, true, 2, {}, false}, {192, 128, 2, false, 16, {}, false},
    {128, 128, 4, true, 16, {}, true}, {40, 24, 4, false, 4, {}, false}};

/// By turns, so that an input costs one problem of one target.
static void checkLegal(const Schedule &schedule) {
  static size_t turn = 0;
  const auto targets = allTargets();
  const TargetInfo &target = targets[turn % targets.size()];
  const ProblemShape &shape = shapes[turn / targets.size() % std::size(shapes)];
  ++turn;
  if (auto error = schedule.verify(shape, target.unitsFor(shape.elementBytes)))
    requireOneLine(std::move(error));
}

/// What is chosen where nobody says anything has a text too.
static bool defaultsAreTexts() {
  for (const TargetInfo &target : allTargets())
    for (const ProblemShape &shape : shapes) {
      const TargetInfo &units = target.unitsFor(shape.elementBytes);
      const Schedule schedule = Schedule::choose(shape, units);
      if (auto error = schedule.verify(shape, units)) {
        requireOneLine(std::move(error));
        continue;
      }
      auto again = Schedule::parseComplete(schedule.str());
      require(bool(again) && *again == schedule, "a default is complete");
    }
  return true;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const bool checked = defaultsAreTexts();
  if (size == 0 || !checked)
    return 0;
  const std::string text = textOf(data, size);
  auto complete = Schedule::parseComplete(text);
  if (complete) {
    const std::string canonical = complete->str();
    auto again = Schedule::parseComplete(canonical);
    require(bool(again) && *again == *complete && again->str() == canonical,
            "a schedule's text reads as itself");
    checkLegal(*complete);
  } else {
    requireOneLine(complete.takeError());
  }
  static const TargetInfo &target = *lookupTarget("sm_90a");
  const ProblemShape &shape = shapes[size % std::size(shapes)];
  const TargetInfo &units = target.unitsFor(shape.elementBytes);
  auto chosen = Schedule::parse(text, shape, units);
  if (!chosen) {
    requireOneLine(chosen.takeError());
    ++counts.refused;
    return 0;
  }
  ++counts.accepted;
  auto again = Schedule::parseComplete(chosen->str());
  require(bool(again) && *again == *chosen, "what was completed is complete");
  checkLegal(*chosen);
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  uint8_t number = 0;
  for (const ScheduleFamily *family : allScheduleFamilies()) {
    const TargetInfo &target = *lookupTarget("sm_90a");
    const Schedule schedule(*family, family->complete(shapes[1], target, {}));
    sink("complete" + std::to_string(number), '\0' + schedule.str());
    std::string fields = {'\1', char(number)};
    for (size_t i = 0; i < family->fields.size(); ++i)
      fields += {char(i + family->fields.size()), char(i % 3)};
    sink("fields" + std::to_string(number), fields);
    ++number;
  }
  sink("some", '\0' + std::string(" flash_fwd_ws.v1 < bm = 128 ,, bn=64 > "));
  sink("name", '\0' + std::string("flash_fwd_sync.v1"));
}
