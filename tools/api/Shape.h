// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What verifiers and the model are asked of a description; on the compiler's
// side of the API.
#ifndef ATTN_JIT_TOOLS_API_SHAPE_H
#define ATTN_JIT_TOOLS_API_SHAPE_H

#include "dialect/attn/Schedule.h"
#include "tools/api/Compile.h"

namespace attn_jit::api {

/// With the options' alignment and class of calls.
inline ProblemShape shapeOf(const Description &description,
                            const CompileOptions &options) {
  ProblemShape shape;
  shape.headDim = description.headDim;
  shape.valueDim = description.valueDimOrHead();
  shape.elementBytes = elementBytes(description.element);
  shape.masked = description.causal || !description.mask.empty();
  shape.alignment = options.alignment;
  shape.calls = options.calls;
  shape.tf32 = description.precision == Precision::TF32;
  return shape;
}

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_SHAPE_H
