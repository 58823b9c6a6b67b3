// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The records that come with the program: whole, of final passes alone, and
// what serves an H200 that has tuned nothing.
#include "autotune/Choice.h"
#include "tools/api/ScheduleChoice.h"

#include <fstream>
#include <gtest/gtest.h>
#include <map>

using namespace attn_jit;

static const std::string templates = ATTN_JIT_TEMPLATES;

static std::vector<store::Record> shipped() {
  std::vector<store::Record> records;
  std::ifstream file(templates + "/records.sm_90a.jsonl");
  std::string line;
  while (std::getline(file, line)) {
    auto record = store::Record::parse(line);
    EXPECT_TRUE(record) << record.error().text;
    if (record)
      records.push_back(std::move(*record));
  }
  return records;
}

TEST(ShippedRecords, AreOfFinalPassesBesideTheDefault) {
  std::map<store::Digest, int> defaults;
  const auto records = shipped();
  ASSERT_FALSE(records.empty());
  for (const store::Record &record : records) {
    EXPECT_EQ(record.outcome, store::Outcome::Ok) << record.schedule;
    EXPECT_TRUE(tune::isFinalSession(record.session)) << record.session;
    EXPECT_GE(record.samples, 32) << record.schedule;
    defaults[record.problemDigest()] += record.isDefault;
  }
  for (const auto &[problem, count] : defaults)
    EXPECT_EQ(count, 1) << problem.hex();
}

TEST(ShippedRecords, ServeTheCallsThatWereMeasured) {
  rt::DeviceInfo device;
  device.driver = "cuda", device.driverVersion = "13.0";
  device.name = "NVIDIA H200", device.target = "sm_90a";
  device.computeUnits = 132;
  device.sharedBytesPerUnit = device.sharedBytesPerBlock = 233472;
  device.l2Bytes = 62914560;
  device.memoryBusBits = 6016, device.memoryClockMHz = 3201;
  api::ScheduleChoice choice(device, [] {
    return api::RecordSources{
        nullptr, std::make_shared<const tune::BundledRecords>(templates)};
  });
  api::Description what;
  what.headDim = 128;
  what.element = api::Element::BF16;
  auto chosen = [&](int64_t length) {
    api::CompileOptions wanted;
    wanted.target = "sm_90a";
    api::TypicalCall call;
    call.batch = 4;
    call.queryHeads = call.kvHeads = 16;
    call.queryLen = call.kvLen = length;
    api::setClass(wanted, what, call);
    return choice.choose(what, wanted, call);
  };
  // Held to a cold start, the default takes one loop of shorter steps.
  EXPECT_EQ(chosen(4096).source, tune::Source::Bundled);
  EXPECT_NE(chosen(4096).schedule.find("bn=160"), std::string::npos)
      << chosen(4096).schedule;
  // Between the ends of a bucket, and where nothing was measured.
  EXPECT_EQ(chosen(4000).source, tune::Source::Bundled);
  EXPECT_EQ(chosen(4000).schedule, chosen(3200).schedule);
  EXPECT_EQ(chosen(2500).source, tune::Source::Default);
}
