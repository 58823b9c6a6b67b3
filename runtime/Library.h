// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A vendor library opened at run time. It is never closed: drivers keep
// threads and exit handlers that outlive any handle of ours.
#ifndef ATTN_JIT_RUNTIME_LIBRARY_H
#define ATTN_JIT_RUNTIME_LIBRARY_H

#include "runtime/Result.h"

#include <cstdlib>
#include <dlfcn.h>
#include <initializer_list>

namespace attn_jit::rt {

class Library {
public:
  /// The first of `names` that opens; `override` names an environment variable
  /// that stands before them (tests).
  static Result<Library> open(const char *override,
                              std::initializer_list<const char *> names) {
    Library library;
    if (const char *path = secure_getenv(override); path && *path) {
      library.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
      library.file = path;
      if (!library.handle)
        return notFound(std::string(path) + " (" + override +
                        ") does not open: " + reason());
      return library;
    }
    std::string tried;
    for (const char *name : names) {
      library.handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
      library.file = name;
      if (library.handle)
        return library;
      tried += (tried.empty() ? "" : ", ") + std::string(name);
    }
    return notFound(tried + " not found");
  }

  template <typename Function> bool find(const char *name, Function *&to) {
    to = reinterpret_cast<Function *>(dlsym(handle, name));
    return to != nullptr;
  }
  const std::string &name() const { return file; }

private:
  static std::string reason() {
    const char *text = dlerror();
    return text ? text : "unknown reason";
  }
  void *handle = nullptr;
  std::string file;
};

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_LIBRARY_H
