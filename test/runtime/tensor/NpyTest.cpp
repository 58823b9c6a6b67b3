// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// .npy files read and written.
// Invariant: what is written is read back bit by bit, and nothing is left
// behind by a failed write.

#include "runtime/tensor/NpyReader.h"
#include "runtime/tensor/NpyWriter.h"

#include "test/runtime/tensor/PtBuilder.h"
#include "test/runtime/tensor/TemporaryFolder.h"

#include <gtest/gtest.h>

using namespace attn_jit::rt;
using namespace attn_jit::test;

namespace {

std::string npy(const std::string &header, const std::string &data,
                int version = 1) {
  return std::string("\x93NUMPY") + char(version) + '\0' +
         littleEndian(header.size(), version == 1 ? 2 : 4) + header + data;
}

void expectRefused(const std::string &bytes, const std::string &text) {
  auto result = readNpy(asBytes(bytes), "q.npy");
  ASSERT_FALSE(result) << text;
  const std::string &error = result.error().text;
  EXPECT_NE(error.find(text), std::string::npos) << error;
  EXPECT_EQ(error.find("q.npy: "), 0u) << error;
}

const std::string six = "\1\2\3\4\5\6";

} // namespace

TEST(NpyReader, OrdersAndVersions) {
  for (int version : {1, 2, 3}) {
    auto rows = readNpy(
        asBytes(
            npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n",
                six, version)),
        "q.npy");
    ASSERT_TRUE(rows) << rows.error().text;
    EXPECT_EQ(rows->strides(), (std::vector<int64_t>{3, 1}));
    EXPECT_EQ(rows->load(5), 6);
  }
  auto columns = readNpy(
      asBytes(npy("{'shape': (2, 3), 'descr': \"|u1\", 'fortran_order': True}",
                  six)),
      "q.npy");
  ASSERT_TRUE(columns) << columns.error().text;
  EXPECT_EQ(columns->strides(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(columns->contiguous()->load(1), 3);
  auto scalar = readNpy(
      asBytes(
          npy("{'descr': '|i1', 'fortran_order': False, 'shape': (), }", six)),
      "q.npy");
  ASSERT_TRUE(scalar);
  EXPECT_EQ(scalar->rank(), 0u);
  EXPECT_EQ(scalar->load(0), 1);
}

TEST(NpyReader, BigEndianAndBfloat16) {
  auto big = readNpy(
      asBytes(npy("{'descr': '>i2', 'fortran_order': False, 'shape': (3,), }",
                  six)),
      "q.npy");
  ASSERT_TRUE(big);
  EXPECT_EQ(big->load(0), 0x0102);
  auto brain = readNpy(
      asBytes(npy("{'descr': '<V2', 'fortran_order': False, 'shape': (1,), }",
                  "\x80\x3f")),
      "q.npy");
  ASSERT_TRUE(brain);
  EXPECT_EQ(brain->type(), DType::BF16);
  EXPECT_EQ(brain->load(0), 1);
}

TEST(NpyReader, Refusals) {
  expectRefused("", "truncated");
  expectRefused("PK\x03\x04 not numpy", "not a .npy file");
  expectRefused(npy("{}", "", 4), "npy version 4.0 is unknown");
  expectRefused(npy("{}", ""), "the header is not");
  expectRefused(npy("{'descr': '<f2', 'fortran_order': False}", ""),
                "the header is not");
  expectRefused(npy("{'descr': '<f2', 'descr': '<f2', 'fortran_order': False, "
                    "'shape': ()}",
                    ""),
                "the header is not");
  expectRefused(
      npy("{'descr': '<f2', 'fortran_order': __import__('os'), 'shape': (1,)}",
          six),
      "the header is not");
  auto header = [](const char *descr, const char *shape) {
    return std::string("{'descr': '") + descr +
           "', 'fortran_order': False, 'shape': " + shape + ", }";
  };
  expectRefused(npy(header("<c8", "(1,)"), six), "dtype '<c8' is not read");
  expectRefused(npy(header("<f\n2", "(1,)"), six), "dtype '<f?2' is not read");
  expectRefused(npy(header("|O", "(1,)"), six), "dtype '|O' is not read");
  expectRefused(npy(header("<f2", "(-1,)"), six), "the header is not");
  expectRefused(npy(header("<f2", "(99999999999999999999,)"), six),
                "the header is not");
  expectRefused(npy(header("<f2", "(4,)"), six),
                "shape [4] of f16 is more than the file's 6 bytes");
  expectRefused(
      npy(header("<f8", "(4611686018427387904, 4611686018427387904)"), six),
      "truncated");
  std::string cut = npy(header("<f2", "(3,)"), six);
  expectRefused(cut.substr(0, 20), "truncated: the header claims");
}

TEST(NpyWriter, RoundTrip) {
  TemporaryFolder folder;
  for (DType type : {DType::F64, DType::F32, DType::F16, DType::I64, DType::I32,
                     DType::I16, DType::I8, DType::U8, DType::Bool}) {
    auto tensor = HostTensor::zeros(type, {2, 3, 4}, {2, 1, 0});
    ASSERT_TRUE(tensor);
    for (int i = 0; i < 24; ++i)
      tensor->store(i, i);
    std::string path = folder.file("out.npy");
    ASSERT_TRUE(writeNpy(path, *tensor));
    auto back = readNpy(path);
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_EQ(back->type(), type);
    EXPECT_EQ(back->shape(), tensor->shape());
    auto dense = tensor->contiguous();
    for (int i = 0; i < 24; ++i)
      EXPECT_EQ(back->load(i), dense->load(i));
  }
  EXPECT_EQ(folder.count(), 1u);
}

TEST(NpyWriter, OneDimensionAndBfloat16) {
  TemporaryFolder folder;
  auto tensor = HostTensor::zeros(DType::BF16, {3});
  tensor->store(2, 1.5);
  std::string path = folder.file("out.npy");
  ASSERT_TRUE(writeNpy(path, *tensor));
  auto back = readNpy(path);
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->type(), DType::F32);
  EXPECT_EQ(back->shape(), (std::vector<int64_t>{3}));
  EXPECT_EQ(back->load(2), 1.5);
}

TEST(NpyWriter, AFailureLeavesNothing) {
  TemporaryFolder folder;
  auto tensor = HostTensor::zeros(DType::F16, {3});
  auto missing = writeNpy(folder.file("no/such/out.npy"), *tensor);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text.find("cannot be written"), std::string::npos);
  // A folder stands where the file should: the rename fails.
  std::filesystem::create_directories(folder.path / "out.npy" / "inside");
  auto blocked = writeNpy(folder.file("out.npy"), *tensor);
  ASSERT_FALSE(blocked);
  EXPECT_NE(blocked.error().text.find("cannot be written"), std::string::npos);
  EXPECT_EQ(missing.error().exitCode(), 2);
  EXPECT_EQ(blocked.error().exitCode(), 2);
  EXPECT_EQ(folder.count(), 1u);
}
