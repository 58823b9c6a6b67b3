/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * attn-jit in C: describe an attention, compile it for a device, launch it on
 * the caller's pointers, strides and stream. Thread-safe; an engine's kernels
 * are compiled once, and never for a new length of their class. Functions that
 * can fail give 0, or an exit code (1: machine or kernel failed, 2: something
 * else would work), and attn_jit_last_error() then holds one line. */
#ifndef ATTN_JIT_H
#define ATTN_JIT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ATTN_JIT_API __attribute__((visibility("default")))
#else
#define ATTN_JIT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct attn_jit_engine attn_jit_engine; /* a device and its kernels */
typedef struct attn_jit_kernel attn_jit_kernel;

/* Zero every field that is not set; `size` is sizeof of the caller's struct,
 * so that later versions may add fields at the end. Texts may be null. */
typedef struct {
  size_t size;
  int64_t head_dim;
  int64_t value_dim;    /* 0: head_dim */
  const char *dtype;    /* "f16" (default), "bf16", "f32" */
  const char *layout;   /* "bshd" (default), "bhsd"; strides decide at launch */
  const char *align;    /* "bottom_right" (default), "top_left" */
  int32_t causal, lse;  /* booleans */
  const char *score;    /* body of the score region, MLIR text */
  const char *mask;     /* body of the mask region, MLIR text */
  const char *module;   /* a whole attn or tile module instead */
  const char *schedule; /* null: chosen */
  int64_t alignment;    /* of bases and strides in bytes; 0: 16 */
  double softcap;       /* c: scores become c tanh(score / c); 0: none */
  /* Of a typical call, for the default schedule, as the sizes below:
   * what suits these runs with any. 0: many, or attn_jit_forward's call. */
  int64_t kv_len;
  const char *target; /* whose image; null: the device's own */
  int64_t batch, q_heads, q_len;
  int32_t batch_invariant; /* boolean: no default that depends on the batch */
  const char *precision;   /* of f32: "ieee" (default), "tf32" */
  /* Where it and the sizes above are given, measured schedules serve, which
   * may hold for that many query heads a key head alone. 0: as above */
  int64_t kv_heads;
} attn_jit_description;

/* A device address and strides in elements; dim_stride must be 1 (0 counts as
 * 1). An lse of address 0 is not wanted. */
typedef struct {
  uint64_t address;
  int64_t batch_stride, head_stride, row_stride, dim_stride;
} attn_jit_tensor;

typedef struct {
  size_t size;
  int64_t batch, q_heads, kv_heads, q_len, kv_len;
  double scale; /* of the scores; 1e-30 to 1e30 */
  attn_jit_tensor q, k, v, o;
  attn_jit_tensor lse; /* f32; row_stride is not read: rows are contiguous */
  /* At least the manifest's workspace_bytes, zeros before the first launch,
   * of one launch at a time: each leaves them zeros. */
  uint64_t workspace;
  int64_t workspace_bytes;
  const char *const *captured_names; /* run-time scalars of the description */
  const double *captured_values;
  int64_t captured_count; /* at most 64 */
} attn_jit_call;

ATTN_JIT_API const char *attn_jit_version(void);
/* Of this thread's last failed call; valid until its next one. */
ATTN_JIT_API const char *attn_jit_last_error(void);

/* device: "auto", "cuda:0", "hip:0", "cpu". */
ATTN_JIT_API int attn_jit_engine_open(const char *device,
                                      attn_jit_engine **engine);
/* As a description: `size`, and zero for what is not set. */
typedef struct {
  size_t size;
  const char *pin;        /* file of attn-jit tune --pin, or null */
  int32_t no_store;       /* boolean: this owner's store is not used */
  int32_t must_be_cached; /* boolean: what is not there is an error */
  const char *tune;       /* "background", "off"; null: ATTN_JIT_TUNE's */
} attn_jit_engine_options;
ATTN_JIT_API int
attn_jit_engine_open_with(const char *device,
                          const attn_jit_engine_options *options,
                          attn_jit_engine **engine);
ATTN_JIT_API void attn_jit_engine_close(attn_jit_engine *engine);
/* How often the compiler ran for this engine. */
ATTN_JIT_API int64_t attn_jit_engine_compiles(const attn_jit_engine *engine);

ATTN_JIT_API int attn_jit_kernel_create(attn_jit_engine *engine,
                                        const attn_jit_description *description,
                                        attn_jit_kernel **kernel);
ATTN_JIT_API void attn_jit_kernel_free(attn_jit_kernel *kernel);
/* JSON, docs/manifest.md; lives as long as the kernel. */
ATTN_JIT_API const char *
attn_jit_kernel_manifest(const attn_jit_kernel *kernel);
/* The image's bytes; live as long as the kernel. */
ATTN_JIT_API const void *attn_jit_kernel_image(const attn_jit_kernel *kernel,
                                               size_t *bytes);
/* Enqueues on `stream` (CUstream, hipStream_t, null: the default one). */
ATTN_JIT_API int attn_jit_kernel_launch(const attn_jit_kernel *kernel,
                                        const attn_jit_call *call,
                                        void *stream);

/* One call with all that a launch needs worked out and checked, for callers
 * that repeat it: a launch is then little more than the driver's own. Lives no
 * longer than its tensors; may outlive the kernel. Any thread may launch it, on
 * any stream, also beside another launch of it that is not done; but where the
 * kernel has a workspace the call's is of one launch at a time, so its launches
 * must follow each other, in one stream or by events. For two at once bind two
 * calls, each with a workspace of its own. */
typedef struct attn_jit_bound attn_jit_bound;
ATTN_JIT_API int attn_jit_kernel_bind(const attn_jit_kernel *kernel,
                                      const attn_jit_call *call,
                                      attn_jit_bound **bound);
ATTN_JIT_API int attn_jit_bound_launch(const attn_jit_bound *bound,
                                       void *stream);
ATTN_JIT_API void attn_jit_bound_free(attn_jit_bound *bound);

/* Create, keep and launch in one; picks the load path that can address the
 * tensors of this call. */
ATTN_JIT_API int attn_jit_forward(attn_jit_engine *engine,
                                  const attn_jit_description *description,
                                  const attn_jit_call *call, void *stream);

#ifdef __cplusplus
}
#endif

#endif /* ATTN_JIT_H */
