// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A host without the device compiles for the searches of those that have it.
// It takes what their workers have published, in the order in which they expect
// to measure, and leaves out what somebody has made or is at. They wait for
// nothing of it, so whenever it ends nothing is lost.
#ifndef ATTN_JIT_AUTOTUNE_JOINHELPER_H
#define ATTN_JIT_AUTOTUNE_JOINHELPER_H

#include "autotune/JoinImages.h"
#include "autotune/JoinText.h"

#include <functional>

namespace attn_jit::tune {

/// How an image is made; both are called by several threads at once.
struct ImageFunctions {
  /// An error says that this host cannot make it.
  std::function<rt::Result<store::Key>(const Work &, const std::string &)> key;
  /// The action is of that key, without signatures.
  std::function<rt::Result<store::Entry>(const Work &, const std::string &)>
      make;
};

struct HelperReport {
  size_t searches = 0; ///< that were heard of
  size_t compiled = 0, failed = 0;
};

/// Until there was nothing to do for `idleSeconds`. An error where the server
/// does not answer at first or for so long, and where all that was heard of
/// is not believed.
rt::Result<HelperReport> helpSearches(JoinImages &images, const JoinSeal &seal,
                                      const ImageFunctions &making,
                                      unsigned threads, double idleSeconds);

} // namespace attn_jit::tune

#endif
