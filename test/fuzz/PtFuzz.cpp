// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzzes the torch reader: the input is data.pkl, inside a zip that is always
// intact. Invariant: whatever the pickle says, the read ends in a value or in
// one line of error.

#include "runtime/tensor/PtReader.h"

#include "test/fuzz/FuzzCheck.h"
#include "test/runtime/tensor/PtBuilder.h"

using namespace attn_jit::rt;
using namespace attn_jit::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string storage(256, '\x3c');
  std::string file =
      torchFile(std::string(reinterpret_cast<const char *>(data), size),
                {{"0", storage}, {"1", storage.substr(0, 64)}});
  auto root = readPt(asBytes(file), "fuzz");
  if (!root) {
    checkError(root.error().text);
    ++counts.refused;
    return 0;
  }
  ++counts.accepted;
  touch(**root);
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  auto captured = [](const char *type, int64_t offset,
                     const std::vector<int64_t> &strides) {
    Pickle pickle;
    pickle.raw("}q").raw(std::string(1, '\0')).raw("(");
    for (const char *key : {"q", "k", "v"})
      pickle.text(key).tensor(type, key[0] == 'v' ? "1" : "0", 16, offset,
                              {1, 2, 2, 4}, strides);
    pickle.text("q_shape")
        .raw("](")
        .integer(1)
        .integer(2)
        .integer(2)
        .integer(4)
        .raw("e");
    pickle.text("dtype").text("torch.float16").text("call_idx").integer(3);
    pickle.text("kwargs").raw("}q\x01(").text("is_causal").raw("\x88");
    pickle.text("softmax_scale")
        .raw("G?")
        .raw(std::string("\xb6\0\0\0\0\0\0", 7));
    return pickle.raw("uu.").bytes;
  };
  sink("half", captured("HalfStorage", 0, {16, 8, 4, 1}));
  sink("strided", captured("BFloat16Storage", 0, {16, 4, 8, 1}));
  sink("float", captured("FloatStorage", 0, {16, 8, 4, 1}));
  Pickle data;
  data.raw("(N\x88\x89").integer(-5).integer(int64_t(1) << 40).raw("C\x02zz](");
  data.integer(1).integer(2).raw("e\x8f(").integer(7).raw("\x90");
  data.global("torch", "bfloat16").global("torch", "Size").integers({3, 4});
  data.raw("\x85R").global("collections", "OrderedDict").raw(")R(").text("k");
  data.integer(9).raw("ut.");
  sink("kinds", data.bytes);
  Pickle four;
  four.bytes = std::string("\x80\x04\x95\x20\0\0\0\0\0\0\0", 11);
  four.raw("}\x94(\x8c\x01q\x94").integer(3).raw("\x8c\x01r\x94\x8c\x05torch");
  four.raw("\x8c\x07"
           "float16\x93\x8c\x01sh\x01u.");
  sink("protocol4", four.bytes);
  sink("protocol0",
       "(dp0\nS'a'\np1\nI7\nsS'b'\nI01\nsS'c'\n(lp2\nF0.5\naL12L\nag1\nas.");
  Pickle hostile;
  hostile.global("posix", "system").raw("(").text("true").raw("tR.");
  sink("system", hostile.bytes);
}
