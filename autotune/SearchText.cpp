// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a search calls its ends and its moments.
#include "autotune/Search.h"

#include <ctime>

using namespace attn_jit;
using namespace attn_jit::tune;

std::string_view tune::name(Stop stop) {
  switch (stop) {
  case Stop::Separated:
    return "separated";
  case Stop::Resolved:
    return "resolved";
  case Stop::Budget:
    return "budget";
  }
  return "?";
}

std::string tune::utcNow() {
  char text[32];
  const std::time_t time = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}
