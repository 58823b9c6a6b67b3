// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A folder of this user alone, gone at the end with what is in it.
#ifndef ATTN_JIT_RUNTIME_TEMPORARYFOLDER_H
#define ATTN_JIT_RUNTIME_TEMPORARYFOLDER_H

#include "runtime/Result.h"

#include <string>

namespace attn_jit::rt {

class TemporaryFolder {
public:
  /// Named `stem` and six characters, in `in`; empty: where the environment
  /// says that temporary files go.
  static Result<TemporaryFolder> make(const std::string &stem,
                                      const std::string &in = {});
  TemporaryFolder(TemporaryFolder &&other) noexcept;
  TemporaryFolder &operator=(TemporaryFolder &&) = delete;
  ~TemporaryFolder();

  const std::string &path() const { return name; }
  std::string file(const std::string &inside) const {
    return name + "/" + inside;
  }
  /// It stays.
  void keep() { kept = true; }

private:
  explicit TemporaryFolder(std::string name) : name(std::move(name)) {}
  std::string name; ///< empty: this object was moved from
  bool kept = false;
};

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TEMPORARYFOLDER_H
