// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One attention to measure: what it is, and its tensors once they are wanted.
#ifndef ATTN_JIT_TOOLS_BENCH_CASE_H
#define ATTN_JIT_TOOLS_BENCH_CASE_H

#include "runtime/tensor/CapturedInputs.h"
#include "tools/api/Compile.h"
#include "tools/bench/Options.h"

namespace attn_jit::bench {

struct Case {
  std::string label;  ///< captured: the file's name; made: the input kind
  int64_t index = 0;  ///< captured: INPUT_IDX of the old tool
  std::string file;   ///< captured: where it lies
  std::string kwargs; ///< captured: what the file says, for showing
  rt::InputKind kind = rt::InputKind::Normal;
  rt::AttentionShape shape;
  api::Description description;
  double scale = 0;
  double softcap = 0;
  /// Why the output cannot be verified; empty: it can.
  std::string unverifiable;
  bool pairsKnown = true; ///< does the shape tell which pairs the mask passes?
  std::string layout;     ///< "bshd", "bhsd", "strided"

  /// That a schedule is chosen for.
  api::TypicalCall typicalCall(bool batchInvariant) const {
    return {shape.batch, shape.queryHeads, shape.queryLen,
            shape.kvLen, batchInvariant,   shape.kvHeads};
  }
  /// What an engine is asked for where the tensors are dense and on aligned
  /// bases, as made ones are: all strides are multiples of a row's bytes. The
  /// target is the caller's.
  api::KernelOptions kernelOptions(const Options &options) const;
};

/// Query, key, value in [batch, heads, rows, dim] order, any strides.
struct CaseTensors {
  rt::HostTensor query, key, value;
};

/// All cases of the options, in the order of their rows; captured files are
/// read, and checked, here.
rt::Result<std::vector<Case>> listCases(const Options &options);

rt::Result<CaseTensors> loadTensors(const Case &one, const Options &options);

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_CASE_H
