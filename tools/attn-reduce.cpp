// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mlir-reduce with our dialects and passes: the smallest module for which a
// script still fails.
#include "codegen/Codegen.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  attn_jit::registerDialects(registry);
  attn_jit::registerPasses();
  mlir::MLIRContext context(registry);
  return mlir::failed(mlir::mlirReduceMain(argc, argv, context));
}
