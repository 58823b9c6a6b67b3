// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A folder of one test, 0700, gone with it.
#ifndef ATTN_JIT_TEST_RUNTIME_STORE_SCRATCHFOLDER_H
#define ATTN_JIT_TEST_RUNTIME_STORE_SCRATCHFOLDER_H

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace attn_jit::store::test {

class ScratchFolder {
public:
  ScratchFolder() {
    std::string pattern =
        std::filesystem::temp_directory_path() / "attn-store-XXXXXX";
    path = mkdtemp(pattern.data()) ? pattern : "";
  }
  ScratchFolder(const ScratchFolder &) = delete;
  ScratchFolder &operator=(const ScratchFolder &) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::string at(const std::string &name) const { return path + "/" + name; }
  std::string write(const std::string &name, const std::string &bytes) const {
    std::ofstream(at(name), std::ios::binary) << bytes;
    std::filesystem::permissions(at(name), std::filesystem::perms(0644));
    return at(name);
  }
  std::string read(const std::string &name) const {
    std::ostringstream bytes;
    bytes << std::ifstream(at(name), std::ios::binary).rdbuf();
    return bytes.str();
  }
  /// How many files are in it.
  int files() const {
    return int(std::distance(std::filesystem::directory_iterator(path), {}));
  }

  std::string path;
};

} // namespace attn_jit::store::test

#endif // ATTN_JIT_TEST_RUNTIME_STORE_SCRATCHFOLDER_H
