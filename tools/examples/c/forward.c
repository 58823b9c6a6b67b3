/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One head on the CPU through the C functions: out = softmax(scale Q K^T) V. */
#include "tools/api/attn_jit.h"

#include <math.h>
#include <stdio.h>

enum { ROWS = 64, DIM = 64 };
static float q[ROWS][DIM], k[ROWS][DIM], v[ROWS][DIM], out[ROWS][DIM];

static attn_jit_tensor view(float (*tensor)[DIM]) {
  attn_jit_tensor t = {(uint64_t)(uintptr_t)tensor, ROWS * DIM, DIM, DIM, 1};
  return t;
}

static int failed(int status) {
  if (status)
    fprintf(stderr, "%s\n", attn_jit_last_error());
  return status;
}

int main(void) {
  for (int i = 0; i < ROWS; ++i)
    for (int j = 0; j < DIM; ++j) {
      q[i][j] = k[i][j] = sinf((float)(i * DIM + j));
      v[i][j] = (float)i;
    }
  attn_jit_engine *engine = 0;
  if (failed(attn_jit_engine_open("cpu", &engine)))
    return 1;
  attn_jit_description what = {
      .size = sizeof what, .head_dim = DIM, .dtype = "f32", .causal = 1};
  attn_jit_kernel *kernel = 0;
  if (failed(attn_jit_kernel_create(engine, &what, &kernel)))
    return 1;
  attn_jit_call call = {.size = sizeof call,
                        .batch = 1,
                        .q_heads = 1,
                        .kv_heads = 1,
                        .q_len = ROWS,
                        .kv_len = ROWS,
                        .scale = 1 / sqrt(DIM),
                        .q = view(q),
                        .k = view(k),
                        .v = view(v),
                        .o = view(out)};
  if (failed(attn_jit_kernel_launch(kernel, &call, NULL)))
    return 1;
  /* Row 0 sees only key 0, so it is exactly v[0] = 0. */
  printf("first row %.1f, last row between 0 and %d: %.2f\n", out[0][0],
         ROWS - 1, out[ROWS - 1][0]);
  int good = out[0][0] == 0 && out[ROWS - 1][0] > 0 && out[ROWS - 1][0] < ROWS;
  attn_jit_kernel_free(kernel);
  attn_jit_engine_close(engine);
  return good ? 0 : 1;
}
