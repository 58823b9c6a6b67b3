// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of CUDA's driver, what programs around our kernels use and the runtime has no
// need for: a current context and graphs.
#ifndef ATTN_JIT_TEST_TOOLS_CUDAGRAPH_H
#define ATTN_JIT_TEST_TOOLS_CUDAGRAPH_H

#include "runtime/Runtime.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

namespace attn_jit::test {

template <typename Function> void find(const char *name, Function &function) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW);
  function =
      reinterpret_cast<Function>(library ? dlsym(library, name) : nullptr);
  ASSERT_NE(function, nullptr) << name;
}

/// As any program's own thread has it that uses the device.
inline void makeContextCurrent() {
  int (*retain)(void **, int) = nullptr, (*set)(void *) = nullptr;
  ASSERT_NO_FATAL_FAILURE(find("cuDevicePrimaryCtxRetain", retain));
  ASSERT_NO_FATAL_FAILURE(find("cuCtxSetCurrent", set));
  void *context = nullptr;
  ASSERT_EQ(retain(&context, 0), 0);
  ASSERT_EQ(set(context), 0);
}

/// One capture of a stream, replayed on any.
class Graph {
public:
  Graph() {
    find("cuStreamBeginCapture_v2", begin);
    find("cuStreamEndCapture", end);
    find("cuGraphInstantiateWithFlags", instantiate);
    find("cuGraphLaunch", replay);
    find("cuGraphExecDestroy", destroyExec);
    find("cuGraphDestroy", destroy);
  }
  Graph(const Graph &) = delete;
  ~Graph() {
    if (exec)
      destroyExec(exec);
    if (graph)
      destroy(graph);
  }
  template <typename Body>
  void capture(const rt::Stream &stream, const Body &body) {
    constexpr int threadLocal = 1;
    ASSERT_EQ(begin(stream.handle(), threadLocal), 0);
    body();
    ASSERT_EQ(end(stream.handle(), &graph), 0);
    ASSERT_EQ(instantiate(&exec, graph, 0), 0);
  }
  void launch(const rt::Stream &stream) const {
    EXPECT_EQ(replay(exec, stream.handle()), 0);
  }

private:
  void *graph = nullptr, *exec = nullptr;
  int (*begin)(void *, int) = nullptr;
  int (*end)(void *, void **) = nullptr;
  int (*instantiate)(void **, void *, unsigned long long) = nullptr;
  int (*replay)(void *, void *) = nullptr;
  int (*destroyExec)(void *) = nullptr;
  int (*destroy)(void *) = nullptr;
};

} // namespace attn_jit::test

#endif // ATTN_JIT_TEST_TOOLS_CUDAGRAPH_H
