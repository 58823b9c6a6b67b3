// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A share of the device for whoever measures beside other work: after each use
// it rests until the use is no more than that share of the time since its
// start. Rests follow their use, so that no idle hour pays for a busy minute.
#ifndef ATTN_JIT_AUTOTUNE_PACE_H
#define ATTN_JIT_AUTOTUNE_PACE_H

#include <chrono>
#include <thread>
#include <utility>

namespace attn_jit::tune {

/// One thread's.
class Pace {
public:
  explicit Pace(double share) : share(share) {}

  /// The device is in use while it lives.
  class Use {
  public:
    explicit Use(Pace &pace) : pace(pace) {}
    ~Use() { pace.add(Clock::now() - start); }
    Use(const Use &) = delete;
    Use &operator=(const Use &) = delete;

  private:
    Pace &pace;
    const std::chrono::steady_clock::time_point start =
        std::chrono::steady_clock::now();
  };

  /// For as long as the uses since the last rest ask for.
  void rest() {
    const auto owed = std::exchange(unpaid, {}) * (1 / share - 1);
    if (owed.count() > 0)
      std::this_thread::sleep_for(owed);
  }
  double usedSeconds() const { return used.count(); }

private:
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;
  void add(Clock::duration spent) { unpaid += spent, used += spent; }

  const double share; ///< above 0, at most 1
  Seconds unpaid{0}, used{0};
};

} // namespace attn_jit::tune

#endif // ATTN_JIT_AUTOTUNE_PACE_H
