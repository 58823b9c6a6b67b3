// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/NearestKernel.h"
#include "runtime/Printable.h"

using namespace attn_jit;

/// Of the fewest fields; of as many, that of the smaller digest, so that the
/// order of a folder decides nothing.
static std::optional<std::vector<store::FieldDifference>>
nearest(const store::Key &wanted, const store::LocalStore &store) {
  std::optional<std::vector<store::FieldDifference>> best;
  store::Digest digest;
  store.each(
      [&](const store::Action &action, store::Place, const std::string &) {
        auto own = store::difference(wanted, action.key);
        const store::Digest here = action.key.digest();
        if (best &&
            std::tuple(best->size(), digest) <= std::tuple(own.size(), here))
          return;
        best = std::move(own);
        digest = here;
      });
  return best;
}

rt::Error api::notCached(const std::optional<store::Key> &wanted,
                         const store::LocalStore &store) {
  const std::string text = "cached: the kernel is neither in memory nor in ";
  if (!wanted)
    return rt::failed(text + "a store: none is used here");
  if (!store.root())
    return rt::failed(
        text + "a store: " +
        (store.root().absent.empty() ? "there is none" : store.root().absent));
  const auto fields = nearest(*wanted, store);
  const std::string where = rt::inQuotes(store.root().path);
  if (!fields)
    return rt::failed(text + where + ", which holds none");
  std::string differs;
  for (const store::FieldDifference &each : *fields) {
    auto shown = [](const std::optional<std::string> &value) {
      return value ? rt::inQuotes(*value) : std::string("nothing");
    };
    differs += (differs.empty() ? "" : ", ") + each.label + " (" +
               shown(each.wanted) + " wanted, " + shown(each.there) + " there)";
  }
  return rt::failed(
      text + where + "; the nearest one there differs in " +
      (differs.empty() ? "nothing, but cannot be used" : differs));
}
