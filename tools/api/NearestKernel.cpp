// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/NearestKernel.h"
#include "runtime/Printable.h"

#include <algorithm>
#include <tuple>

using namespace attn_jit;

std::vector<api::NearKernel> api::nearestKernels(const store::Key &wanted,
                                                 const store::LocalStore &store,
                                                 size_t most) {
  std::vector<NearKernel> all;
  store.each([&](const store::Action &action, store::Place place,
                 const std::string &origin) {
    if (!store::travels(action))
      return; // machine code of a kernel that is there itself
    all.push_back({action.key.digest(), place, origin,
                   store::difference(wanted, action.key)});
  });
  most = std::min(all.size(), most);
  std::ranges::partial_sort(
      all, all.begin() + ptrdiff_t(most), {}, [](const NearKernel &each) {
        return std::tuple(each.differences.size(), each.key, each.place);
      });
  all.resize(most);
  return all;
}

rt::Error api::notCached(const std::optional<store::Key> &wanted,
                         const store::LocalStore &store, bool remotes) {
  const std::string text =
      "cached: kernel " + (wanted ? wanted->digest().hex() + " " : "") +
      "is neither in memory nor " +
      (remotes ? "in a remote, signed by a listed key, nor " : "") + "in ";
  if (!wanted)
    return rt::failed(text + "a store: none is used here");
  if (!store.root())
    return rt::failed(
        text + "a store: " +
        (store.root().absent.empty() ? "there is none" : store.root().absent));
  const auto near = nearestKernels(*wanted, store, 1);
  const std::string where = rt::inQuotes(store.root().path);
  if (near.empty())
    return rt::failed(text + where + ", which holds none");
  std::string differs;
  for (const store::FieldDifference &each : near[0].differences) {
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
