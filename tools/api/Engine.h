// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels for one device: compiled at the first use, kept in this process,
// launched on the caller's buffers and stream. Thread-safe, no global state; a
// new length of the same class of calls never compiles anything.
#ifndef ATTN_JIT_TOOLS_API_ENGINE_H
#define ATTN_JIT_TOOLS_API_ENGINE_H

#include "runtime/Launch.h"
#include "tools/api/Compile.h"

#include <memory>

namespace attn_jit::api {

/// Loaded on its engine's device; immutable.
class Kernel {
public:
  const Compiled &compiled() const { return made; }
  const rt::PreparedKernel &prepared() const { return loaded; }
  /// Of the image, with what the device's driver adds.
  const rt::Resources &resources() const { return taken; }
  double loadMs() const { return load; } ///< driver's compiler included
  /// Cubin where machine code of compiled()'s PTX was kept (MachineCode.h).
  rt::ImageKind loadedKind() const { return loaded.manifest().imageKind; }

  /// Enqueues on the caller's stream; nothing is allocated or copied.
  rt::Status launch(const rt::AttentionArguments &arguments,
                    const rt::Stream &stream) const;
  /// launch() in two steps, for callers that repeat one call.
  rt::Status bind(const rt::AttentionArguments &arguments,
                  rt::BoundLaunch &bound) const;

private:
  friend class Engine;
  Compiled made;
  rt::PreparedKernel loaded;
  rt::Resources taken;
  double load = 0;
};

struct KernelOptions {
  std::string schedule; ///< as CompileOptions; empty: ScheduleChoice.h
  int64_t alignment = 16;
  TypicalCall typical; ///< What is 0 here, forward() takes from its call.
  std::string target;  ///< empty: the device's own
  bool debugInfo = false;
};

/// Where a kernel came from.
enum class CacheUse { Compiled, Memory, Disk, Remote, Bypassed };
/// "miss", "memory", "disk", "remote", "bypass"
std::string_view name(CacheUse use);

/// Who chose a kernel's schedule: "flag", "pin", "exact", "bucket", "bundled",
/// "model", "default", and "module" or "override", which bring their own. Of a
/// call: one kernel may serve several.
struct ChosenBy {
  std::string source;
  std::string why; ///< one sentence; empty where the source says it
};

struct EngineOptions {
  /// Without it neither kernels nor records of this owner's store are read or
  /// written; what comes with the program serves all the same.
  bool useStore = true;
  /// A kernel that is neither in memory nor in the store, nor in a remote with
  /// a listed key's signature, is an error that says how its key differs from
  /// the nearest one in the store. Remotes are waited for.
  bool mustBeCached = false;
  /// The file of a pin (autotune/Pin.h), whose choices alone serve then.
  std::string pinFile;
  /// "background" has calls tuned beside the program's own work, and what is
  /// faster serves later look-ups (docs/commands.md); "off"; empty:
  /// ATTN_JIT_TUNE's, which does nothing under a pin, without a store, or where
  /// kernels must be cached. A kernel that is held stays what it is.
  std::string tune;
};

class Engine {
public:
  /// "auto", "cuda:0", "hip:0", "cpu", "null".
  static rt::Result<Engine> open(std::string_view device = "auto",
                                 const EngineOptions &options = {});
  static rt::Result<Engine> open(rt::Device device,
                                 const EngineOptions &options);
  explicit Engine(rt::Device device);

  const rt::Device &device() const;
  rt::Result<std::shared_ptr<const Kernel>>
  kernel(const Description &description, const KernelOptions &options = {},
         CacheUse *use = nullptr, ChosenBy *chosen = nullptr) const;
  /// The kernel whose load path can address these tensors, launched.
  rt::Status forward(const Description &description,
                     const rt::AttentionArguments &arguments,
                     const rt::Stream &stream,
                     const KernelOptions &options = {}) const;
  /// How often the compiler made a kernel.
  int64_t compiles() const;

private:
  struct State;
  explicit Engine(std::shared_ptr<State> state) : state(std::move(state)) {}
  rt::Result<std::shared_ptr<const Kernel>>
  obtain(const Description &description, const CompileOptions &wanted,
         CacheUse *use) const;
  bool serve(const struct TunedCall &call) const;
  rt::Result<std::shared_ptr<const Kernel>> make(const Description &description,
                                                 const CompileOptions &wanted,
                                                 CacheUse &use) const;

  std::shared_ptr<State> state;
};

/// The largest power of two up to 16 that divides every base and stride of q,
/// k, v and o in bytes: CompileOptions::alignment of a call. With
/// `batchInvariant` the batch's stride counts for one sequence too, which would
/// else be computed by another kernel alone than among others.
int64_t alignmentOf(const rt::AttentionArguments &arguments,
                    int64_t elementBytes, bool batchInvariant = false);

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_ENGINE_H
