// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a description to an image and its launch manifest. Needs no device and
// keeps no state: any number of threads may compile at once.
#ifndef ATTN_JIT_TOOLS_API_COMPILE_H
#define ATTN_JIT_TOOLS_API_COMPILE_H

#include "runtime/Manifest.h"
#include "tools/api/Description.h"

#include <array>
#include <vector>

namespace attn_jit::api {

/// The texts that a kernel passes through; see `attn-jit compile --help`.
enum class Level { Attn, Tile, Lowered, LLVM, Asm, Object };
inline constexpr size_t levelCount = 6;

struct CompileOptions {
  std::string target;   ///< "sm_90a", "gfx942", "gfx1100", "cpu"
  std::string schedule; ///< "name.v1" or "name.v1<field=value, ...>"; empty:
                        ///< chosen for the description
  /// Bytes that every base and stride is a multiple of. Below 16 no copy engine
  /// can address the tensors, and the kernel loads them itself.
  int64_t alignment = 16;
  /// The length class: what is chosen suits its calls, and runs with any.
  bool fewKeys = false;
  std::string hostLevel;  ///< cpu target: "x86-64-v3", "x86-64-v4"; empty: this
                          ///< machine's
  bool debugInfo = false; ///< lines of the tile IR in the image
  /// What the debug information calls the file of the tile IR.
  std::string debugFile = "kernel.tile.mlir";
  bool keepLevels = false; ///< fill Compiled::levels
  /// Every level, the image and the manifest go into this folder.
  std::string dumpFolder;
  /// STEM.attn.mlir, STEM.tile.mlir or an image of this folder is taken instead
  /// of what would be made; STEM is what a dump calls the kernel.
  std::string overrideFolder;

  /// With ATTN_JIT_DUMP and ATTN_JIT_OVERRIDE of the environment in place.
  static CompileOptions fromEnvironment();
};

/// Are calls of that kv_len, 0 for many keys, of the length class for which
/// another schedule is chosen? Not where a schedule is named, or a module
/// given: they mean the same for all lengths.
bool seesFewKeys(const Description &description, const CompileOptions &options,
                 int64_t kvLen);

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
  CompileTimes times;
  std::array<std::string, levelCount> levels; ///< empty where there is none

  const std::string &level(Level which) const { return levels[size_t(which)]; }
};

rt::Result<Compiled> compile(const Description &description,
                             const CompileOptions &options);

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
