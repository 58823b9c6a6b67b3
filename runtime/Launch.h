// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a manifest and a caller's tensors to a launch. Everything that does not
// depend on the call is done in prepare(); bind() and launch() allocate
// nothing unless they fail.
#ifndef ATTN_JIT_RUNTIME_LAUNCH_H
#define ATTN_JIT_RUNTIME_LAUNCH_H

#include "runtime/Manifest.h"

namespace attn_jit::rt {

/// A device address with element strides; the innermost stride is 1.
struct TensorArgument {
  uint64_t address = 0;
  int64_t batchStride = 0, headStride = 0, rowStride = 0;
};

/// A run-time scalar that the description captured by name.
struct CapturedScalar {
  std::string_view name;
  double value = 0;
};

/// What a scale of the scores may be. Kernels take a row's maximum before they
/// scale it, which is the maximum of the scaled scores for a positive scale
/// only; and single precision holds these with room for products on either
/// side.
inline constexpr double leastScale = 1e-30, mostScale = 1e30;

struct AttentionArguments {
  int64_t batch = 1, qHeads = 1, kvHeads = 1, qLen = 1, kvLen = 1;
  double scale = 1; ///< of the scores: leastScale to mostScale
  TensorArgument q, k, v, o;
  TensorArgument lse; ///< f32, rows contiguous; address 0: none wanted
  uint64_t workspace = 0;
  int64_t workspaceBytes = 0;
  std::span<const CapturedScalar> captured;
};

class PreparedKernel;

/// One launch with all its bytes, repeatable; holds no allocation. Lives no
/// longer than the PreparedKernel it came from and the tensors it names.
class BoundLaunch {
public:
  BoundLaunch() = default;
  const LaunchGeometry &geometry() const { return shape; }
  Status launch(const Stream &stream) const;

private:
  friend class PreparedKernel;
  const PreparedKernel *prepared = nullptr;
  LaunchGeometry shape;
  bool empty = false; ///< a grid of no blocks: nothing to do
  uint32_t used = 0;
  alignas(64) std::byte block[maxArgumentBytes];
};

/// A loaded kernel and its manifest. Immutable, so shared between threads.
class PreparedKernel {
public:
  PreparedKernel() = default;
  const Manifest &manifest() const { return contract; }
  const Kernel &kernel() const { return function; }
  const Module &module() const { return image; }
  const Device &device() const { return where; }

  /// Checks `requires`, evaluates the grid, marshals the arguments.
  Status bind(const AttentionArguments &arguments, BoundLaunch &bound) const;
  /// bind and launch in one.
  Status launch(const AttentionArguments &arguments,
                const Stream &stream) const;

  /// The manifest's resources, with what the device says put in.
  Result<Resources> resources() const;

private:
  friend Result<PreparedKernel> prepare(const Device &, Manifest,
                                        std::span<const std::byte>,
                                        const LoadOptions &);
  Result<std::optional<int64_t>> blocksOfUnit() const;

  Manifest contract;
  Device where;
  Module image;
  Kernel function;
  int64_t residentBlocks = 1; ///< that the device holds at once
};

/// Does an image for `target` run on this device? A null device takes all.
bool targetFits(const std::string &target, const DeviceInfo &device,
                ImageKind kind);

/// Loads the image on the device. The manifest's target must be the device's
/// chip ("sm_90a" images also run where the device says "sm_90").
Result<PreparedKernel> prepare(const Device &device, Manifest manifest,
                               std::span<const std::byte> image,
                               const LoadOptions &options = {});

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_LAUNCH_H
