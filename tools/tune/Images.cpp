// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/tune/Images.h"
#include "tools/api/Emit.h"
#include "tools/api/KernelStore.h"
#include "tools/api/MachineCode.h"

using namespace attn_jit;
using namespace attn_jit::tuning;

ImageMaking::ImageMaking(const bench::Case &what, const bench::Options &options)
    : description(what.description),
      aligned(what.kernelOptions(options).alignment), ptxas(api::findPtxas()) {}

std::string ImageMaking::name() const {
  return store::sha256("attn-jit.work.v1\n" + api::compilerIdentity() + "\n" +
                       api::labelledText(description) + "\n" +
                       std::to_string(aligned))
      .hex();
}

api::CompileOptions ImageMaking::wanted(const std::string &target,
                                        const std::string &schedule) const {
  api::CompileOptions options;
  options.target = target;
  options.schedule = schedule;
  options.alignment = aligned;
  return options;
}

rt::Result<store::Key> ImageMaking::key(const std::string &target,
                                        const std::string &release,
                                        const std::string &schedule) const {
  ATTN_TRY(auto key, api::storeKey(description, wanted(target, schedule)));
  if (!key)
    return rt::unsupported("compiler: this build has no identity, so its "
                           "images are nobody else's");
  key->add("driver_release", release);
  return std::move(*key);
}

rt::Result<api::Compiled> ImageMaking::make(const std::string &target,
                                            const std::string &release,
                                            const std::string &schedule) const {
  ATTN_TRY(api::Compiled made,
           api::compile(description, wanted(target, schedule)));
  if (made.kind != rt::ImageKind::Ptx || !api::isOfRelease(ptxas, release))
    return made;
  auto assembled =
      api::assemble(ptxas, made.image, made.target, /*keepFault=*/false);
  if (!assembled)
    return made;
  made.kind = rt::ImageKind::Cubin;
  made.image = std::move(assembled->cubin);
  made.manifest = api::manifestFor(
      made, made.stem + std::string(api::imageSuffix(made.kind)));
  return made;
}

bool Images::elsewhere(const std::string &schedule) {
  if (!shared || !shared->believes())
    return false;
  const auto key = making.key(target, release, schedule);
  return key && shared->elsewhere(*key);
}

/// What other hosts have made for it, if it may run.
std::optional<api::Compiled> Images::there(const store::Key &key) {
  auto entry = shared->take(key);
  return entry ? api::compiledOf(std::move(*entry)) : std::nullopt;
}

tune::CompiledPath Images::path(const std::string &schedule) {
  std::optional<api::Compiled> image;
  std::optional<store::Key> name;
  if (shared)
    if (auto key = making.key(target, release, schedule)) {
      name = std::move(*key);
      image = there(*name);
    }
  ++(image ? found : made);
  if (!image) {
    ATTN_TRY(image, making.make(target, release, schedule));
    if (name) {
      store::Entry entry = api::entryOf(*name, *image);
      (void)shared->put(std::move(entry.action), entry.object).ok();
    }
  }
  const std::string path = folder + "/" + std::to_string(files++) +
                           std::string(api::imageSuffix(image->kind));
  if (auto written = api::writeImage(*image, path); !written)
    return rt::notFound(written.error().text);
  return path + ".json";
}
