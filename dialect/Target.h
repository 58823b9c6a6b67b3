// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The capability table: what a target can do and how much of it it has. Code
// asks for capabilities, never for vendors; a new chip is a row in Target.cpp.
#ifndef ATTN_JIT_DIALECT_TARGET_H
#define ATTN_JIT_DIALECT_TARGET_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <algorithm>
#include <cstdint>
#include <initializer_list>

namespace attn_jit {

enum class Capability : uint32_t {
  BulkCopy = 1 << 0, ///< A copy engine fills shared tiles and signals.
  AsyncMatrixProduct = 1 << 1, ///< Products run while their unit goes on.
  SharedLhs = 1 << 2, ///< A product reads its left operand from shared memory.
  RegisterBudgets = 1 << 3, ///< Roles trade registers at run time.
  NamedBarriers = 1 << 4,   ///< Subsets of units meet at numbered barriers.
  SinglePrecisionProduct = 1 << 5, ///< f32 operands at full precision.
  WideFragments =
      1 << 6, ///< Fragments live in memory; registers do not bound them.
  TanhInstruction = 1 << 7, ///< An approximate tanh.
  SpreadOperands =
      1 << 8, ///< Lanes hold parts of a product's K, not each all of it.
  FormatInDescriptor = 1 << 9, ///< Buffer descriptors name a format, and how
                               ///< offsets are checked (gfx10 and later).
  LaunchedShared = 1 << 10,    ///< A launch says how much shared memory.
  HostLevels = 1 << 11, ///< An image is for one of the machine's vector levels.
  BufferCopies = 1 << 12,  ///< Units copy through descriptors of 2 GiB, beyond
                           ///< which a read is zeros, without a fault.
  SwizzledTiles = 1 << 13, ///< Products read shared tiles whose rows are
                           ///< swizzled panels, not padded.
  ThreadCopy = 1 << 14,    ///< A thread's copies into shared memory go on
                           ///< beside it, and barriers there count them.
  TimedSleep = 1 << 15,    ///< A wave can sleep for a number of nanoseconds.
  Tf32Product = 1 << 16,   ///< f32 operands, of which a product reads 10 bits
                           ///< of mantissa, and truncates its sums.
  SuspendedWait = 1 << 17, ///< A wait at a shared barrier may suspend.
  ClusterMulticast = 1 << 18, ///< Workgroups of a cluster run side by side, and
                              ///< a bulk copy fills tiles of all of them.
};

enum class Backend { NVPTX, AMDGPU, Host };

struct TargetInfo {
  llvm::StringLiteral name;
  Backend backend;
  uint32_t capabilities;
  int64_t unitThreads;        ///< Threads of one unit.
  int64_t waveThreads;        ///< Threads that shuffle together.
  int64_t unitRows;           ///< Rows of the smallest left operand of a unit.
  int64_t maxUnits;           ///< Units of one workgroup.
  int64_t sharedBytes;        ///< Shared memory one workgroup may take.
  int64_t sharedRowPadding;   ///< Bytes after each unswizzled row, against bank
                              ///< conflicts.
  int64_t registersPerThread; ///< The most a schedule gives one thread.
  int64_t registersPerGroup;  ///< Register file of the processor it runs on.
  int64_t fragmentCols;       ///< Columns of a matrix fragment come in these.
  int64_t productDepth;       ///< Columns that one product contracts.
  int64_t namedBarriers;      ///< Barriers 1 to this are a schedule's.
  int64_t productsInFlight;   ///< The most that a wait may leave running.
  llvm::StringLiteral features; ///< For LLVM, beside those of `name`.
  /// The same chip with its warps as units, where only they multiply some
  /// operands; null where there is nothing to add.
  const TargetInfo *warps = nullptr;
  /// What a refusal calls these units, where the chip's other ones can what
  /// they cannot.
  llvm::StringLiteral ownTitle = "";

  /// The units by which products of operands of that size are computed.
  const TargetInfo &unitsFor(int64_t elementBytes) const {
    return warps && elementBytes == 4 ? *warps : *this;
  }

  /// Of refusals.
  llvm::StringRef title() const { return ownTitle.empty() ? name : ownTitle; }

  bool has(Capability capability) const {
    return capabilities & static_cast<uint32_t>(capability);
  }

  /// Bytes of the panels in which shared tiles keep rows of `rowBytes`: the
  /// narrowest that holds a row, or the widest there is; 0: rows stand plainly.
  /// (A copy of a narrow one takes sectors that its neighbour takes again.)
  int64_t swizzleOf(int64_t rowBytes) const {
    if (!has(Capability::SwizzledTiles))
      return 0;
    return rowBytes <= 32 ? 32 : rowBytes <= 64 ? 64 : 128;
  }
  /// Bytes that such a row takes.
  int64_t storedBytes(int64_t rowBytes) const {
    int64_t panel = swizzleOf(rowBytes);
    return panel ? (rowBytes + panel - 1) / panel * panel
                 : rowBytes + sharedRowPadding;
  }

  /// Registers that a thread of `units` units starts with when they fill the
  /// processor: the file in equal shares, in multiples of 8. What roles trade
  /// (Capability::RegisterBudgets) is the sum of these shares, not the file.
  int64_t entryRegisters(int64_t units) const {
    int64_t share = registersPerGroup / (units * unitThreads) / 8 * 8;
    return std::min(share, registersPerThread);
  }
};

/// The row of `name`, or null when this build does not know the target.
const TargetInfo *lookupTarget(llvm::StringRef name);
/// All rows, in the order in which they are listed to a user.
llvm::ArrayRef<TargetInfo> allTargets();

} // namespace attn_jit

#endif
