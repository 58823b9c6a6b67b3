// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Captured inputs: what is found in a folder, what the kwargs mean, which
// shapes are refused. Invariant: the shipped sample is read by the same path as
// a user's file.

#include "runtime/tensor/CapturedInputs.h"

#include "runtime/tensor/NpyWriter.h"
#include "test/runtime/tensor/PtBuilder.h"
#include "test/runtime/tensor/TemporaryFolder.h"

#include <functional>
#include <gtest/gtest.h>

using namespace attn_jit::rt;
using namespace attn_jit::test;

namespace {

using Shape = std::vector<int64_t>;

int64_t elements(const Shape &shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}
Shape dense(const Shape &shape) {
  Shape strides(shape.size());
  int64_t step = 1;
  for (size_t i = shape.size(); i-- > 0; step *= shape[i])
    strides[i] = step;
  return strides;
}

struct Capture {
  Shape q = {1, 4, 5, 8}, k = {1, 2, 6, 8}, v = {1, 2, 6, 16};
  std::string qType = "HalfStorage", kType = "HalfStorage";
  /// Opcodes between q, k, v and the end of the dict.
  Pickle more;

  std::string bytes() const {
    Pickle pickle;
    auto add = [&](const char *key, const char *storage, const Shape &shape,
                   const std::string &type) {
      pickle.text(key).tensor(type, storage, elements(shape), 0, shape,
                              dense(shape));
    };
    pickle.raw("}(");
    add("q", "0", q, qType);
    add("k", "1", k, kType);
    add("v", "2", v, "HalfStorage");
    pickle.raw(std::string_view(more.bytes).substr(2)).raw("u.");
    auto zeros = [](const Shape &shape) {
      return std::string(elements(shape) * 4, '\0');
    };
    return torchFile(pickle.bytes,
                     {{"0", zeros(q)}, {"1", zeros(k)}, {"2", zeros(v)}});
  }
};

class Captured : public testing::Test {
protected:
  Result<CapturedInputs> read(const Capture &capture) {
    return readCapturedInputs(
        folder.write("sdpa_input_000003.pt", capture.bytes()));
  }
  void expectRefused(const Capture &capture, const std::string &text) {
    auto result = read(capture);
    ASSERT_FALSE(result) << text;
    EXPECT_NE(result.error().text.find(text), std::string::npos)
        << result.error().text;
    EXPECT_EQ(result.error().text.find(folder.path.string()), 0u);
    EXPECT_EQ(result.error().exitCode(), 2);
  }
  TemporaryFolder folder;
};

Pickle kwargs(const std::function<void(Pickle &)> &fill) {
  Pickle pickle;
  pickle.text("kwargs").raw("}(");
  fill(pickle);
  pickle.raw("u");
  return pickle;
}

} // namespace

TEST_F(Captured, TorchFileWithKwargs) {
  Capture capture;
  capture.more = kwargs([](Pickle &pickle) {
    pickle.text("is_causal").raw("\x88");
    pickle.text("softmax_scale")
        .raw("G")
        .raw(std::string("\x3f\xc0\0\0\0\0\0\0", 8));
    pickle.text("window").integers({-1, 7});
  });
  capture.more.text("call_idx").integer(3);
  capture.more.text("q_shape")
      .raw("](")
      .integer(1)
      .integer(4)
      .integer(5)
      .integer(8)
      .raw("e");
  auto inputs = read(capture);
  ASSERT_TRUE(inputs) << inputs.error().text;
  EXPECT_EQ(inputs->name, "sdpa_input_000003");
  EXPECT_EQ(inputs->query.shape(), capture.q);
  EXPECT_EQ(inputs->key.shape(), capture.k);
  EXPECT_EQ(inputs->value.shape(), capture.v);
  EXPECT_EQ(inputs->layout, "bhsd");
  EXPECT_EQ(inputs->isCausal, true);
  EXPECT_EQ(inputs->scale, 0.125);
  ASSERT_EQ(inputs->kwargs.size(), 3u);
  EXPECT_EQ(inputs->kwargs[2],
            std::pair(std::string("window"), std::string("(-1, 7)")));
}

TEST_F(Captured, NothingSaidStaysUnsaid) {
  Capture capture;
  capture.more = kwargs([](Pickle &pickle) {
    pickle.text("is_causal").raw("N").text("scale").raw("N");
  });
  auto inputs = read(capture);
  ASSERT_TRUE(inputs) << inputs.error().text;
  EXPECT_FALSE(inputs->isCausal);
  EXPECT_FALSE(inputs->scale);
}

TEST_F(Captured, WhichWordSaidCausal) {
  Capture capture;
  capture.more = kwargs([](Pickle &p) { p.text("is_causal").integer(1); });
  auto inputs = read(capture);
  ASSERT_TRUE(inputs) << inputs.error().text;
  EXPECT_EQ(inputs->isCausal, true);
  EXPECT_TRUE(inputs->causalIsTorch);
  capture.more = kwargs([](Pickle &p) { p.text("causal").integer(1); });
  inputs = read(capture);
  ASSERT_TRUE(inputs) << inputs.error().text;
  EXPECT_EQ(inputs->isCausal, true);
  EXPECT_FALSE(inputs->causalIsTorch);
}

TEST_F(Captured, TypesMayDiffer) {
  Capture capture;
  capture.kType = "FloatStorage";
  auto inputs = read(capture);
  ASSERT_TRUE(inputs) << inputs.error().text;
  EXPECT_EQ(inputs->query.type(), DType::F16);
  EXPECT_EQ(inputs->key.type(), DType::F32);
}

TEST_F(Captured, ShapesThatDisagree) {
  Capture capture;
  capture.k[3] = 16;
  expectRefused(capture, "k head dim is 16; q's head dim, 8, is wanted");
  capture = {};
  capture.v[2] = 7;
  expectRefused(capture, "v length is 7; k's length, 6, is wanted");
  capture = {};
  capture.v[1] = 1;
  expectRefused(capture, "v heads is 1; k's heads, 2, is wanted");
  capture = {};
  capture.q[1] = 3;
  expectRefused(capture, "q heads is 3; a multiple of k's heads, 2, is wanted");
  capture = {};
  capture.k[0] = capture.v[0] = 2;
  expectRefused(capture, "k batch is 2; q's batch, 1, is wanted");
  capture = {};
  capture.v[0] = 2;
  expectRefused(capture, "v batch is 2");
  capture = {};
  capture.q = {4, 5, 8};
  expectRefused(capture, "q has shape [4, 5, 8]; four dimensions are wanted");
  capture = {};
  capture.q[2] = 0;
  expectRefused(capture, "it is empty");
  capture = {};
  capture.qType = "IntStorage";
  expectRefused(capture, "q has dtype i32; f16, bf16 or f32 is wanted");
}

TEST_F(Captured, FieldsThatMakeNoSense) {
  Capture capture;
  capture.more.text("q_shape").raw("](").integer(1).raw("e");
  expectRefused(capture, "q_shape says [1] but q has shape [1, 4, 5, 8]");
  capture = {};
  capture.more.text("kwargs").integer(1);
  expectRefused(capture, "kwargs is 1; a dict is wanted");
  capture = {};
  capture.more = kwargs([](Pickle &p) { p.text("is_causal").integer(2); });
  expectRefused(capture, "is_causal is 2; True or False is wanted");
  capture.more = kwargs([](Pickle &p) { p.text("scale").text("big"); });
  expectRefused(capture, "scale is 'big'; a number is wanted");
  capture.more = kwargs([](Pickle &p) { p.text("sm_scale").integer(-1); });
  expectRefused(capture, "a positive number is wanted");
  std::string list = folder.write("b_input_0.pt", torchFile("\x80\x02].", {}));
  auto inputs = readCapturedInputs(list);
  ASSERT_FALSE(inputs);
  EXPECT_NE(inputs.error().text.find("no tensor 'q'"), std::string::npos);
}

TEST_F(Captured, SafetensorsFile) {
  auto entry = [](const char *key, const char *shape, int begin, int end) {
    return std::string("\"") + key + R"(":{"dtype":"BF16","shape":)" + shape +
           ",\"data_offsets\":[" + std::to_string(begin) + "," +
           std::to_string(end) + "]}";
  };
  std::string tensors = entry("q", "[1,2,3,4]", 0, 48) + "," +
                        entry("k", "[1,1,5,4]", 48, 88) + ",";
  auto write = [&](const std::string &metadata, const char *last) {
    std::string header = "{\"__metadata__\":" + metadata + "," + tensors +
                         entry(last, "[1,1,5,4]", 88, 128) + "}";
    return folder.write("a.safetensors", littleEndian(header.size(), 8) +
                                             header + std::string(128, '\0'));
  };
  auto inputs = readCapturedInputs(
      write(R"({"is_causal":"true","scale":"0.5","format":"pt"})", "v"));
  ASSERT_TRUE(inputs) << inputs.error().text;
  EXPECT_EQ(inputs->isCausal, true);
  EXPECT_EQ(inputs->scale, 0.5);
  EXPECT_EQ(inputs->query.type(), DType::BF16);
  inputs = readCapturedInputs(write("{}", "w"));
  ASSERT_FALSE(inputs);
  EXPECT_NE(inputs.error().text.find("no tensor 'v'"), std::string::npos);
  inputs = readCapturedInputs(write(R"({"is_causal":"maybe"})", "v"));
  ASSERT_FALSE(inputs);
  EXPECT_NE(inputs.error().text.find("is_causal is 'maybe'"),
            std::string::npos);
  inputs = readCapturedInputs(write(R"({"scale":"0.5x"})", "v"));
  ASSERT_FALSE(inputs);
  EXPECT_NE(inputs.error().text.find("scale is '0.5x'"), std::string::npos);
}

TEST_F(Captured, FolderInReadingOrder) {
  auto none = listCapturedInputs(folder.path.string());
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().text.find("no captured inputs"), std::string::npos);
  EXPECT_FALSE(listCapturedInputs(folder.file("missing")));
  for (const char *name : {"sdpa_input_000001.pt", "sdpa_input_000000.pt",
                           "_fav3_sage_input_000002.pt", "sdpa_metadata.pt",
                           "sdpa_input_.txt", "x_input_pt", "z.safetensors"})
    folder.write(name, "");
  auto tensor = HostTensor::zeros(DType::F32, {1, 1, 2, 2});
  for (const char *name : {"q.npy", "k.npy", "v.npy"})
    ASSERT_TRUE(writeNpy(folder.file(name), *tensor));
  auto all = listCapturedInputs(folder.path.string());
  ASSERT_TRUE(all) << all.error().text;
  std::vector<std::string> names;
  for (const std::string &path : *all)
    names.push_back(std::filesystem::path(path).filename());
  EXPECT_EQ(names, (std::vector<std::string>{
                       "_fav3_sage_input_000002.pt", "sdpa_input_000000.pt",
                       "sdpa_input_000001.pt", "z.safetensors", "q.npy"}));
  auto inputs = readCapturedInputs(folder.file("q.npy"));
  ASSERT_TRUE(inputs) << inputs.error().text;
  EXPECT_EQ(inputs->value.shape(), (Shape{1, 1, 2, 2}));
  std::filesystem::remove(folder.path / "v.npy");
  inputs = readCapturedInputs(folder.file("q.npy"));
  ASSERT_FALSE(inputs);
  EXPECT_NE(inputs.error().text.find("v.npy: No such file"), std::string::npos);
  EXPECT_FALSE(readCapturedInputs(folder.write("q.bin", "")));
}

TEST(CapturedSample, TheShippedFileIsRead) {
  auto all = listCapturedInputs(ATTN_SAMPLES);
  ASSERT_TRUE(all) << all.error().text;
  auto inputs = readCapturedInputs(all->front());
  ASSERT_TRUE(inputs) << inputs.error().text;
  EXPECT_EQ(inputs->query.shape(), (Shape{1, 12, 512, 32}));
  EXPECT_EQ(inputs->query.type(), DType::F16);
}
