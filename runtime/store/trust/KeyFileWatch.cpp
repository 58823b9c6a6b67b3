// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/trust/KeyFileWatch.h"
#include "runtime/store/trust/Trust.h"

#include <sys/stat.h>

using namespace attn_jit;
using namespace attn_jit::store;

KeyFileWatch::State KeyFileWatch::look() {
  State state;
  auto path = TrustedKeys::defaultPath();
  if (!path)
    return state;
  state.path = std::move(*path);
  struct stat found{};
  if (stat(state.path.c_str(), &found) == 0)
    state.file = {int64_t(found.st_dev), int64_t(found.st_ino),
                  int64_t(found.st_size), int64_t(found.st_ctim.tv_sec),
                  int64_t(found.st_ctim.tv_nsec)};
  return state;
}

bool KeyFileWatch::changed() {
  const auto now = std::chrono::steady_clock::now();
  if (last && now < next)
    return false;
  next = now + between;
  State state = look();
  const bool other = last && *last != state;
  last = std::move(state);
  return other;
}
