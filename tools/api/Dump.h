// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ATTN_JIT_DUMP and ATTN_JIT_OVERRIDE: every level of a kernel into a folder,
// and a level edited there taken in its place.
#ifndef ATTN_JIT_TOOLS_API_DUMP_H
#define ATTN_JIT_TOOLS_API_DUMP_H

#include "runtime/File.h"
#include "tools/api/Compile.h"

#include <optional>

namespace attn_jit::api {

/// "attn_fwd_" and 16 hexadecimal digits of what was asked for: the same
/// description, target and options always give the same files.
std::string stemOf(std::string_view module, const CompileOptions &options);

class Dump {
public:
  Dump(const CompileOptions &options, std::string stem)
      : folder(options.dumpFolder), overrides(options.overrideFolder),
        stem(std::move(stem)) {}

  bool writes() const { return !folder.empty(); }
  rt::Status write(const Compiled &compiled) const;

  struct Replacement {
    std::string path, text;
  };
  /// ".mlir" looks for STEM.tile.mlir, then STEM.attn.mlir; another suffix for
  /// STEM and that suffix.
  std::optional<Replacement> replacement(std::string_view suffix) const;

private:
  std::string folder, overrides, stem;
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_DUMP_H
