// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Machine code of PTX, kept on this host. A driver keeps what it assembles in a
// cache of its own, which a container loses at its end and a full disk drops;
// then each load costs the assembler anew, 0.2 to 0.5 s a kernel. Where the
// driver's own release of ptxas is installed, its code is kept beside the PTX:
// under the driver that it is for, in this owner's store alone. It goes to no
// remote and into no pack, and PTX is what a signature speaks of: the PTX is
// found and verified first, each time, and its bytes are part of the key.
#ifndef ATTN_JIT_TOOLS_API_MACHINECODE_H
#define ATTN_JIT_TOOLS_API_MACHINECODE_H

#include "runtime/store/local/LocalStore.h"
#include "runtime/store/remote/Lane.h"
#include "tools/api/Compile.h"
#include "tools/api/Ptxas.h"

namespace attn_jit::api {

/// The driver's own: "13.0" of "13.0 (580.65.06)".
std::string driverRelease(const rt::DeviceInfo &device);
/// Whether there is a ptxas and it is of that release. A driver's own makes the
/// same code of the same PTX as what the driver has built in.
bool isOfRelease(const std::string &ptxas, const std::string &release,
                 RunningTool *running = nullptr);

/// Any number of threads. A child of fork finds, and assembles nothing.
class MachineCode {
public:
  /// `ptxas`: empty: nothing is ever assembled.
  explicit MachineCode(store::LocalStore local,
                       std::string ptxas = findPtxas());
  /// What is not assembled by now is given up.
  ~MachineCode();
  MachineCode(const MachineCode &) = delete;
  MachineCode &operator=(const MachineCode &) = delete;

  /// Of PTX for exactly this device's chip, by its driver's release.
  std::optional<std::string> find(const Compiled &ptx,
                                  const rt::DeviceInfo &device) const;
  /// In the background, one after another and by one process of a host, unless
  /// it is there already.
  void assembleLater(const Compiled &ptx, const rt::DeviceInfo &device);
  /// Until nothing is left to assemble; false: not by then.
  bool wait(std::chrono::milliseconds limit) const;

private:
  struct State;
  std::shared_ptr<State> state;
  std::unique_ptr<store::Lane> lane;
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_MACHINECODE_H
