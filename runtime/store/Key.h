// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A key is labelled fields in an order of their own. Its text is complete and
// printable, its digest is that of the text, and two keys can be compared field
// by field: what is not a field cannot make a miss.
//
//   key   ::= (label " " value "\n")+
//   label ::= [a-z_]+, each once
//   value ::= a JSON string: what is no printable ASCII is escaped
#ifndef ATTN_JIT_RUNTIME_STORE_KEY_H
#define ATTN_JIT_RUNTIME_STORE_KEY_H

#include "runtime/Result.h"
#include "runtime/store/Digest.h"

#include <utility>
#include <vector>

namespace attn_jit::store {

class Key {
public:
  /// A label stands once; values may hold any bytes, which are kept as they
  /// are if they are UTF-8.
  void add(std::string_view label, std::string_view value);

  /// [a-z_]+: whatever a stranger's text says, a label ends where it seems to.
  static bool isLabel(std::string_view text);

  using Field = std::pair<std::string, std::string>;
  const std::vector<Field> &fields() const { return all; }
  /// The value of `label`, or null.
  const std::string *find(std::string_view label) const;
  std::string text() const;
  Digest digest() const;
  bool operator==(const Key &) const = default;

private:
  std::vector<Field> all;
};

struct FieldDifference {
  std::string label;
  std::optional<std::string> wanted, there;
};

/// Of `wanted` in its order, then what only `there` has; empty: the same key.
std::vector<FieldDifference> difference(const Key &wanted, const Key &there);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_KEY_H
