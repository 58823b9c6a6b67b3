// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The conformance kernels for AMD chips, built with clang and no ROCm.
#define BLOCK __builtin_amdgcn_workgroup_id_x()
#define THREAD __builtin_amdgcn_workitem_id_x()

kernel void fill(global float *o, int n, float value) {
  const int i = BLOCK * 64 + THREAD;
  if (i < n)
    o[i] = value + (float)i;
}

kernel void grid3(global int *o, int gx, int gy) {
  const int x = BLOCK, y = __builtin_amdgcn_workgroup_id_y(),
            z = __builtin_amdgcn_workgroup_id_z();
  if (THREAD == 0)
    o[x + gx * (y + gy * z)] = x + 100 * y + 10000 * z;
}

kernel void spin(volatile global int *flag, global int *o) {
  int seen = 0;
  for (int i = 0; i < 20000000 && !seen; ++i) {
    seen = __scoped_atomic_load_n(flag, __ATOMIC_ACQUIRE,
                                  __MEMORY_SCOPE_SYSTEM);
    __builtin_amdgcn_s_sleep(8);
  }
  *o = seen ? 1 : 2;
}

kernel void set_flag(volatile global int *flag) {
  __scoped_atomic_store_n(flag, 1, __ATOMIC_RELEASE, __MEMORY_SCOPE_SYSTEM);
}
