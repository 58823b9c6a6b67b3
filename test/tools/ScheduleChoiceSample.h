// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls of an H200, and records of final passes that may serve them.
#ifndef ATTN_JIT_TEST_TOOLS_SCHEDULECHOICESAMPLE_H
#define ATTN_JIT_TEST_TOOLS_SCHEDULECHOICESAMPLE_H

#include "tools/api/ScheduleChoice.h"
#include "tools/api/ScheduleRules.h"

#include <gtest/gtest.h>

namespace attn_jit::test {

using api::ScheduleChoice;
using store::StoredRecord;
using store::Voice;

inline rt::DeviceInfo hopper() {
  rt::DeviceInfo device;
  device.driver = "cuda", device.driverVersion = "13.0";
  device.name = "NVIDIA H200", device.target = "sm_90a";
  device.computeUnits = 132;
  return device;
}

class ScheduleChoiceTest : public testing::Test {
protected:
  ScheduleChoiceTest() {
    what.headDim = 128;
    what.element = api::Element::BF16;
    what.causal = true;
    wanted.target = "sm_90a";
  }

  api::CompileOptions optionsOf(const api::TypicalCall &call) const {
    api::CompileOptions options = wanted;
    api::setClass(options, what, call);
    return options;
  }
  /// Another one than the default, of the same family.
  std::string other(const api::TypicalCall &call, const char *was = "order=",
                    const char *now = "order=forward") const {
    std::string text = api::defaultSchedule(what, optionsOf(call));
    const size_t at = text.find(was);
    EXPECT_NE(at, std::string::npos);
    text.replace(at, text.find(',', at) - at, now);
    return text;
  }

  tune::Problem problemOf(const api::TypicalCall &c, tune::At at) const {
    const tune::Call call = {c.batch, c.queryHeads, c.kvHeads, c.queryLen,
                             c.kvLen};
    tune::Problem problem;
    problem.description = api::labelledText(what);
    problem.deterministic = c.batchInvariant;
    problem.sizes = at == tune::At::Exact
                        ? tune::exactSizes(call, c.batchInvariant)
                        : tune::bucketOf(call, at, c.batchInvariant);
    return problem;
  }
  /// A final pass of `schedule` beside the default of `call`.
  std::vector<StoredRecord> pass(const api::TypicalCall &call, tune::At at,
                                 const std::string &schedule, int64_t ns,
                                 Voice voice = Voice::Own) const {
    std::vector<StoredRecord> records(2);
    for (StoredRecord &each : records) {
      each.voice = voice;
      store::Record &record = each.record;
      record.problem = tune::problemKey(problemOf(call, at));
      record.device = tune::deviceKey(hopper());
      record.compiler =
          voice == Voice::Own ? api::compilerIdentity() : "another";
      record.driver = tune::driverText(hopper());
      record.samples = 32, record.madNs = 10;
      record.at = "2026-11-28T03:41:19Z";
      record.session = "s.final";
    }
    records[0].record.schedule = api::defaultSchedule(what, optionsOf(call));
    records[0].record.medianNs = 100000, records[0].record.isDefault = true;
    records[1].record.schedule = schedule, records[1].record.medianNs = ns;
    return records;
  }
  void add(const std::vector<StoredRecord> &records) {
    ASSERT_TRUE(own->own().add(records));
  }

  static std::unique_ptr<api::RecordExchange> inMemory() {
    return std::make_unique<api::RecordExchange>(store::CacheRoot(), nullptr);
  }
  ScheduleChoice &engine() {
    if (!choice)
      choice = std::make_unique<ScheduleChoice>(hopper(), [&] {
        ++lookedFor;
        return api::RecordSources{own.get(), bundled};
      });
    return *choice;
  }
  api::ScheduleChosen chosen(const api::TypicalCall &call) {
    return engine().choose(what, optionsOf(call), call);
  }
  std::string source(const api::TypicalCall &call) {
    return std::string(tune::name(chosen(call).source));
  }

  api::Description what;
  api::CompileOptions wanted;
  std::unique_ptr<api::RecordExchange> own = inMemory();
  std::shared_ptr<const tune::BundledRecords> bundled;
  std::unique_ptr<ScheduleChoice> choice;
  int lookedFor = 0;
  // batch, q_heads, q_len, kv_len, invariant, kv_heads
  const api::TypicalCall call = {4, 16, 4000, 4000, false, 16};
};

} // namespace attn_jit::test

#endif // ATTN_JIT_TEST_TOOLS_SCHEDULECHOICESAMPLE_H
