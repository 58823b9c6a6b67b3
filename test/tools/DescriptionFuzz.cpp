// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Descriptions as MLIR text: regions, and whole modules. Each ends in one
// canonical text, which reads as itself, or in one line of error.
#include "test/fuzz/FuzzCheck.h"
#include "tools/api/Compile.h"

using namespace attn_jit;

static rt::Result<std::string> readModule(std::string text) {
  api::Description description;
  description.module = std::move(text);
  return api::canonicalText(description);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  const std::string text(reinterpret_cast<const char *>(data) + 1, size - 1);
  api::Description description;
  description.headDim = 64;
  switch (data[0]) {
  case 'm':
    description.mask = text;
    break;
  case 's':
    description.score = text;
    break;
  default:
    description.module = text;
  }
  auto canonical = api::canonicalText(description);
  if (!canonical) {
    test::require(!canonical.error().text.empty(), "an error says something");
    ++test::counts.refused;
    return 0;
  }
  ++test::counts.accepted;
  const auto again = readModule(*canonical);
  test::require(again && *again == *canonical,
                "a canonical text is its own canonical text");
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  sink("mask", "m^bb0(%b: i32, %h: i32, %q: i32, %kv: i32):\n"
               "  %w = arith.constant 128 : i32\n"
               "  %e = arith.addi %kv, %w : i32\n"
               "  %p = arith.cmpi sge, %q, %kv : i32\n"
               "  %n = arith.cmpi slt, %q, %e : i32\n"
               "  %s = arith.andi %p, %n : i1\n"
               "  attn.yield %s : i1\n");
  sink("score", "s^bb0(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32):\n"
                "  %c = arith.constant 5.0e+01 : f32\n"
                "  %d = arith.divf %s, %c : f32\n"
                "  %t = math.tanh %d : f32\n"
                "  %r = arith.mulf %t, %c : f32\n"
                "  attn.yield %r : f32\n");
  api::Description whole;
  whole.headDim = 64;
  whole.causal = true;
  whole.lse = true;
  if (auto text = api::canonicalText(whole))
    sink("module", "M" + *text);
}
