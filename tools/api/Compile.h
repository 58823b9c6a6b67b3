// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a description to an image and its launch manifest. Needs no device and
// keeps no state: any number of threads may compile at once.
#ifndef ATTN_JIT_TOOLS_API_COMPILE_H
#define ATTN_JIT_TOOLS_API_COMPILE_H

#include "dialect/attn/CallClass.h"
#include "runtime/Manifest.h"
#include "tools/api/Description.h"

#include <array>
#include <functional>
#include <vector>

namespace attn_jit::api {

/// The texts that a kernel passes through; see `attn-jit compile --help`.
enum class Level { Attn, Tile, Lowered, LLVM, Asm, Object };
inline constexpr size_t levelCount = 6;

struct CompileOptions {
  std::string target;   ///< of targetNames()
  std::string schedule; ///< "name.v1" or "name.v1<field=value, ...>"; empty:
                        ///< chosen for the description
  /// Bytes that every base and stride is a multiple of. Below 16 no copy engine
  /// can address the tensors, and the kernel loads them itself.
  int64_t alignment = 16;
  /// The class of calls: what is chosen suits these, and runs with any.
  CallClass calls;
  std::string hostLevel;  ///< cpu target: "x86-64-v3", "x86-64-v4"; empty: this
                          ///< machine's
  bool debugInfo = false; ///< lines of the tile IR in the image
  /// What the debug information calls the file of the tile IR.
  std::string debugFile = "kernel.tile.mlir";
  bool keepLevels = false; ///< fill Compiled::levels
  /// Asked between the steps, by the thread that compiles: once it says true,
  /// compile() ends with an error. May be empty.
  std::function<bool()> calledOff;
  /// Every level, the image and the manifest go into this folder.
  std::string dumpFolder;
  /// STEM.attn.mlir, STEM.tile.mlir or an image of this folder is taken instead
  /// of what would be made; STEM is what a dump calls the kernel.
  std::string overrideFolder;

  /// With ATTN_JIT_DUMP and ATTN_JIT_OVERRIDE of the environment in place.
  static CompileOptions fromEnvironment();
};

/// What is known of the calls that a kernel is for; 0: many.
struct TypicalCall {
  int64_t batch = 0, queryHeads = 0, queryLen = 0, kvLen = 0;
  /// A default must not depend on who shares the batch: the same bits for a
  /// sequence, whatever else is computed beside it.
  bool batchInvariant = false;
  /// Where all sizes are given, records serve (ScheduleChoice.h): then a
  /// schedule may hold for this many query heads a key head alone.
  int64_t kvHeads = 0;
};

/// Sets the class of `options`: few keys or rows only where another schedule is
/// chosen for them. Not where a schedule is named, or a module given: they mean
/// the same for all calls.
void setClass(CompileOptions &options, const Description &description,
              const TypicalCall &call);

struct CompileTimes {
  double mlirMs = 0, llvmMs = 0, linkMs = 0;
  double totalMs = 0; ///< by the clock, all of the above and what is between
};

struct Compiled {
  rt::ImageKind kind = rt::ImageKind::Host;
  std::string image;
  std::string manifest; ///< JSON, docs/manifest.md
  std::string stem;     ///< a file name of its own for this kernel
  std::string key, schedule, kernel, target;
  std::string scheduleSource; ///< "flag", "default", "module"
  rt::Resources resources;
  /// Of code from elsewhere: its URL, without credentials, and the id of the
  /// listed key that signed it.
  std::string origin, signer;
  CompileTimes times;
  std::array<std::string, levelCount> levels; ///< empty where there is none

  const std::string &level(Level which) const { return levels[size_t(which)]; }
};

rt::Result<Compiled> compile(const Description &description,
                             const CompileOptions &options);

/// What two compilers that make the same bytes have in common, on one line;
/// empty where this one cannot tell.
const std::string &compilerIdentity();

/// The one text that a description means: the bytes that kernels are keyed by.
rt::Result<std::string> canonicalText(const Description &description);

/// The file name ending of an image: ".ptx", ".hsaco", ".so".
std::string_view imageSuffix(rt::ImageKind kind);

/// The manifest with `image.file` naming `file`.
std::string manifestFor(const Compiled &compiled, const std::string &file);

std::vector<std::string> targetNames();
/// Is it a target of this build? The error lists those that are.
rt::Status checkTarget(const std::string &target);

struct ScheduleHelp {
  std::string name, summary;
  struct Field {
    std::string key, summary, allowed;
  };
  std::vector<Field> fields;
};
std::vector<ScheduleHelp> scheduleFamilies();

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_COMPILE_H
