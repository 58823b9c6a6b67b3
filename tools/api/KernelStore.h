// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What engines keep between processes and share between machines: images by
// what was asked for. What a driver's assembler makes of PTX is this host's
// alone (MachineCode.h).
//
// The order: this owner's disk; then, side by side, the remotes and the
// compiler, and whoever has it first. Code from elsewhere is looked for only
// where keys are listed, and runs only with the signature of one, checked at
// each load on the very bytes that are loaded; where it came from stays with
// it. What is made here is signed with this user's own key, if there is one,
// and offered to the remotes in the background. Where another host compiles the
// same for us, by its lease, it is waited for a moment (FleetLookup.h).
#ifndef ATTN_JIT_TOOLS_API_KERNELSTORE_H
#define ATTN_JIT_TOOLS_API_KERNELSTORE_H

#include "runtime/store/local/LocalStore.h"
#include "runtime/store/remote/FleetLookup.h"
#include "tools/api/Compile.h"
#include "tools/api/MachineCode.h"

#include <functional>

namespace attn_jit::api {

/// Everything that can change an image's bytes, and nothing else: no host, no
/// device, no driver, no path. Nothing where this compiler has no identity of
/// its own, so that what it makes is kept for no other process.
rt::Result<std::optional<store::Key>> storeKey(const Description &description,
                                               const CompileOptions &options);

/// An image as an entry, unsigned; and back: the compiler's result as it was,
/// but for its times and its texts. Nothing where it does not read as an image.
store::Entry entryOf(const store::Key &key, const Compiled &compiled);
std::optional<Compiled> compiledOf(store::Entry entry);

/// Any number of threads at once. Works without a folder and without remotes
/// too, where it finds and keeps nothing.
class KernelStore {
public:
  KernelStore(store::CacheRoot root,
              std::span<const store::RemoteOptions> remotes);

  /// Of this user, by the environment; one for all engines of a process. The
  /// error is of what the environment or a file of the user says of remotes.
  static rt::Result<KernelStore *> ofProcess();

  /// Where an image came from.
  enum class From { Disk, Remote, Compiler };
  struct Image {
    Compiled compiled; ///< found: times.totalMs is that of finding it
    From from = From::Compiler;
  };
  /// True once nobody waits for the compiler any more.
  using CalledOff = std::function<bool()>;
  using Make = std::function<rt::Result<Compiled>(const CalledOff &)>;

  /// What is there for the key, or what `make` makes, which is kept then. Of
  /// several processes that ask at once one makes it, and the others wait, a
  /// minute at most; who is called off while it waits for that asks `make` at
  /// once.
  rt::Result<Image> image(const store::Key &key, const Make &make,
                          const CalledOff &nobodyWaits = {});
  /// What this disk has, or a remote, whose answers are waited for: nothing is
  /// compiled. Remotes count where a listed key signed what they have.
  std::optional<Image> find(const store::Key &key);

  store::LocalStore &disk() { return local; }
  MachineCode &machineCode() { return code; }
  /// Null where there are no remotes.
  store::Tiers *remotes() { return tiers.get(); }

private:
  std::optional<Compiled> onDisk(const store::Key &key,
                                 store::Look look = store::Look::First) const;
  std::optional<Compiled> fetched(const store::Key &key,
                                  const store::FetchedEntry &found);
  void keep(const store::Key &key, const Compiled &made);

  store::LocalStore local;
  MachineCode code{local};
  std::unique_ptr<store::Tiers> tiers;
  store::FleetMemory fleet;
  std::optional<rt::Error> fault;
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_KERNELSTORE_H
