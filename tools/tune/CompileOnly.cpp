// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/tune/CompileOnly.h"
#include "runtime/Processors.h"
#include "tools/api/KernelStore.h"
#include "tools/tune/Images.h"

using namespace attn_jit;
using namespace attn_jit::tuning;

rt::Result<tune::HelperReport> tuning::compileOnly(const Options &options) {
  const ImageMaking making(options.what, options.attention);
  ATTN_TRY(const auto images,
           tune::JoinImages::open(options.join.url, options.join.keyFile,
                                  making.name()));
  ATTN_TRY(const auto seal, tune::JoinSeal::make(options.join.keyFile));
  auto key = [&](const tune::Work &work, const std::string &schedule) {
    return making.key(work.target, work.release, schedule);
  };
  auto make = [&](const tune::Work &work,
                  const std::string &schedule) -> rt::Result<store::Entry> {
    ATTN_TRY(const store::Key wanted, key(work, schedule));
    ATTN_TRY(const api::Compiled made,
             making.make(work.target, work.release, schedule));
    return api::entryOf(wanted, made);
  };
  return tune::helpSearches(*images, seal, {key, make},
                            unsigned(rt::usableProcessors()),
                            options.budgetSeconds);
}
