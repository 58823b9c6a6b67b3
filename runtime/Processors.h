// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How many threads are worth starting.
#ifndef ATTN_JIT_RUNTIME_PROCESSORS_H
#define ATTN_JIT_RUNTIME_PROCESSORS_H

namespace attn_jit::rt {

/// Those that the calling thread may run on, at least 1: what `taskset` or a
/// container leaves of the machine's.
int usableProcessors();

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_PROCESSORS_H
