// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Its measuring process inherits the priority, and dies with it in turn.
#include "tools/tune/Background.h"
#include "autotune/Journal.h"
#include "tools/cli/Numbers.h"

#include <csignal>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace attn_jit;

/// A tenth of a program's own weight: beside busy cores it is to come to an end
/// all the same.
static constexpr int kNice = 10;

rt::Status tuning::beginBackground(const std::string &parent) {
  ATTN_TRY(const int64_t process,
           cli::parseInteger("background", parent, 1, INT32_MAX));
  (void)setpriority(PRIO_PROCESS, 0, kNice);
  tune::stopOnTermination();
  // It may have ended before it could be told of.
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != pid_t(process))
    return rt::failed("background: process " + parent +
                      " did not start this one");
  return rt::success();
}
