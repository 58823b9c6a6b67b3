// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What records are kept by: the ladders, and the texts of the keys.
#include "autotune/Problem.h"

#include <gtest/gtest.h>

using namespace attn_jit;
using namespace attn_jit::tune;

TEST(Ladder, IsOfPowersOfTwoWithHalves) {
  std::vector<int64_t> ends;
  for (int64_t size = 1; size <= 64; size = rungOf(size).most + 1)
    ends.push_back(rungOf(size).most);
  EXPECT_EQ(ends,
            (std::vector<int64_t>{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64}));
}

TEST(Ladder, HoldsEachSizeOnce) {
  int64_t next = 1;
  for (int64_t size = 1; size < 5000; ++size) {
    const Interval rung = rungOf(size);
    EXPECT_LE(rung.least, size);
    EXPECT_GE(rung.most, size);
    if (size == next) {
      EXPECT_EQ(rung.least, size);
      next = rung.most + 1;
    }
    EXPECT_LE(double(rung.most), 2.0 * double(rung.least));
  }
}

TEST(Ladder, EndsWhereSizesAreNoMoreSizes) {
  EXPECT_EQ(rungOf(INT32_MAX).most, int64_t(1) << 31);
  EXPECT_EQ(rungOf(kLastRung).most, kLastRung);
  EXPECT_EQ(rungOf(INT64_MAX), (Interval{INT64_MAX, INT64_MAX}));
}

static const Call kCall = {/*batch=*/2, /*queryHeads=*/32, /*kvHeads=*/8,
                           /*queryLen=*/4000, /*kvLen=*/4000};

TEST(Problem, KeyIsCompleteAndPrintable) {
  Problem problem;
  problem.description = "module {\n}\n";
  problem.sizes = bucketOf(kCall, At::Most, false);
  EXPECT_EQ(problemKey(problem).text(), "schema \"attn-jit.problem.v1\"\n"
                                        "description \"module {\\n}\\n\"\n"
                                        "alignment \"16\"\n"
                                        "q_len \"3073..4096\"\n"
                                        "kv_len \"3073..4096\"\n"
                                        "heads \"13..16\"\n"
                                        "group \"4\"\n"
                                        "at \"most\"\n"
                                        "goal \"latency\"\n"
                                        "deterministic \"no\"\n");
}

TEST(Problem, FieldsTellProblemsApart) {
  std::vector<Problem> all(7);
  for (Problem &each : all)
    each.sizes = exactSizes(kCall, false);
  all[1].description = "other";
  all[2].alignment = 8;
  all[3].deterministic = true;
  all[6].warmCache = true;
  all[4].sizes = bucketOf(kCall, At::Least, false);
  all[5].sizes = bucketOf(kCall, At::Most, false);
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      EXPECT_NE(problemKey(all[i]).digest(), problemKey(all[j]).digest())
          << i << " " << j;
}

TEST(Problem, BucketIsMeasuredAtItsEnds) {
  const Sizes bucket = bucketOf(kCall, At::Least, false);
  const Call least = bucket.callAt(At::Least), most = bucket.callAt(At::Most);
  EXPECT_EQ(least, (Call{1, 52, 13, 3073, 3073}));
  EXPECT_EQ(most, (Call{1, 64, 16, 4096, 4096}));
  for (const Call &end : {least, most})
    EXPECT_EQ(bucketOf(end, At::Least, false), bucket);
}

TEST(Problem, DeterministicOnesDoNotSeeTheBatch) {
  Call alone = kCall, crowded = kCall;
  alone.batch = 1, crowded.batch = 64;
  for (bool deterministic : {false, true}) {
    EXPECT_EQ(exactSizes(alone, deterministic) ==
                  exactSizes(crowded, deterministic),
              deterministic);
    EXPECT_EQ(bucketOf(alone, At::Least, deterministic) ==
                  bucketOf(crowded, At::Least, deterministic),
              deterministic);
  }
}

TEST(Problem, IsReadBackFromItsKey) {
  Problem problem;
  problem.description = "head_dim=64 value_dim=64";
  problem.alignment = 8;
  problem.deterministic = true;
  for (const Sizes &sizes :
       {exactSizes(kCall, true), bucketOf(kCall, At::Least, true),
        bucketOf(kCall, At::Most, true)}) {
    problem.sizes = sizes;
    problem.warmCache = !problem.warmCache;
    const auto read = readProblem(problemKey(problem));
    ASSERT_TRUE(read);
    EXPECT_EQ(problemKey(*read), problemKey(problem));
    EXPECT_EQ(read->sizes, sizes);
  }
  // Nothing that this version would not write.
  const store::Key good = problemKey(problem);
  for (const auto &[label, value] : {std::pair{"schema", "attn-jit.problem.v2"},
                                     {"alignment", "8..16"},
                                     {"q_len", "0"},
                                     {"q_len", "12..3"},
                                     {"q_len", "12.."},
                                     {"q_len", "012"},
                                     {"at", "somewhere"},
                                     {"goal", "energy"},
                                     {"deterministic", ""}}) {
    store::Key other;
    for (const auto &field : good.fields())
      other.add(field.first, field.first == label ? value : field.second);
    EXPECT_FALSE(readProblem(other)) << label << " " << value;
  }
  store::Key more = good;
  more.add("later", "field");
  EXPECT_FALSE(readProblem(more));
  EXPECT_FALSE(readProblem(store::Key()));
}

static rt::DeviceInfo hopper() {
  rt::DeviceInfo device;
  device.driver = "cuda", device.name = "NVIDIA H200";
  device.target = "sm_90a", device.driverVersion = "13.0";
  device.computeUnits = 132, device.sharedBytesPerUnit = 233472;
  device.l2Bytes = 62914560, device.memoryBusBits = 6144;
  device.memoryClockMHz = 3201;
  return device;
}

TEST(Device, IsToldByItsKey) {
  rt::DeviceInfo device;
  device.name = "NVIDIA H200", device.target = "sm_90a";
  device.computeUnits = 132, device.sharedBytesPerUnit = 233472;
  device.l2Bytes = 62914560, device.memoryBusBits = 6016;
  device.memoryClockMHz = 3201;
  EXPECT_EQ(deviceKey(deviceOf(deviceKey(device))), deviceKey(device));
  EXPECT_EQ(deviceOf(store::Key()).computeUnits, 0);
}

TEST(Device, KeyIsWhatGivesTheSameTimes) {
  rt::DeviceInfo other = hopper();
  EXPECT_EQ(deviceKey(other).text(), "schema \"attn-jit.device.v1\"\n"
                                     "name \"NVIDIA H200\"\n"
                                     "target \"sm_90a\"\n"
                                     "compute_units \"132\"\n"
                                     "shared_bytes \"233472\"\n"
                                     "last_cache_bytes \"62914560\"\n"
                                     "memory_bus_bits \"6144\"\n"
                                     "memory_clock_mhz \"3201\"\n");
  other.index = 3, other.uuid = "GPU-1", other.driverVersion = "12.4";
  other.clockMHz = 1000;
  EXPECT_EQ(deviceKey(other), deviceKey(hopper()));
  other.computeUnits = 114;
  EXPECT_NE(deviceKey(other), deviceKey(hopper()));
  EXPECT_EQ(driverText(hopper()), "cuda 13.0");
}
