// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Torch files: what is read, and that every hostile one is refused by one line.
// Invariant: no case here needs a file on disk; the bytes come from PtBuilder.

#include "runtime/tensor/PtReader.h"

#include "test/runtime/tensor/PtBuilder.h"

#include <gtest/gtest.h>

using namespace attn_jit::rt;
using namespace attn_jit::test;
using Kind = PtValue::Kind;

namespace {

/// Sixteen f16 1.0, 2.0, ...
std::string halves() {
  std::string bytes;
  auto tensor = HostTensor::zeros(DType::F16, {16});
  for (int i = 0; i < 16; ++i)
    tensor->store(i, i + 1);
  return std::string(reinterpret_cast<const char *>(tensor->data()), 32);
}

Result<PtRef> readPickle(const Pickle &pickle) {
  std::string file = torchFile(pickle.bytes, {{"0", halves()}});
  return readPt(asBytes(file), "q.pt");
}

void expectRefused(const Pickle &pickle, const std::string &text) {
  auto result = readPickle(pickle);
  ASSERT_FALSE(result) << text;
  const std::string &error = result.error().text;
  EXPECT_NE(error.find(text), std::string::npos) << error;
  EXPECT_EQ(error.find("q.pt: "), 0u) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  EXPECT_EQ(result.error().exitCode(), 2);
}

} // namespace

TEST(PtReader, StridedAndSharedStorages) {
  Pickle pickle;
  pickle.raw("}(").text("a").tensor("HalfStorage", "0", 16, 0, {2, 8}, {8, 1});
  pickle.text("b").tensor("HalfStorage", "0", 16, 2, {3, 2}, {1, 4});
  pickle.text("scale").raw("G").raw(std::string("\x3f\xc0\0\0\0\0\0\0", 8));
  pickle.raw("u.");
  auto root = readPickle(pickle);
  ASSERT_TRUE(root) << root.error().text;
  const PtValue *a = (*root)->find("a"), *b = (*root)->find("b");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->tensor.storage(), b->tensor.storage());
  EXPECT_EQ(a->tensor.type(), DType::F16);
  EXPECT_EQ(a->tensor.load(9), 10);
  EXPECT_EQ(b->tensor.load(1 * 1 + 1 * 4), 8);
  EXPECT_EQ((*root)->find("scale")->number, 0.125);
  EXPECT_EQ((*root)->find("c"), nullptr);
}

TEST(PtReader, BuildsEveryKindOfData) {
  Pickle pickle;
  pickle.raw("(").raw("N\x88\x89").integer(-5).integer(int64_t(1) << 40);
  pickle.raw("C\x02zz").raw("](").integer(1).integer(2).raw("e");
  pickle.raw("\x8f(").integer(7).raw("\x90");
  pickle.global("torch", "bfloat16");
  pickle.global("torch", "Size").integers({3, 4}).raw("\x85R");
  pickle.global("collections", "OrderedDict").raw(")R(").text("k").integer(9);
  pickle.raw("ut.");
  auto root = readPickle(pickle);
  ASSERT_TRUE(root) << root.error().text;
  EXPECT_EQ(toText(**root),
            "(None, True, False, -5, 1099511627776, 'zz', [1, 2], {7}, bf16, "
            "(3, 4), {'k': 9})");
  EXPECT_EQ(toText(**root, 10), "(None, Tru...");
}

TEST(PtReader, ReadsProtocol4) {
  Pickle pickle;
  pickle.bytes = std::string("\x80\x04\x95\x20\0\0\0\0\0\0\0", 11);
  pickle.raw("}\x94(").raw("\x8c\x01q\x94").integer(3);
  pickle.raw("\x8c\x01r\x94")
      .raw("\x8c\x05torch\x8c\x07"
           "float16\x93");
  pickle.raw("\x8c\x01s").raw("h").raw(std::string(1, '\x01')).raw("u.");
  auto root = readPickle(pickle);
  ASSERT_TRUE(root) << root.error().text;
  EXPECT_EQ(toText(**root), "{'q': 3, 'r': f16, 's': 'q'}");
}

TEST(PtReader, ReadsProtocol0) {
  Pickle pickle;
  pickle.bytes =
      "(dp0\nS'a'\np1\nI7\nsS'b'\nI01\nsS'c'\n(lp2\nF0.5\naL12L\nag1\nas.";
  auto root = readPickle(pickle);
  ASSERT_TRUE(root) << root.error().text;
  EXPECT_EQ(toText(**root), "{'a': 7, 'b': True, 'c': [0.5, 12, 'a']}");
}

TEST(PtReader, BigEndianFilesAreSwapped) {
  std::string bytes = halves();
  for (size_t i = 0; i < bytes.size(); i += 2)
    std::swap(bytes[i], bytes[i + 1]);
  Pickle pickle;
  pickle.tensor("HalfStorage", "0", 16, 0, {16}, {1}).raw(".");
  std::string file = torchFile(pickle.bytes, {{"0", bytes}}, "big");
  auto root = readPt(asBytes(file), "q.pt");
  ASSERT_TRUE(root) << root.error().text;
  EXPECT_EQ((*root)->tensor.load(15), 16);
  // A file of the time before the record existed is little-endian.
  file = torchFile(pickle.bytes, {{"0", halves()}}, "");
  root = readPt(asBytes(file), "q.pt");
  ASSERT_TRUE(root) << root.error().text;
  EXPECT_EQ((*root)->tensor.load(15), 16);
  file = torchFile(pickle.bytes, {{"0", halves()}}, "middle");
  root = readPt(asBytes(file), "q.pt");
  ASSERT_FALSE(root);
  EXPECT_NE(root.error().text.find("byteorder"), std::string::npos);
}

TEST(PtReaderHostile, GlobalsAreRefusedByName) {
  Pickle call;
  call.global("posix", "system").raw("(").text("touch /tmp/x").raw("tR.");
  expectRefused(call, "refused global 'posix.system'");
  Pickle stackGlobal;
  stackGlobal.raw("\x8c\x02os\x8c\x06system\x93.");
  expectRefused(stackGlobal, "refused global 'os.system'");
  Pickle instance;
  instance.bytes = "(S'ls'\nios\nsystem\n.";
  expectRefused(instance, "refused global 'os.system'");
  Pickle dotted;
  dotted.raw("\x8c\x08"
             "builtins\x8c\x04"
             "eval\x93.");
  expectRefused(dotted, "refused global 'builtins.eval'");
  // A newline in a name must not make a second line of the error.
  Pickle newline;
  newline.raw("\x8c\x02o\n\x8c\x07sys\ntem\x93.");
  expectRefused(newline, "refused global 'o?.sys?te");
}

TEST(PtReaderHostile, ObjectsOfClassesAreRefused) {
  for (std::string_view code : {"\x81", "b", "o", "P", "\x92", "\x82\x01"}) {
    Pickle pickle;
    pickle.global("collections", "OrderedDict").raw(")").raw(code).raw(".");
    expectRefused(pickle, "is refused: it makes no plain data");
  }
}

TEST(PtReaderHostile, TensorsOutsideTheirStorage) {
  const std::string past = "reach past the storage of 32 bytes";
  auto tensor = [](int64_t count, int64_t offset,
                   const std::vector<int64_t> &shape,
                   const std::vector<int64_t> &strides) {
    Pickle pickle;
    pickle.tensor("HalfStorage", "0", count, offset, shape, strides).raw(".");
    return pickle;
  };
  expectRefused(tensor(16, 1, {16}, {1}), past);
  expectRefused(tensor(16, 0, {17}, {1}), past);
  expectRefused(tensor(16, 0, {2, 2}, {INT64_MAX, 1}), past);
  expectRefused(tensor(16, INT64_MAX, {2}, {1}), past);
  expectRefused(tensor(16, 0, {INT64_MAX, INT64_MAX}, {1, 1}), "too large");
  expectRefused(tensor(16, 15, {4}, {-1}), "none may be negative");
  expectRefused(tensor(16, -1, {4}, {1}), "offset -1 is negative");
  expectRefused(tensor(17, 0, {4}, {1}), "claims 17 elements of f16");
  expectRefused(tensor(INT64_MAX, 0, {4}, {1}), "its record has 32 bytes");
  expectRefused(tensor(-1, 0, {4}, {1}), "claims -1 elements");
}

TEST(PtReaderHostile, MissingStorage) {
  Pickle pickle;
  pickle.tensor("HalfStorage", "1", 16, 0, {4}, {1}).raw(".");
  expectRefused(pickle, "record 'file/data/1' is missing");
  Pickle climbing;
  climbing.tensor("HalfStorage", "../../etc/passwd", 1, 0, {1}, {1}).raw(".");
  expectRefused(climbing, "is missing");
}

TEST(PtReaderHostile, MalformedCalls) {
  Pickle storageAlone;
  storageAlone.storage("HalfStorage", "0", 16).raw(".");
  expectRefused(storageAlone, "result is not plain data");
  Pickle functionInList;
  functionInList.raw("]").global("torch", "Size").raw("a.");
  expectRefused(functionInList, "a function or storage stands where data");
  Pickle notFunction;
  notFunction.integer(1).raw(")R.");
  expectRefused(notFunction, "calls something that is no function");
  Pickle fewArguments;
  fewArguments.global("torch._utils", "_rebuild_tensor_v2").raw(")R.");
  expectRefused(fewArguments, "has 0 arguments");
  Pickle notTuple;
  notTuple.global("torch", "Size").integer(1).raw("R.");
  expectRefused(notTuple, "no tuple");
  Pickle size;
  size.global("torch", "Size").text("x").raw("\x85R.");
  expectRefused(size, "torch.Size is called with something");
  Pickle ordered;
  ordered.global("collections", "OrderedDict").integer(1).raw("\x85R.");
  expectRefused(ordered, "OrderedDict is called with arguments");
  Pickle persistent;
  persistent.integers({1, 2}).raw("Q.");
  expectRefused(persistent, "a persistent id is not");
  Pickle tensor;
  tensor.global("torch._utils", "_rebuild_tensor_v2")
      .integers({1, 2, 3, 4, 5, 6});
  tensor.raw("R.");
  expectRefused(tensor, "is not called with (storage");
}

TEST(PtReaderHostile, StackAndMemo) {
  const std::pair<const char *, const char *> cases[] = {
      {"t.", "has no mark"},
      {"0.", "takes from an empty stack"},
      {"a.", "takes from an empty stack"},
      {"R.", "takes from an empty stack"},
      {"(K\x01K\x02.", "ends with 2 values"},
      {".", "ends with 0 values"},
      {"h\x05.", "recalls slot 5"},
      {"gx\n.", "malformed memo slot"},
      {"K\x01K\x02"
       "a.",
       "adds to something of another kind"},
      {"}(K\x01u.", "a key without a value"},
      {"}(]K\x01u.", "a dict key or set item is a container"},
      {"\x80\x09.", "pickle protocol 9 is unknown"},
      {"S'a\\x41'\n.", "escapes in a protocol 0 string"},
      {"S'a\n.", "malformed string"},
      {"I12x\n.", "malformed or wider"},
      {"F1.5x\n.", "malformed float"},
      {"\x8a\x09"
       "123456789.",
       "an integer of 9 bytes"},
      {"K\x01K\x02\x93.", "names a global by something that is no string"},
      {"X\xff\xff\xff\xff", "truncated"},
      {"\x8e\xff\xff\xff\xff\xff\xff\xff\xff", "truncated"},
      {"cposix", "truncated"},
      {"", "truncated"},
  };
  for (const auto &[code, text] : cases) {
    Pickle pickle;
    pickle.raw(code);
    expectRefused(pickle, text);
  }
}

TEST(PtReaderHostile, CyclesDepthAndBlowUp) {
  const std::string one(1, '\0');
  Pickle self; // a list that holds itself
  self.raw("]q").raw(one).raw("h").raw(one).raw("a.");
  expectRefused(self, "cyclic");
  Pickle mutual; // a = [b]; b = [a]
  mutual.raw("]q").raw(one).raw("]q\x01").raw("h").raw(one).raw("a0");
  mutual.raw("h").raw(one).raw("h\x01"
                               "a.");
  expectRefused(mutual, "cyclic");
  Pickle deep;
  deep.raw(std::string(5000, ']')).raw(std::string(4999, 'a')).raw(".");
  expectRefused(deep, "nest deeper than 64");
  Pickle laughs; // each tuple holds the last one three times
  laughs.integer(1);
  for (int i = 0; i < 40; ++i)
    laughs.raw("22\x87");
  laughs.raw(".");
  expectRefused(laughs, "when written out");
  Pickle many;
  many.raw("(").raw(std::string(1'100'000, ')')).raw("t.");
  expectRefused(many, "more than 1048576 values");
  Pickle dup;
  dup.raw("N").raw(std::string(1'100'000, '2')).raw(".");
  expectRefused(dup, "stack is too deep");
}

namespace {
void expectFileRefused(const std::string &file, const std::string &text) {
  auto result = readPt(asBytes(file), "q.pt");
  ASSERT_FALSE(result) << text;
  EXPECT_NE(result.error().text.find(text), std::string::npos)
      << result.error().text;
  EXPECT_EQ(result.error().text.find("q.pt: "), 0u) << result.error().text;
}
std::string tensorPickle(int64_t count = 16) {
  Pickle pickle;
  pickle.tensor("HalfStorage", "0", count, 0, {4}, {1}).raw(".");
  return pickle.bytes;
}
} // namespace

TEST(PtReaderHostile, Containers) {
  expectFileRefused("", "not a torch zip file");
  expectFileRefused("hello, world", "not a torch zip file");
  expectFileRefused("\x80\x02\x8a\x0al\xfc", "old, non-zip kind");
  std::string good = torchFile(tensorPickle(), {{"0", halves()}});
  ASSERT_TRUE(readPt(asBytes(good), "q.pt"));
  for (size_t length = 4; length < good.size(); length += 7) {
    std::string cut = good.substr(0, length);
    EXPECT_FALSE(readPt(asBytes(cut), "q.pt")) << length;
  }
  expectFileRefused(good.substr(0, good.size() - 1), "truncated");
  expectFileRefused(zip({{"file/version", "3\n"}}), "no data.pkl record");
  expectFileRefused(zip({{"a/data.pkl", "N."}, {"b/data.pkl", "N."}}),
                    "two data.pkl records");
  expectFileRefused(zip({{"a/data.pkl", "N."}, {"a/data.pkl", "N."}}),
                    "two zip records have one name");
  expectFileRefused(zip({{"a/data.pkl", "N.", 8}}), "is compressed");
  expectFileRefused(zip({{"a/data.pkl", "N.", 0, -1, 12345}}),
                    "its checksum differs");
  expectFileRefused(zip({{"a/data.pkl", "N.", 0, 100'000'000}}),
                    "data.pkl is larger than 16777216 bytes");
  expectFileRefused(zip({{"a/data.pkl", "N.", 0, -1, -1, 4}}),
                    "has a damaged header");
}

TEST(PtReaderHostile, FilesThatSayTwoThings) {
  expectFileRefused(zip({{"a/data.pkl", "N."}, {"b/data.pkl", "N."}}),
                    "two data.pkl records");
  expectFileRefused(zip({{"data.pkl", "N."}, {"a/b/data.pkl", "N."}}),
                    "no data.pkl record");
  expectFileRefused(torchFile("N.", {}, "middle"),
                    "the byteorder record is neither 'little' nor 'big'");
  // Swapped for one size of elements, they would be wrong for the other.
  Pickle pickle;
  pickle.raw("(").tensor("HalfStorage", "0", 16, 0, {16}, {1});
  pickle.tensor("FloatStorage", "0", 8, 0, {8}, {1}).raw("t.");
  expectFileRefused(torchFile(pickle.bytes, {{"0", halves()}}, "big"),
                    "a big-endian storage is used with two element sizes");
}

TEST(PtReaderHostile, EncryptedAndDamagedRecords) {
  std::string file = zip({{"a/data.pkl", "N."}});
  ASSERT_TRUE(readPt(asBytes(file), "q.pt"));
  file[file.find("PK\x01\x02") + 8] |= 1;
  expectFileRefused(file, "record 'a/data.pkl' is encrypted");
  // Sizes of 64 bits: the extra field ends before they do.
  file = zip({{"a/data.pkl", "N.", 0, int64_t(1) << 40}});
  const size_t extra = file.find("PK\x01\x02") + 46 + 10;
  for (const auto &[size, why] : {std::pair(8, "shorter than two sizes"),
                                  std::pair(17, "beyond the record")}) {
    file[extra + 2] = char(size);
    SCOPED_TRACE(why);
    expectFileRefused(file, "the zip64 sizes of record 0 are damaged");
  }
  // The locator of a 64-bit directory that leads to no such record.
  file = zip({{"a/data.pkl", "N."}});
  const std::string end = file.substr(file.find("PK\x05\x06"));
  const std::string head = file.substr(0, file.size() - end.size());
  auto located = [&](uint64_t at) {
    return head + "PK\x06\x07" + littleEndian(0, 4) + littleEndian(at, 8) +
           littleEndian(1, 4) + end;
  };
  expectFileRefused(located(0), "the zip64 directory record is damaged");
  expectFileRefused(located(1 << 20), "truncated");
}

TEST(PtReaderHostile, RecordsThatClaimTooMuch) {
  auto file = [](int64_t size) {
    return zip(
        {{"a/data.pkl", tensorPickle()}, {"a/data/0", halves(), 0, size}});
  };
  expectFileRefused(file(5000), "reaches past the end of the data");
  expectFileRefused(file(int64_t(1) << 40), "reaches past the end of the data");
  expectFileRefused(file(INT64_MAX), "reaches past the end of the data");
  // Records that share one stretch of the file would be a bomb.
  Pickle pickle;
  pickle.raw("(");
  std::vector<ZipRecord> records = {{"a/data.pkl", ""},
                                    {"a/data/x", std::string(4096, 'x')}};
  for (int i = 0; i < 100; ++i) {
    std::string key = std::to_string(i);
    pickle.tensor("ByteStorage", key, 4096, 0, {4096}, {1});
    records.push_back({"a/data/" + key, "", 0, 4096, -1, 0});
  }
  pickle.raw("t.");
  records[0].bytes = pickle.bytes;
  std::string once = zip(records);
  uint64_t shared = once.find("a/data/x") - 30;
  uint32_t crc =
      crc32(0, reinterpret_cast<const Bytef *>(records[1].bytes.data()), 4096);
  for (size_t i = 2; i < records.size(); ++i) {
    records[i].claimedOffset = int64_t(shared);
    records[i].claimedCrc = crc;
  }
  expectFileRefused(zip(records), "overlaps another record");
}
