// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mlir-opt with our dialects and passes: pipelines by hand, IR printing, timing
// and reproducers come with it.
#include "codegen/Codegen.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  attn_jit::registerDialects(registry);
  attn_jit::registerPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "attention kernel compiler driver\n", registry));
}
