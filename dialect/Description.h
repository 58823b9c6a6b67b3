// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An attention description: a value that says what to compute, and the attn
// module that it means. Sizes other than the head dims, strides, the scale and
// captured scalars are given at launch and are no part of it.
#ifndef ATTN_JIT_DIALECT_DESCRIPTION_H
#define ATTN_JIT_DIALECT_DESCRIPTION_H

#include "dialect/attn/Attn.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace attn_jit {

enum class ElementKind { F32, F16, BF16 };

struct AttentionDescription {
  int64_t headDim = 0;
  int64_t valueDim = 0;
  ElementKind element = ElementKind::F16;
  attn::Layout layout = attn::Layout::BSHD;
  attn::Align align = attn::Align::BottomRight;
  bool causal = false;
  bool lse = false;
  attn::Precision precision = attn::Precision::IEEE; ///< of f32 products
  /// MLIR text of a region's body, or empty: `^bb0(...): ... attn.yield ...` as
  /// in attn.forward. A mask beside `causal` is refused.
  std::string score, mask;
};

/// The canonical attn module of `description`, or one line that names the field
/// that is wrong. Its printed form is the description's canonical text.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
buildModule(const AttentionDescription &description,
            mlir::MLIRContext &context);

/// MLIR's parser calls itself for each bracket within another: a text nested
/// deeper than any kernel would end the process. To be asked before any text of
/// a user is parsed.
llvm::Error checkNesting(llvm::StringRef text);

/// Reads and canonicalises an attn module written by hand.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
parseModule(llvm::StringRef text, mlir::MLIRContext &context);

/// The one attn.forward of a module that means one attention, whose function
/// does nothing else.
llvm::Expected<attn::ForwardOp> findForward(mlir::ModuleOp module);

/// The bytes that are hashed.
std::string canonicalText(mlir::ModuleOp module);

/// Registers what descriptions are made of.
void loadDescriptionDialects(mlir::MLIRContext &context);

} // namespace attn_jit

#endif
