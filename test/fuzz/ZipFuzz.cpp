// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzzes the torch reader with whole files: the zip directory and its records.
// Invariant: sizes and offsets that lie cost neither memory nor a fault.

#include "runtime/tensor/PtReader.h"

#include "test/fuzz/FuzzCheck.h"
#include "test/runtime/tensor/PtBuilder.h"

using namespace attn_jit::rt;
using namespace attn_jit::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto root = readPt(std::as_bytes(std::span(data, size)), "fuzz");
  if (!root) {
    checkError(root.error().text);
    ++counts.refused;
    return 0;
  }
  ++counts.accepted;
  touch(**root);
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  Pickle pickle;
  pickle.raw("}(").text("q").tensor("HalfStorage", "0", 8, 0, {2, 4}, {4, 1});
  pickle.raw("u.");
  sink("little", torchFile(pickle.bytes, {{"0", std::string(16, 'x')}}));
  sink("big", torchFile(pickle.bytes, {{"0", std::string(16, 'x')}}, "big"));
  sink("plain", zip({{"a/data.pkl", "\x80\x02N."}}));
  sink("deflated", zip({{"a/data.pkl", "\x80\x02N.", 8}}));
  sink("wide", zip({{"a/data.pkl", "\x80\x02N.", 0, int64_t(1) << 33}}));
}
