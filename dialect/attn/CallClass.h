// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The calls that a default schedule is chosen for. No part of a kernel: what is
// chosen for one class runs with any call. Nothing of the compiler is needed to
// name one.
#ifndef ATTN_JIT_DIALECT_ATTN_CALLCLASS_H
#define ATTN_JIT_DIALECT_ATTN_CALLCLASS_H

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace attn_jit {

/// Keys that a row sees, half of them under a causal mask: at most
/// ProblemShape::fewKeysUpTo(), kLongKeys and more, or between.
enum class KeyClass { Few, Many, Long };

/// Query rows of all heads: at most kFewRows, at most kWaveRows, or more.
enum class RowClass { Few, Wave, Many };

/// From here a launch takes milliseconds, and a faster kernel is worth an
/// assembler's longer time.
inline constexpr int64_t kLongKeys = 8192;
/// What the 132 processors of an H100 or H200 take at once in tiles of 64 rows,
/// the smallest, and of 128.
inline constexpr int64_t kFewRows = 132 * 64, kWaveRows = 132 * 128;

inline constexpr std::array<std::string_view, 3> kKeysNames = {"few", "many",
                                                               "long"};
inline constexpr std::array<std::string_view, 3> kRowsNames = {"few", "wave",
                                                               "many"};

struct CallClass {
  KeyClass keys = KeyClass::Many;
  RowClass rows = RowClass::Many;
  bool operator==(const CallClass &) const = default;

  std::string_view keysName() const { return kKeysNames[size_t(keys)]; }
  std::string_view rowsName() const { return kRowsNames[size_t(rows)]; }
  /// "few keys, many rows".
  std::string str() const {
    return std::string(keysName()) + " keys, " + std::string(rowsName()) +
           " rows";
  }
  /// By the names; nothing for others.
  static std::optional<CallClass> of(std::string_view keys,
                                     std::string_view rows) {
    for (size_t k = 0; k < kKeysNames.size(); ++k)
      for (size_t r = 0; r < kRowsNames.size(); ++r)
        if (kKeysNames[k] == keys && kRowsNames[r] == rows)
          return CallClass{KeyClass(k), RowClass(r)};
    return std::nullopt;
  }
};

/// All, with the class that nobody asked for first.
inline constexpr std::array<CallClass, 9> kCallClasses = {{
    {KeyClass::Many, RowClass::Many},
    {KeyClass::Few, RowClass::Many},
    {KeyClass::Long, RowClass::Many},
    {KeyClass::Many, RowClass::Wave},
    {KeyClass::Few, RowClass::Wave},
    {KeyClass::Long, RowClass::Wave},
    {KeyClass::Many, RowClass::Few},
    {KeyClass::Few, RowClass::Few},
    {KeyClass::Long, RowClass::Few},
}};

} // namespace attn_jit

#endif
