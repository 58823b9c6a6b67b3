// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/KernelTable.h"

#include <chrono>
#include <new>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::api;

std::string api::requestText(const Description &description,
                             const CompileOptions &wanted) {
  std::string text;
  auto add = [&](std::string_view part) {
    text += std::to_string(part.size()) + ":";
    text += part;
  };
  add(identity(description));
  add(wanted.target);
  add(wanted.schedule);
  add(std::to_string(wanted.alignment));
  add(wanted.calls.str());
  add(wanted.debugInfo ? "debug" : "");
  return text;
}

bool KernelTable::Made::comes() const {
  return kernel.wait_for(std::chrono::seconds(0)) ==
             std::future_status::ready ||
         maker == getpid();
}

KernelResult KernelTable::caught(const KernelMake &make) {
  try {
    return make();
  } catch (const std::bad_alloc &) {
    return rt::Error{rt::ErrorCode::OutOfMemory,
                     "kernel: the host's memory ran out while it was made",
                     {}};
  } catch (const std::exception &fault) {
    return rt::failed(std::string("kernel: ") + fault.what());
  }
}

KernelResult KernelTable::obtain(const std::string &request,
                                 const KernelMake &make) {
  std::promise<KernelResult> promise;
  {
    std::unique_lock lock(mutex);
    if (auto found = kernels.find(request);
        found != kernels.end() && found->second.comes()) {
      std::shared_future<KernelResult> made = found->second.kernel;
      lock.unlock();
      return made.get();
    }
    kernels.insert_or_assign(request,
                             Made{promise.get_future().share(), getpid()});
  }
  KernelResult made = caught(make);
  if (!made) {
    const std::lock_guard lock(mutex);
    kernels.erase(request);
  }
  promise.set_value(made);
  return made;
}
