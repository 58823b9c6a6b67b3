// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The mbarriers of a ring in shared memory: for each stage one that completes
// when a use is full, and one when it is empty again (PTX ISA, "mbarrier").
#ifndef ATTN_JIT_CODEGEN_NVPTX_RINGBARRIERS_H
#define ATTN_JIT_CODEGEN_NVPTX_RINGBARRIERS_H

#include "codegen/nvptx/NvptxTarget.h"

namespace attn_jit {

class RingBarriers {
public:
  /// Those of use `use` of a ring of `stages` stages, placed at `offset` of
  /// shared memory: all full ones, then all empty ones, 8 bytes each. `cluster`
  /// workgroups fill and release all uses together.
  RingBarriers(const GpuTarget &target, mlir::OpBuilder &b, mlir::Operation *op,
               int64_t stages, int64_t offset, mlir::Value use,
               int64_t cluster = 1);

  /// Those of use `use` of a pipe, found through its definition, because the
  /// pipe's value is the address of its tiles.
  static RingBarriers of(const GpuTarget &target, mlir::OpBuilder &b,
                         mlir::Operation *op, mlir::Value pipe,
                         mlir::Value use);

  /// Thread 0 makes them: a use is full at `arrivals`, empty at `releases`.
  static void create(const GpuTarget &target, mlir::OpBuilder &b,
                     mlir::Operation *op, int64_t stages, int64_t offset,
                     int64_t arrivals, int64_t releases);

  void waitFull() const;
  /// Passes at once for the first use of each stage.
  void waitEmpty() const;

  /// Threads for which `arrives` holds say that they have read the use;
  /// afterWave: for all lanes of their wave, which meet before.
  void release(mlir::Value arrives, bool afterWave) const;
  /// A unit says so in every workgroup of the cluster, where `when` holds or is
  /// not given: as many of its threads arrive, each in one.
  void releaseInCluster(const GpuTarget &target, mlir::Value when) const;

  /// Refuses a pipe that is not known by its definition.
  static mlir::LogicalResult check(mlir::Operation *op, mlir::Value pipe);
  /// On the first thread of each unit, where `when` holds or is not given.
  static mlir::Value whenLeader(const GpuTarget &target, mlir::OpBuilder &b,
                                mlir::Location loc, mlir::Value when);

  mlir::Value full, empty; ///< addresses, i32
  int64_t cluster;         ///< workgroups that share the ring

private:
  mlir::Value parity() const;
  void wait(mlir::Value barrier, mlir::Value phase) const;

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Value use;
  int64_t stages;
  bool suspends; ///< a wait sleeps in the barrier, and need not spin
};

} // namespace attn_jit

#endif
