// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Resources and times in words.
#include "tools/cli/Format.h"

#include <cstdio>

using namespace attn_jit;

std::string cli::number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

static bool isAmd(const std::string &target) {
  return target.rfind("gfx", 0) == 0;
}

std::string_view cli::spillUnit(const std::string &target) {
  return isAmd(target) ? "registers" : "bytes";
}

std::string cli::spillText(const rt::Resources &resources,
                           const std::string &target) {
  if (!resources.spills)
    return "n/a";
  std::string text = std::to_string(*resources.spills);
  return *resources.spills ? text + " " + std::string(spillUnit(target)) : text;
}

std::string cli::resourceText(const rt::Resources &resources,
                              const std::string &target) {
  const bool amd = isAmd(target);
  // "n/a (why)" stands for the number that the reason is about.
  const bool unknown = resources.source.rfind("n/a", 0) == 0;
  std::string text = amd ? "VGPR " : "registers ";
  auto count = [](const std::optional<int64_t> &value) {
    return value ? std::to_string(*value) : std::string("n/a");
  };
  text += unknown && !resources.registers ? resources.source
                                          : count(resources.registers);
  text += ", spills " + spillText(resources, target);
  // Beside a known spill count a thread's local memory adds its stack only.
  if (!resources.spills && resources.localBytes)
    text += ", local memory " + count(resources.localBytes) + " bytes";
  text += amd ? ", LDS " : ", shared memory ";
  text += count(resources.sharedBytes);
  text += resources.sharedBytes ? " bytes, occupancy " : ", occupancy ";
  text += resources.occupancy ? number(*resources.occupancy * 100, 1) + " %"
                              : "n/a";
  if (!resources.source.empty() && !unknown)
    text += " (" + resources.source + ")";
  return text;
}

std::string cli::compileText(const api::CompileTimes &times) {
  return number(times.totalMs, 1) + " ms: MLIR " + number(times.mlirMs, 1) +
         ", LLVM " + number(times.llvmMs, 1) + ", link " +
         number(times.linkMs, 1);
}
