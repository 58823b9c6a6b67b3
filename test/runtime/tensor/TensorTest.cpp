// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types, views and copies of host tensors.
// Invariant: every refusal of HostTensor::view has a case here.

#include "runtime/tensor/Tensor.h"

#include "runtime/tensor/HalfFloat.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace attn_jit::rt;

TEST(HalfFloat, F16RoundTripsEveryPattern) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    float value = f16ToFloat(uint16_t(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16ToFloat(floatToF16(value))));
      continue;
    }
    ASSERT_EQ(floatToF16(value), bits) << value;
    ASSERT_EQ(doubleToF16(value), bits) << value;
  }
}

TEST(HalfFloat, Bf16RoundTripsEveryPattern) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    float value = bf16ToFloat(uint16_t(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(bf16ToFloat(floatToBf16(value))));
      continue;
    }
    ASSERT_EQ(floatToBf16(value), bits) << value;
    ASSERT_EQ(doubleToBf16(value), bits) << value;
  }
}

/// Between neighbours the nearer wins, and a tie goes to the even pattern.
template <typename Narrow, typename Widen>
void checkNearestEven(Narrow narrow, Widen widen, uint16_t end) {
  for (uint32_t bits = 0; bits + 1 < end; ++bits) {
    double low = widen(uint16_t(bits)), high = widen(uint16_t(bits + 1));
    double middle = (low + high) / 2;
    uint16_t even = bits & 1 ? bits + 1 : bits;
    ASSERT_EQ(narrow(middle), even) << middle;
    ASSERT_EQ(narrow(-middle), even | 0x8000) << middle;
    ASSERT_EQ(narrow(std::nextafter(middle, low)), bits) << middle;
    ASSERT_EQ(narrow(std::nextafter(middle, high)), bits + 1) << middle;
  }
}

TEST(HalfFloat, RoundsToNearestEven) {
  checkNearestEven(doubleToF16, f16ToFloat, 0x7c00);
  checkNearestEven(doubleToBf16, bf16ToFloat, 0x7f80);
}

TEST(HalfFloat, FloatTiesOfF16) {
  EXPECT_EQ(floatToF16(2049.0f), floatToF16(2048.0f));
  EXPECT_EQ(floatToF16(2051.0f), floatToF16(2052.0f));
  EXPECT_EQ(floatToF16(65519.0f), 0x7bff);
  EXPECT_EQ(floatToF16(65520.0f), 0x7c00);
  EXPECT_EQ(floatToF16(0x1p-25f), 0);
  EXPECT_EQ(floatToF16(0x1.8p-25f), 1);
  EXPECT_EQ(floatToF16(-0.0f), 0x8000);
}

TEST(HostTensor, MemoryOrderAndStrides) {
  auto tensor = HostTensor::zeros(DType::F16, {2, 3, 5, 8}, {0, 2, 1, 3});
  ASSERT_TRUE(tensor);
  EXPECT_EQ(tensor->strides(), (std::vector<int64_t>{120, 8, 24, 1}));
  EXPECT_FALSE(tensor->isContiguous());
  EXPECT_TRUE(tensor->permute({0, 2, 1, 3}).isContiguous());
  EXPECT_EQ(tensor->spanBytes(), 2 * 3 * 5 * 8 * 2);
}

TEST(HostTensor, ContiguousCopyKeepsLogicalOrder) {
  auto tensor = HostTensor::zeros(DType::F32, {2, 3, 4}, {2, 0, 1});
  ASSERT_TRUE(tensor);
  for (int64_t a = 0; a < 2; ++a)
    for (int64_t b = 0; b < 3; ++b)
      for (int64_t c = 0; c < 4; ++c)
        tensor->store(a * tensor->stride(0) + b * tensor->stride(1) +
                          c * tensor->stride(2),
                      a * 100 + b * 10 + c);
  auto copy = tensor->contiguous();
  ASSERT_TRUE(copy);
  EXPECT_TRUE(copy->isContiguous());
  auto half = tensor->convert(DType::BF16);
  ASSERT_TRUE(half);
  for (int64_t i = 0; i < 24; ++i) {
    int64_t want = i / 12 * 100 + i / 4 % 3 * 10 + i % 4;
    EXPECT_EQ(copy->load(i), want);
    EXPECT_EQ(half->load(i), want);
  }
  // A slice starts elsewhere in the same storage.
  HostTensor slice = tensor->slice(1, 2, 1);
  EXPECT_EQ(slice.load(0), 20);
  EXPECT_EQ(slice.storage(), tensor->storage());
}

TEST(HostTensor, IntegersSaturate) {
  auto tensor = HostTensor::zeros(DType::I8, {4});
  ASSERT_TRUE(tensor);
  tensor->store(0, 300);
  tensor->store(1, -300);
  tensor->store(2, std::nan(""));
  tensor->store(3, 2.5);
  EXPECT_EQ(tensor->load(0), 127);
  EXPECT_EQ(tensor->load(1), -128);
  EXPECT_EQ(tensor->load(2), 0);
  EXPECT_EQ(tensor->load(3), 2);
}

class View : public testing::Test {
protected:
  std::string refusal(std::vector<int64_t> shape, std::vector<int64_t> strides,
                      int64_t offset) {
    auto storage = Storage::allocate(64);
    auto view = HostTensor::view(*storage, DType::F32, std::move(shape),
                                 std::move(strides), offset);
    return view ? "" : view.error().text;
  }
};

TEST_F(View, InsideTheStorage) {
  EXPECT_EQ(refusal({4, 4}, {4, 1}, 0), "");
  EXPECT_EQ(refusal({4}, {5}, 0), "");
  EXPECT_EQ(refusal({1000}, {0}, 15), "");
  EXPECT_EQ(refusal({0, 5}, {1, 1}, 16), "");
  EXPECT_EQ(refusal({}, {}, 15), "");
}

TEST_F(View, Refusals) {
  const std::string past = "reach past the storage of 64 bytes";
  EXPECT_NE(refusal({4, 4}, {4, 1}, 1).find(past), std::string::npos);
  EXPECT_NE(refusal({}, {}, 16).find(past), std::string::npos);
  EXPECT_NE(refusal({0}, {1}, 17).find(past), std::string::npos);
  EXPECT_NE(refusal({3}, {INT64_MAX}, 0).find(past), std::string::npos);
  EXPECT_NE(refusal({2}, {1}, INT64_MAX).find(past), std::string::npos);
  EXPECT_NE(refusal({2}, {INT64_MAX / 4}, INT64_MAX).find(past),
            std::string::npos);
  EXPECT_NE(refusal({4}, {-1}, 3).find("none may be negative"),
            std::string::npos);
  EXPECT_NE(refusal({-4}, {1}, 0).find("none may be negative"),
            std::string::npos);
  EXPECT_NE(refusal({4}, {1}, -1).find("offset -1 is negative"),
            std::string::npos);
  EXPECT_NE(refusal({4}, {1, 1}, 0).find("ranks must agree"),
            std::string::npos);
  EXPECT_NE(refusal({INT64_MAX, INT64_MAX}, {0, 0}, 0).find("too large"),
            std::string::npos);
}

TEST(HostTensor, HugeSizesAreRefusedBeforeAllocation) {
  auto tensor = HostTensor::zeros(DType::F32, {int64_t(1) << 40, 1 << 20});
  ASSERT_FALSE(tensor);
  EXPECT_NE(tensor.error().text.find("too large"), std::string::npos);
  auto storage = Storage::allocate(uint64_t(1) << 60);
  ASSERT_FALSE(storage);
  EXPECT_EQ(storage.error().code, ErrorCode::OutOfMemory);
}
