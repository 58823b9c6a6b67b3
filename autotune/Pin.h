// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file that freezes the choices of a job: all its ranks run the same
// schedules, whatever records they find. JSON:
//
//   {"format": "attn-jit.pin.v1",
//    "environment": {"digest": SHA-256, "compiler": text, "driver": text,
//                    "device": {label: value, ...}},
//    "choices": [{"digest": SHA-256, "problem": {label: value, ...},
//                 "schedule": text}, ...]}
//
// Digests are those of the keys beside them, so a file edited by half is
// refused; choices stand in the order of their digests, each once. A pin holds
// in its environment only: the same schedule is another kernel elsewhere.
#ifndef ATTN_JIT_AUTOTUNE_PIN_H
#define ATTN_JIT_AUTOTUNE_PIN_H

#include "runtime/store/Key.h"

#include <functional>
#include <map>

namespace attn_jit::tune {

struct PinEnvironment {
  std::string compiler; ///< identity
  std::string driver;   ///< with its version; empty: the device has none
  store::Key device;

  store::Digest digest() const;
  bool operator==(const PinEnvironment &) const = default;
};

class Pin {
public:
  explicit Pin(PinEnvironment environment) : made(std::move(environment)) {}

  /// Of a file's text; errors name the field after `name`.
  static rt::Result<Pin> parse(std::string_view text, const std::string &name);
  /// NotFound where there is no such file.
  static rt::Result<Pin> load(const std::string &path);
  static constexpr size_t mostBytes = 64 << 20;
  /// The file's, which must hold in the environment, or where there is none a
  /// new one: what choices are added to.
  static rt::Result<Pin> loadOrNew(const std::string &path,
                                   const PinEnvironment &environment);

  const PinEnvironment &environment() const { return made; }
  /// Refused in one sentence where `here` is another environment.
  rt::Status holdsIn(const PinEnvironment &here, const std::string &name) const;
  /// The one schedule of the problem; null: nothing is said.
  const std::string *find(const store::Digest &problem) const;
  /// Takes the place of what was said of the problem.
  void set(const store::Key &problem, const std::string &schedule);
  size_t size() const { return choices.size(); }
  /// By the digest of the problem.
  void
  each(const std::function<void(const store::Key &problem,
                                const std::string &schedule)> &visit) const;

  std::string text() const;

private:
  struct Choice {
    store::Key problem;
    std::string schedule;
  };
  PinEnvironment made;
  std::map<store::Digest, Choice> choices;
};

} // namespace attn_jit::tune

#endif // ATTN_JIT_AUTOTUNE_PIN_H
