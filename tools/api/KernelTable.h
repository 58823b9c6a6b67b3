// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an engine has been asked for: each request is made once. Two threads
// that ask for different kernels make them at once, and for the same one the
// second waits for the first.
#ifndef ATTN_JIT_TOOLS_API_KERNELTABLE_H
#define ATTN_JIT_TOOLS_API_KERNELTABLE_H

#include "runtime/store/files/Fork.h"
#include "tools/api/Compile.h"

#include <future>
#include <map>
#include <memory>

namespace attn_jit::api {

class Kernel;
using KernelResult = rt::Result<std::shared_ptr<const Kernel>>;
using KernelMake = std::function<KernelResult()>;

/// Everything that tells two images apart, each text with its length. The
/// layout does not: strides are launch arguments.
std::string requestText(const Description &description,
                        const CompileOptions &wanted);

/// Any number of threads. In a child of fork what was ready is there, and what
/// another thread of the parent was at is made anew.
class KernelTable {
public:
  /// From the table, or by `make`, which runs under no lock, and put there. A
  /// fault may pass (memory, a driver): the next call tries again.
  KernelResult obtain(const std::string &request, const KernelMake &make);

  /// What is thrown on the way (memory that runs out, above all) becomes an
  /// error: whoever waits for this kernel must get an answer.
  static KernelResult caught(const KernelMake &make);

private:
  struct Made {
    std::shared_future<KernelResult> kernel;
    int maker; ///< process
    /// False where the maker's thread is not.
    bool comes() const;
  };

  store::ForkMutex mutex;
  std::map<std::string, Made> kernels;
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_KERNELTABLE_H
