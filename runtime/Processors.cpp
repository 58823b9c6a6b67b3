// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/Processors.h"

#include <algorithm>
#include <sched.h>
#include <unistd.h>

int attn_jit::rt::usableProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return std::max(1, CPU_COUNT(&set));
  return std::max(1, int(sysconf(_SC_NPROCESSORS_ONLN)));
}
