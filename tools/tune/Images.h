// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a candidate's image is made, and where a tuning gets it: from the host
// that has made it already, where that may be believed, or from the compiler.
#ifndef ATTN_JIT_TOOLS_TUNE_IMAGES_H
#define ATTN_JIT_TOOLS_TUNE_IMAGES_H

#include "autotune/CompilePool.h"
#include "autotune/JoinImages.h"
#include "tools/bench/Case.h"

#include <atomic>

namespace attn_jit::tuning {

/// Of one description; any number of threads at once.
class ImageMaking {
public:
  ImageMaking(const bench::Case &what, const bench::Options &options);

  /// Of bases and strides, bytes.
  int64_t alignment() const { return aligned; }
  /// What hosts that make the same images have in common: a digest.
  std::string name() const;
  /// Of the image for a target's chips under a release of its driver.
  rt::Result<store::Key> key(const std::string &target,
                             const std::string &release,
                             const std::string &schedule) const;
  /// A driver assembles one image after the other; where its own release of
  /// ptxas is installed, that runs on all cores and makes the same code.
  /// Otherwise the image stays PTX.
  rt::Result<api::Compiled> make(const std::string &target,
                                 const std::string &release,
                                 const std::string &schedule) const;

private:
  api::CompileOptions wanted(const std::string &target,
                             const std::string &schedule) const;

  const api::Description description;
  const int64_t aligned;
  const std::string ptxas; ///< empty: none here
};

/// Of one search on one device.
class Images {
public:
  /// Files go into `folder`. `shared` may be null: all is made here. What is
  /// referred to outlives it.
  Images(const ImageMaking &making, std::string target, std::string release,
         std::string folder, tune::JoinImages *shared)
      : making(making), target(std::move(target)), release(std::move(release)),
        folder(std::move(folder)), shared(shared) {}

  tune::CompiledPath path(const std::string &schedule);
  bool elsewhere(const std::string &schedule);

  int compiled() const { return made; }
  int taken() const { return found; }

private:
  std::optional<api::Compiled> there(const store::Key &key);

  const ImageMaking &making;
  const std::string target, release, folder;
  tune::JoinImages *const shared;
  std::atomic<int> made{0}, found{0}, files{0};
};

} // namespace attn_jit::tuning

#endif // ATTN_JIT_TOOLS_TUNE_IMAGES_H
