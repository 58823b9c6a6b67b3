// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit cache verify, prune: what goes.
#include "tools/cache/Shared.h"

#include <cstdio>

using namespace attn_jit;

static rt::Result<int> verify() {
  ATTN_TRY(store::CacheRoot root, cache::rootToRead());
  const bool readOnly = root.readOnly;
  store::LocalStore local(std::move(root));
  const store::Usage before = local.usage();
  const std::vector<std::string> bad = local.verify();
  for (const std::string &name : bad)
    std::printf("bad: %s\n", name.c_str());
  std::printf(
      "%s, %s looked at; %s bad%s\n",
      cache::countText(before.actions + before.foreign, "kernel").c_str(),
      cache::countText(before.objects, "object").c_str(),
      bad.empty() ? "none" : std::to_string(bad.size()).c_str(),
      bad.empty() ? ""
      : readOnly  ? ", left where they are: the store is read-only"
                  : ", now in v1/quarantine");
  return bad.empty() ? 0 : 1;
}

static rt::Status prune(const std::string &size, const std::string &age) {
  store::PruneLimits limits;
  if (!size.empty()) {
    ATTN_TRY(limits.bytes, cache::parseSize("size", size));
  }
  if (!age.empty()) {
    ATTN_TRY(limits.age, cache::parseAge("age", age));
  }
  ATTN_TRY(store::CacheRoot root, cache::rootToWrite());
  store::LocalStore local(std::move(root));
  const int64_t removed = local.prune(limits);
  const store::Usage left = local.usage();
  std::printf("removed %s; left: %s, %s\n", cache::sizeText(removed).c_str(),
              cache::countText(left.actions + left.foreign, "kernel").c_str(),
              cache::sizeText(left.bytes).c_str());
  return rt::success();
}

void cache::addVerify(CLI::App &cache, int &status) {
  CLI::App *command = cache.add_subcommand(
      "verify", "Read all kernels; what is bad goes to quarantine");
  command->footer(
      "A bad one is a miss in any case and costs one compilation. Exit code: "
      "0 all are whole, 1 some were bad, 2 there is no store.");
  command->callback([&status] {
    auto result = verify();
    status = result ? *result : cli::report(result.error());
  });
}

void cache::addPrune(CLI::App &cache, int &status) {
  CLI::App *command = cache.add_subcommand(
      "prune", "Remove the kernels that were not used for longest");
  auto size = std::make_shared<std::string>();
  auto age = std::make_shared<std::string>();
  command->add_option("--size", *size, "S  that is left at most: 500M, 5G (5G)")
      ->type_name("");
  command
      ->add_option("--age", *age,
                   "A  since the last use at most: 12h, 90d (90d)")
      ->type_name("");
  command->footer("Whoever publishes does this with these defaults, once a "
                  "day. Records are never pruned.");
  command->callback([size, age, &status] {
    auto result = prune(*size, *age);
    status = result ? 0 : cli::report(result.error());
  });
}
