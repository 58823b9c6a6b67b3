// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/TierLink.h"

#include <algorithm>

using namespace attn_jit;
using namespace attn_jit::store;

void RemoteMeter::count(int64_t RemoteCounts::*field, int64_t by) {
  std::lock_guard lock(mutex);
  all.*field += by;
}

void RemoteMeter::failed(const rt::Error &of) {
  std::lock_guard lock(mutex);
  error = of.text;
  switch (of.code) {
  case rt::ErrorCode::Timeout:
    ++all.timeouts;
    break;
  case rt::ErrorCode::BadInput:
    ++all.wrongAnswers;
    break;
  default:
    ++all.failures;
  }
}

void RemoteMeter::took(std::chrono::microseconds time) {
  std::lock_guard lock(mutex);
  times[timed++ % times.size()] = time.count();
}

RemoteCounts RemoteMeter::counts() const {
  std::lock_guard lock(mutex);
  return all;
}

std::string RemoteMeter::lastError() const {
  std::lock_guard lock(mutex);
  return error;
}

std::chrono::microseconds RemoteMeter::percentile(int percent) const {
  std::unique_lock lock(mutex);
  std::vector<int64_t> sorted(
      times.begin(), times.begin() + ptrdiff_t(std::min(timed, times.size())));
  lock.unlock();
  if (sorted.empty())
    return {};
  const size_t rank = (sorted.size() - 1) * size_t(percent) / 100;
  std::nth_element(sorted.begin(), sorted.begin() + ptrdiff_t(rank),
                   sorted.end());
  return std::chrono::microseconds(sorted[rank]);
}
