// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Safetensors files, good and hostile.
// Invariant: every refusal is one line that starts with the file's name.

#include "runtime/tensor/SafetensorsReader.h"

#include "test/runtime/tensor/PtBuilder.h"

#include <gtest/gtest.h>

using namespace attn_jit::rt;
using namespace attn_jit::test;

namespace {

std::string file(const std::string &header, const std::string &data,
                 int64_t claimed = -1) {
  return littleEndian(claimed >= 0 ? claimed : header.size(), 8) + header +
         data;
}

void expectRefused(const std::string &bytes, const std::string &text) {
  auto result = readSafetensors(asBytes(bytes), "m.safetensors");
  ASSERT_FALSE(result) << text;
  const std::string &error = result.error().text;
  EXPECT_NE(error.find(text), std::string::npos) << error;
  EXPECT_EQ(error.find("m.safetensors: "), 0u) << error;
}

std::string entry(const std::string &type, const std::string &shape,
                  const std::string &offsets) {
  return "{\"q\":{\"dtype\":\"" + type + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}}";
}

} // namespace

TEST(SafetensorsReader, TensorsAndMetadata) {
  std::string bytes = file(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],)"
      R"("data_offsets":[1,9]},"b":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}  )",
      std::string("\x07\0\0\x80\x3f\0\0\0\x40", 9));
  auto result = readSafetensors(asBytes(bytes), "m.safetensors");
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->metadata.at("format"), "pt");
  ASSERT_EQ(result->tensors.size(), 2u);
  const HostTensor &a = result->tensors.at("a");
  EXPECT_EQ(a.shape(), (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(a.load(0), 1);
  EXPECT_EQ(a.load(1), 2);
  EXPECT_EQ(result->tensors.at("b").load(0), 7);
}

TEST(SafetensorsReader, Refusals) {
  expectRefused("", "truncated");
  expectRefused("1234567", "truncated");
  expectRefused(file("{}", "", 3), "the header claims 3 bytes");
  expectRefused(file("{}", "", INT64_MAX), "the header claims");
  expectRefused(file("[1]", ""), "not a JSON object");
  expectRefused(file("{", ""), "not a JSON object");
  // Parsed, each level would take memory.
  const std::string deep(60'000'000, '[');
  expectRefused(file(deep, ""), "the header has values in one another deeper");
  expectRefused(file("{\"q\":" + std::string(32, '['), ""), "deeper than 32");
  expectRefused(file("{\"q\":" + std::string(31, '['), ""), "not a JSON");
  expectRefused(file(R"({"\"[":")" + std::string(40, '[') + "\"}", ""),
                "tensor '\"['");
  expectRefused(file(R"({"q":3})", ""), "wants dtype, shape and data_offsets");
  expectRefused(file(R"({"q":{"dtype":"F16"}})", ""), "wants dtype");
  expectRefused(file(entry("F7", "[1]", "[0,2]"), "12"), "has dtype 'F7'");
  expectRefused(file(entry("F16", "[-1]", "[0,2]"), "12"), "malformed shape");
  expectRefused(file(entry("F16", "[1.5]", "[0,2]"), "12"), "malformed shape");
  expectRefused(file(entry("F16", "[1]", "[0,2,3]"), "12"), "malformed shape");
  expectRefused(file(entry("F16", "3", "[0,2]"), "12"), "malformed shape");
  expectRefused(file(entry("F16", "[1]", "[0,4]"), "12"),
                "lies at bytes 0 to 4 of the data, which has 2");
  expectRefused(file(entry("F16", "[1]", "[2,0]"), "12"), "lies at bytes");
  expectRefused(file(entry("F16", "[2]", "[0,2]"), "12"),
                "of shape [2] does not fit its 2 bytes");
  expectRefused(file(entry("F16", "[4611686018427387904,4]", "[0,0]"), "12"),
                "does not fit");
  expectRefused(
      file(entry("F16", "[9223372036854775807,9223372036854775807]", "[0,2]"),
           "12"),
      "does not fit");
  std::string header = "{";
  for (int i = 0; i < 50; ++i)
    header += (i ? ",\"" : "\"") + std::to_string(i) +
              R"(":{"dtype":"U8","shape":[1000],"data_offsets":[0,1000]})";
  expectRefused(file(header + "}", std::string(1000, 'x')), "overlaps");
}
