// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler: from an attn module, a target and a schedule to an image and
// its launch manifest. Pure: no global state, no files unless a dump is asked
// for; one call a thread at a time on one MLIRContext, any number of contexts.
#ifndef ATTN_JIT_CODEGEN_CODEGEN_H
#define ATTN_JIT_CODEGEN_CODEGEN_H

#include "dialect/Target.h"
#include "dialect/attn/Schedule.h"
#include "dialect/tile/Tile.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/JSON.h"
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace attn_jit {

/// The levels that a kernel passes through, as `--emit` names them.
enum class Level {
  Attn,    ///< mlir: the description
  Tile,    ///< mlir: the schedule, written out
  Lowered, ///< mlir: LLVM dialect and target ops
  LLVM,    ///< LLVM IR, optimised
  Asm,     ///< PTX, AMDGCN or x86 text
  Object,  ///< bytes before linking, where there is linking
  Image,   ///< what a driver loads: PTX, code object, shared object
};

struct CompileOptions {
  const TargetInfo *target = nullptr;
  std::string schedule; ///< Empty: the op's own, else the default.
  std::string
      hostLevel; ///< cpu target: x86-64-v3, x86-64-v4; empty: this machine's.
  int64_t alignment = 16; ///< Smallest alignment of bases and strides, bytes.
  CallClass calls;        ///< That a default schedule is chosen for.
  bool debugInfo = false; ///< Source lines of the tile IR into the image.
  /// Called with the text of each level on the way; may be empty.
  std::function<void(Level, llvm::StringRef)> observe;
  /// Called with the pass manager before it runs: IR printing, timing,
  /// reproducers.
  std::function<void(mlir::PassManager &)> configure;
  /// Asked between the steps: once it says true, compile() ends with an error,
  /// as nobody waits for the kernel any more. From any thread; may be empty.
  std::function<bool()> calledOff;
};

/// What the image itself says it takes. Unknown stays unknown.
struct ResourceReport {
  std::optional<int64_t> registers, spills, sharedBytes;
  std::optional<double> occupancy; ///< resident share of the wave slots
  std::string source;              ///< who said so, or why nothing is known
};

struct CompileTimes {
  double mlirMs = 0, llvmMs = 0, linkMs = 0;
};

struct CompiledKernel {
  std::string imageKind;       ///< ptx, hsaco, host
  std::string image;           ///< bytes
  llvm::json::Object manifest; ///< docs/manifest.md, without image.file
  std::string key;             ///< complete and printable
  std::string schedule;        ///< text
  std::string kernel;          ///< entry symbol
  ResourceReport resources;
  CompileTimes times;
};

/// `module` holds an attn.forward in a function, or a tile.kernel. It is
/// consumed.
llvm::Expected<CompiledKernel> compile(mlir::ModuleOp module,
                                       const CompileOptions &options);

/// What two compilers that make the same bytes have in common, on one line:
/// versions and the linker's build id of this file. Empty where it was linked
/// without one: then nothing that it makes may be kept for another process.
const std::string &compilerIdentity();

/// From attn to a canonical tile kernel; a module of a tile kernel stays as it
/// is.
void buildTilePipeline(mlir::OpPassManager &passes,
                       const CompileOptions &options);
/// Gives shared memory its places.
void buildPlacingPipeline(mlir::OpPassManager &passes,
                          const CompileOptions &options);
/// From a placed tile kernel to the target's LLVM dialect.
void buildLoweringPipeline(mlir::OpPassManager &passes,
                           const CompileOptions &options);

/// The tile kernel of a module, or why there is not exactly one.
llvm::Expected<tile::KernelOp> findKernel(mlir::ModuleOp module);

/// The launch manifest (docs/manifest.md) of a placed tile kernel.
/// `kernel.image` names no file yet: whoever writes it does.
llvm::Expected<llvm::json::Object> describeLaunch(tile::KernelOp kernel,
                                                  const TargetInfo &target);

void registerDialects(mlir::DialectRegistry &registry);
void registerPasses();

} // namespace attn_jit

#endif
