// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A store as packs see it: what they are filled from, and what they arrive in.
#ifndef ATTN_JIT_TEST_RUNTIME_STORE_PACKSTORE_H
#define ATTN_JIT_TEST_RUNTIME_STORE_PACKSTORE_H

#include "test/runtime/store/pack/PackBuilder.h"

#include <map>
#include <set>

namespace attn_jit::store::test {

struct Store {
  std::map<std::string, Action> actions;
  std::map<std::string, std::string> objects;
  std::map<std::string, bool> records; ///< by line: own
  std::set<std::string> signers;
  int calls = 0;
  bool own = true; ///< what it exports was made here

  bool operator==(const Store &other) const {
    auto texts = [](const Store &store) {
      std::map<std::string, std::string> all;
      for (const auto &[name, action] : store.actions)
        all[name] = action.text();
      return all;
    };
    return texts(*this) == texts(other) && objects == other.objects &&
           records == other.records;
  }

  void put(const Entry &entry) {
    const std::string name = actionName(entry.action);
    auto [there, made] = actions.emplace(name, entry.action);
    if (!made)
      there->second = merged(there->second, entry.action);
    objects[objectName(entry.action)] = entry.object;
  }
  PackSink sink() {
    return {[this](const Entry &entry, const std::string &signer) {
              ++calls;
              put(entry);
              signers.insert(signer);
              return rt::success();
            },
            [this](std::span<const std::string> lines,
                   bool own) -> rt::Result<int64_t> {
              ++calls;
              int64_t fresh = 0;
              for (const std::string &line : lines) {
                fresh += records.emplace(line, own).second;
                records[line] |= own;
              }
              return fresh;
            }};
  }
  PackSource source() {
    return {[this](const PackSource::OneAction &take) {
              for (const auto &[name, action] : actions)
                take(action, own);
              return rt::success();
            },
            [this](const Digest &digest) -> std::optional<std::string> {
              auto found =
                  objects.find(std::string(packObjects) + digest.hex());
              return found == objects.end() ? std::nullopt
                                            : std::optional(found->second);
            },
            [this](const PackSource::OneRecord &take) {
              for (const auto &[line, own] : records)
                take(line, own);
              return rt::success();
            }};
  }
};

inline TrustedKeys listing(const std::string &text) {
  return *TrustedKeys::parse(text, "keys");
}

inline const SigningKey mine = signer(1);

inline std::vector<TarFile> goodPack() {
  return packOf(goodFiles(mine), &mine);
}

} // namespace attn_jit::store::test

#endif // ATTN_JIT_TEST_RUNTIME_STORE_PACKSTORE_H
