// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzzes the safetensors reader: the input is the JSON header, whose length
// field is always right, or a whole file. Invariant: no header makes the reader
// allocate or read past the file.

#include "runtime/tensor/SafetensorsReader.h"

#include "test/fuzz/FuzzCheck.h"
#include "test/runtime/tensor/PtBuilder.h"

using namespace attn_jit::rt;
using namespace attn_jit::test;

namespace {
void check(const std::string &file) {
  auto result = readSafetensors(asBytes(file), "fuzz");
  if (!result) {
    checkError(result.error().text);
    ++counts.refused;
    return;
  }
  ++counts.accepted;
  for (const auto &[name, tensor] : result->tensors)
    touch(tensor);
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  // A first byte that no header begins with asks for the file as it is.
  if (!text.empty() && text[0] == '!')
    check(text.substr(1));
  else
    check(littleEndian(size, 8) + text + std::string(64, '\x3c'));
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  std::string header =
      R"({"__metadata__":{"is_causal":"true"},"q":{"dtype":"F16","shape":[1,2,2,4],)"
      R"("data_offsets":[0,32]},"k":{"dtype":"BF16","shape":[2,4],"data_offsets":)"
      R"([32,48]},"v":{"dtype":"F32","shape":[4],"data_offsets":[48,64]}})";
  sink("three", header);
  sink("whole",
       "!" + littleEndian(header.size(), 8) + header + std::string(64, 'x'));
  std::string all = "{";
  int at = 0;
  for (auto [type, bytes] : {std::pair("F64", 8),
                             {"F32", 4},
                             {"I64", 8},
                             {"I32", 4},
                             {"I16", 2},
                             {"I8", 1},
                             {"U8", 1},
                             {"BOOL", 1}}) {
    all += (at ? ",\"" : "\"") + std::string(type) + R"(":{"dtype":")" + type +
           R"(","shape":[],"data_offsets":[)" + std::to_string(at) + "," +
           std::to_string(at + bytes) + "]}";
    at += bytes;
  }
  sink("types", all + "}");
}
