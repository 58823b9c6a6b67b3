// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One row a chip. Limits are from the CUDA C++ Programming Guide (compute
// capability table), AMD's "GPU hardware specifications" and the LLVM AMDGPU
// usage guide.
#include "dialect/Target.h"

using namespace attn_jit;

static constexpr uint32_t capabilities(std::initializer_list<Capability> list) {
  uint32_t bits = 0;
  for (Capability capability : list)
    bits |= static_cast<uint32_t>(capability);
  return bits;
}

/// Chips by their warps, which multiply alike and differ in how much shared
/// memory a workgroup may take.
static constexpr TargetInfo
warpProducts(llvm::StringLiteral name, int64_t sharedBytes, uint32_t more = 0,
             llvm::StringLiteral features = "+ptx78",
             llvm::StringLiteral title = "") {
  return {name,
          Backend::NVPTX,
          capabilities({Capability::SharedLhs, Capability::TanhInstruction,
                        Capability::LaunchedShared, Capability::SwizzledTiles,
                        Capability::ThreadCopy, Capability::TimedSleep,
                        Capability::Tf32Product}) |
              more,
          /*unitThreads=*/32,
          /*waveThreads=*/32,
          /*unitRows=*/16,
          /*maxUnits=*/16,
          sharedBytes,
          /*sharedRowPadding=*/0,
          /*registersPerThread=*/255,
          /*registersPerGroup=*/65536,
          /*fragmentCols=*/8,
          /*productDepth=*/16,
          /*namedBarriers=*/0,
          /*productsInFlight=*/0,
          features,
          /*warps=*/nullptr,
          title};
}

/// PTX 8.6 is the first with every instruction used here and is taken by
/// drivers from CUDA 12.7 on.
static constexpr llvm::StringLiteral kHopperFeatures = "+ptx86";

/// Hopper by its warps: a warpgroup reads both operands of a product of f32
/// along K alone, which values are not.
static constexpr TargetInfo kHopperWarps = warpProducts(
    "sm_90a", 227 * 1024, capabilities({Capability::SuspendedWait}),
    kHopperFeatures, "sm_90a by its warps");

static constexpr TargetInfo kTargets[] = {
    // Barriers 8 to 15 are those of tile.publish, 0 is the workgroup's.
    // wgmma.wait_group counts to 7.
    {"sm_90a", Backend::NVPTX,
     capabilities({Capability::BulkCopy, Capability::AsyncMatrixProduct,
                   Capability::SharedLhs, Capability::RegisterBudgets,
                   Capability::NamedBarriers, Capability::TanhInstruction,
                   Capability::LaunchedShared, Capability::SwizzledTiles,
                   Capability::TimedSleep, Capability::SuspendedWait,
                   Capability::ClusterMulticast}),
     /*unitThreads=*/128, /*waveThreads=*/32, /*unitRows=*/64, /*maxUnits=*/4,
     /*sharedBytes=*/227 * 1024, /*sharedRowPadding=*/0,
     /*registersPerThread=*/255,
     /*registersPerGroup=*/65536, /*fragmentCols=*/8, /*productDepth=*/16,
     /*namedBarriers=*/7,
     /*productsInFlight=*/7, /*features=*/kHopperFeatures, &kHopperWarps},
    // PTX 7.8 is the first that knows all of these, and is taken by drivers
    // from CUDA 11.8 on.
    warpProducts("sm_80", 163 * 1024),
    warpProducts("sm_86", 99 * 1024),
    warpProducts("sm_89", 99 * 1024),
    // A lane may hold 512 registers, but more than 256 leave one wave a SIMD,
    // with nothing to hide its waits.
    {"gfx942", Backend::AMDGPU,
     capabilities({Capability::SpreadOperands, Capability::BufferCopies}),
     /*unitThreads=*/64, /*waveThreads=*/64, /*unitRows=*/16, /*maxUnits=*/16,
     /*sharedBytes=*/64 * 1024, /*sharedRowPadding=*/16,
     /*registersPerThread=*/256,
     /*registersPerGroup=*/131072, /*fragmentCols=*/16, /*productDepth=*/16,
     /*namedBarriers=*/0,
     /*productsInFlight=*/0, /*features=*/""},
    // A pair of 16-bit values is put together by one v_perm_b32, not by two
    // moves of halves, which is what real true16 would do.
    {"gfx1100", Backend::AMDGPU,
     capabilities({Capability::FormatInDescriptor, Capability::BufferCopies}),
     /*unitThreads=*/32, /*waveThreads=*/32, /*unitRows=*/16, /*maxUnits=*/16,
     /*sharedBytes=*/64 * 1024, /*sharedRowPadding=*/16,
     /*registersPerThread=*/256,
     /*registersPerGroup=*/98304, /*fragmentCols=*/16, /*productDepth=*/16,
     /*namedBarriers=*/0,
     /*productsInFlight=*/0, /*features=*/"-real-true16"},
    {"cpu", Backend::Host,
     capabilities({Capability::SinglePrecisionProduct,
                   Capability::WideFragments, Capability::HostLevels}),
     /*unitThreads=*/1, /*waveThreads=*/1, /*unitRows=*/1, /*maxUnits=*/1,
     /*sharedBytes=*/512 * 1024, /*sharedRowPadding=*/0,
     /*registersPerThread=*/0,
     /*registersPerGroup=*/0, /*fragmentCols=*/1, /*productDepth=*/1,
     /*namedBarriers=*/0,
     /*productsInFlight=*/0, /*features=*/""},
};

const TargetInfo *attn_jit::lookupTarget(llvm::StringRef name) {
  for (const TargetInfo &target : kTargets)
    if (target.name == name)
      return &target;
  return nullptr;
}

llvm::ArrayRef<TargetInfo> attn_jit::allTargets() { return kTargets; }
