// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A folder for the files of one test.
// Invariant: it is gone when the test ends.

#ifndef ATTN_JIT_TEST_RUNTIME_TENSOR_TEMPORARYFOLDER_H
#define ATTN_JIT_TEST_RUNTIME_TENSOR_TEMPORARYFOLDER_H

#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>

namespace attn_jit::test {

class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "attn-test-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code code;
    std::filesystem::remove_all(path, code);
  }
  TemporaryFolder(const TemporaryFolder &) = delete;

  std::string file(const std::string &name) const {
    return (path / name).string();
  }
  std::string write(const std::string &name, const std::string &bytes) const {
    std::ofstream(file(name), std::ios::binary) << bytes;
    return file(name);
  }
  size_t count() const {
    return std::distance(std::filesystem::directory_iterator(path),
                         std::filesystem::directory_iterator());
  }

  std::filesystem::path path;
};

} // namespace attn_jit::test

#endif // ATTN_JIT_TEST_RUNTIME_TENSOR_TEMPORARYFOLDER_H
