// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keys of problems and devices. Labels, their order and the texts of values are
// stable: digests of records are made from them.
#include "autotune/Problem.h"

#include <charconv>

using namespace attn_jit;
using namespace attn_jit::tune;

std::string Interval::text() const {
  return least == most ? std::to_string(least)
                       : std::to_string(least) + ".." + std::to_string(most);
}

Interval tune::rungOf(int64_t size) {
  if (size > kLastRung)
    return {size, size};
  // Two rungs an octave, from 2 on: 2, 3, 4, 6, 8, 12.
  int64_t before = 0, power = 1;
  while (true) {
    if (size <= power)
      return {before + 1, power};
    before = power;
    if (power >= 2) {
      const int64_t half = power / 2 * 3;
      if (size <= half)
        return {before + 1, half};
      before = half;
    }
    power *= 2;
  }
}

std::string_view tune::name(At at) {
  switch (at) {
  case At::Exact:
    return "exact";
  case At::Least:
    return "least";
  case At::Most:
    return "most";
  }
  return "?";
}

Call Sizes::callAt(At end) const {
  auto of = [&](const Interval &interval) {
    return end == At::Least ? interval.least : interval.most;
  };
  Call call;
  call.kvHeads = of(heads);
  call.queryHeads = call.kvHeads * group;
  call.queryLen = of(queryLen);
  call.kvLen = of(kvLen);
  return call;
}

static int64_t headsOf(const Call &call, bool deterministic) {
  return deterministic ? call.kvHeads : call.heads();
}

Sizes tune::exactSizes(const Call &call, bool deterministic) {
  const int64_t heads = headsOf(call, deterministic);
  return {{call.queryLen, call.queryLen},
          {call.kvLen, call.kvLen},
          {heads, heads},
          call.group(),
          At::Exact};
}

Sizes tune::bucketOf(const Call &call, At at, bool deterministic) {
  return {rungOf(call.queryLen), rungOf(call.kvLen),
          rungOf(headsOf(call, deterministic)), call.group(), at};
}

store::Key tune::problemKey(const Problem &problem) {
  const Sizes &sizes = problem.sizes;
  store::Key key;
  key.add("schema", "attn-jit.problem.v1");
  key.add("description", problem.description);
  key.add("alignment", std::to_string(problem.alignment));
  key.add("q_len", sizes.queryLen.text());
  key.add("kv_len", sizes.kvLen.text());
  key.add("heads", sizes.heads.text());
  key.add("group", std::to_string(sizes.group));
  key.add("at", name(sizes.at));
  key.add("goal", problem.warmCache ? "latency_warm" : "latency");
  key.add("deterministic", problem.deterministic ? "yes" : "no");
  return key;
}

static bool readInterval(const std::string *text, Interval &to) {
  if (!text)
    return false;
  const char *const end = text->data() + text->size();
  std::from_chars_result read = std::from_chars(text->data(), end, to.least);
  to.most = to.least;
  constexpr std::string_view between = "..";
  if (read.ec == std::errc() &&
      std::string_view(read.ptr, size_t(end - read.ptr)).starts_with(between))
    read = std::from_chars(read.ptr + between.size(), end, to.most);
  return read.ec == std::errc() && read.ptr == end && to.least >= 1 &&
         to.most >= to.least;
}

std::optional<Problem> tune::readProblem(const store::Key &key) {
  Problem problem;
  Sizes &sizes = problem.sizes;
  Interval alignment, group;
  const std::string *description = key.find("description"),
                    *at = key.find("at"), *goal = key.find("goal"),
                    *deterministic = key.find("deterministic");
  if (!description || !at || !goal || !deterministic ||
      !readInterval(key.find("alignment"), alignment) ||
      !readInterval(key.find("q_len"), sizes.queryLen) ||
      !readInterval(key.find("kv_len"), sizes.kvLen) ||
      !readInterval(key.find("heads"), sizes.heads) ||
      !readInterval(key.find("group"), group))
    return std::nullopt;
  problem.description = *description;
  problem.alignment = alignment.least;
  sizes.group = group.least;
  for (const At each : {At::Least, At::Most})
    if (*at == name(each))
      sizes.at = each;
  problem.warmCache = *goal == "latency_warm";
  problem.deterministic = *deterministic == "yes";
  return problemKey(problem) == key ? std::optional(std::move(problem))
                                    : std::nullopt;
}

store::Key tune::deviceKey(const rt::DeviceInfo &device) {
  store::Key key;
  key.add("schema", "attn-jit.device.v1");
  key.add("name", device.name);
  key.add("target", device.target);
  key.add("compute_units", std::to_string(device.computeUnits));
  key.add("shared_bytes", std::to_string(device.sharedBytesPerUnit));
  key.add("last_cache_bytes", std::to_string(device.l2Bytes));
  key.add("memory_bus_bits", std::to_string(device.memoryBusBits));
  key.add("memory_clock_mhz", std::to_string(device.memoryClockMHz));
  return key;
}

rt::DeviceInfo tune::deviceOf(const store::Key &device) {
  auto number = [&](std::string_view label) {
    int64_t value = 0;
    if (const std::string *text = device.find(label))
      std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
  };
  auto text = [&](std::string_view label) {
    const std::string *found = device.find(label);
    return found ? *found : std::string();
  };
  rt::DeviceInfo info;
  info.name = text("name");
  info.target = text("target");
  info.computeUnits = number("compute_units");
  info.sharedBytesPerUnit = number("shared_bytes");
  info.l2Bytes = number("last_cache_bytes");
  info.memoryBusBits = number("memory_bus_bits");
  info.memoryClockMHz = number("memory_clock_mhz");
  return info;
}

std::string tune::driverText(const rt::DeviceInfo &device) {
  return device.driverVersion.empty()
             ? device.driver
             : device.driver + " " + device.driverVersion;
}
