// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The conformance kernels as a host image (docs/manifest.md): the entry gets
// the argument block and one grid point; a block's 64 threads are a loop.
#include <stdint.h>
#include <time.h>

struct Fill {
  float *o;
  int32_t n;
  float value;
};
void fill(const void *block, int32_t x, int32_t y, int32_t z) {
  const struct Fill *a = block;
  (void)y, (void)z;
  for (int32_t i = x * 64; i < x * 64 + 64 && i < a->n; ++i)
    a->o[i] = a->value + (float)i;
}

struct Grid3 {
  int32_t *o;
  int32_t gx, gy;
};
void grid3(const void *block, int32_t x, int32_t y, int32_t z) {
  const struct Grid3 *a = block;
  a->o[x + a->gx * (y + a->gy * z)] = x + 100 * y + 10000 * z;
}

struct Spin {
  volatile int32_t *flag;
  int32_t *o;
};
void spin(const void *block, int32_t x, int32_t y, int32_t z) {
  const struct Spin *a = block;
  struct timespec pause = {0, 100000};
  (void)x, (void)y, (void)z;
  *a->o = 2;
  for (int i = 0; i < 100000 && *a->o == 2; ++i) {
    if (__atomic_load_n(a->flag, __ATOMIC_ACQUIRE))
      *a->o = 1;
    nanosleep(&pause, 0);
  }
}

struct SetFlag {
  volatile int32_t *flag;
};
void set_flag(const void *block, int32_t x, int32_t y, int32_t z) {
  const struct SetFlag *a = block;
  (void)x, (void)y, (void)z;
  __atomic_store_n(a->flag, 1, __ATOMIC_RELEASE);
}
