// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What engines keep between processes: images by what was asked for. What a
// driver's assembler makes of PTX is kept by the driver's own cache. Works
// without a folder too, where it finds and keeps nothing.
#ifndef ATTN_JIT_TOOLS_API_KERNELSTORE_H
#define ATTN_JIT_TOOLS_API_KERNELSTORE_H

#include "runtime/store/local/LocalStore.h"
#include "tools/api/Compile.h"

#include <functional>

namespace attn_jit::api {

/// Everything that can change an image's bytes, and nothing else: no host, no
/// device, no driver, no path. Nothing where this compiler has no identity of
/// its own, so that what it makes is kept for no other process.
rt::Result<std::optional<store::Key>> storeKey(const Description &description,
                                               const CompileOptions &options);

class KernelStore {
public:
  explicit KernelStore(store::CacheRoot root) : local(std::move(root)) {}
  /// Of this user, by the environment; one for all engines of a process.
  static KernelStore &ofProcess();

  /// Where an image came from.
  enum class From { Disk, Compiler };
  struct Image {
    Compiled compiled; ///< from the disk: times.totalMs is that of finding it
    From from = From::Compiler;
  };
  /// What is kept for the key, or what `make` makes, which is kept then. Of
  /// several processes that ask at once one makes it, and the others wait.
  rt::Result<Image> image(const store::Key &key,
                          const std::function<rt::Result<Compiled>()> &make);

  store::LocalStore &disk() { return local; }

private:
  std::optional<Compiled> find(const store::Digest &key) const;

  store::LocalStore local;
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_KERNELSTORE_H
