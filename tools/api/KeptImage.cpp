// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The folder's name is random and it is made anew, so that nothing that a
// stranger left in the temporary folder is written to.
#include "tools/api/KeptImage.h"
#include "tools/api/Emit.h"

#include <cstdio>
#include <filesystem>
#include <random>
#include <sys/stat.h>

using namespace attn_jit;
using namespace attn_jit::api;
namespace fs = std::filesystem;

KeptImage::KeptImage(const Compiled &compiled) : compiled(compiled) {
  std::random_device random;
  char name[32];
  std::snprintf(name, sizeof name, "attn-jit-%08x%08x", random(), random());
  std::error_code ignored;
  folder = (fs::temp_directory_path(ignored) / name).string();
  file = folder + "/" + compiled.stem + std::string(imageSuffix(compiled.kind));
}

rt::Error KeptImage::keep(rt::Error error) const {
  if (error.repro.find(file) != std::string::npos &&
      (mkdir(folder.c_str(), 0700) != 0 || !writeImage(compiled, file)))
    error.repro.clear();
  return error;
}
