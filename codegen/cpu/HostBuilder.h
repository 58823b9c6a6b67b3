// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Building host code: loops over addresses and vectors. All indices are i64,
// all memory is reached by !llvm.ptr, and an element of a 16-bit type is held
// as the f32 of the same value, so arithmetic knows f32, i32 and i1 alone.
#ifndef ATTN_JIT_CODEGEN_CPU_HOSTBUILDER_H
#define ATTN_JIT_CODEGEN_CPU_HOSTBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn_jit::cpu {

/// The type in which elements of `type` are held: f32 for floats of up to 32
/// bits.
mlir::Type heldType(mlir::Type type);
/// A vector of `width` elements, or the element type itself for width 1.
mlir::Type widened(mlir::Type element, int64_t width);
/// Elements of `type`: 1 for a scalar.
int64_t widthOf(mlir::Type type);

struct HostBuilder : mlir::ImplicitLocOpBuilder {
  HostBuilder(mlir::Location loc, mlir::MLIRContext *context, int64_t lanes)
      : mlir::ImplicitLocOpBuilder(loc, context), lanes(lanes) {}

  const int64_t lanes; ///< f32 elements of a vector register.

  //===-- Scalars --------------------------------------------------------===//
  mlir::Value i64(int64_t value);
  mlir::Value i32(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y) { return add(x, i64(y)); }
  mlir::Value mul(mlir::Value x, int64_t y) { return mul(x, i64(y)); }
  mlir::Value div(mlir::Value x, int64_t y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value extended(mlir::Value i32);

  //===-- Vectors --------------------------------------------------------===//
  /// `value` in every element, of the held type.
  mlir::Value floats(double value, int64_t width);
  mlir::Value ints(int64_t value, int64_t width);
  mlir::Value splat(mlir::Value scalar, int64_t width);
  /// 0, 1, 2, ... as i32.
  mlir::Value iota(int64_t width);
  mlir::Value shuffle(mlir::Value x, mlir::Value y,
                      llvm::ArrayRef<int32_t> mask);
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);
  /// The larger; `y` where either is NaN. One instruction.
  mlir::Value fmax(mlir::Value x, mlir::Value y);
  mlir::Value fmin(mlir::Value x, mlir::Value y);
  /// `combine` over the elements of a vector of any width, as a tree.
  mlir::Value reduceVector(
      mlir::Value vector,
      llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);

  //===-- Memory ---------------------------------------------------------===//
  /// Address of element `index` after `base`.
  mlir::Value at(mlir::Value base, mlir::Type element, mlir::Value index);
  mlir::Value load(mlir::Value ptr, mlir::Type type);
  void store(mlir::Value value, mlir::Value ptr);
  /// `width` elements of `element` in memory, in their held type, and back.
  mlir::Value loadHeld(mlir::Value ptr, mlir::Type element, int64_t width);
  void storeHeld(mlir::Value value, mlir::Value ptr, mlir::Type element);
  /// `value` rounded to `element`, to nearest even, still held as f32.
  mlir::Value rounded(mlir::Value value, mlir::Type element);

  //===-- Loops ----------------------------------------------------------===//
  using Body = llvm::function_ref<void(mlir::Value)>;
  using CarryBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value, mlir::ValueRange)>;
  /// for (i = first; i < end; i += step); no loop where one trip is certain.
  void loop(mlir::Value first, mlir::Value end, int64_t step, Body body);
  void loop(int64_t count, int64_t step, Body body);
  llvm::SmallVector<mlir::Value> loop(int64_t count, int64_t step,
                                      mlir::ValueRange carried, CarryBody body);
  void when(mlir::Value condition, llvm::function_ref<void()> body);
};

//===-- LowerMath.cpp ----------------------------------------------------===//

/// 2^x: 0 for minus infinity, no subnormal results, NaN for NaN; about 1 ulp.
mlir::Value buildExp2(HostBuilder &b, mlir::Value x);
/// log2(x): minus infinity for 0, NaN below, NaN for NaN; about 2 ulp.
mlir::Value buildLog2(HostBuilder &b, mlir::Value x);
/// `op`, an elementwise scalar op, on held operands of `width` elements. Emits
/// an error on ops that have no host form.
mlir::FailureOr<mlir::Value> buildElementwise(HostBuilder &b,
                                              mlir::Operation &op,
                                              mlir::ValueRange operands,
                                              int64_t width);

} // namespace attn_jit::cpu

#endif
