// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzzes the .npy reader: the input is the header's dict, whose length field is
// always right, or a whole file. Invariant: no header makes the reader allocate
// or read past the file.

#include "runtime/tensor/NpyReader.h"

#include "test/fuzz/FuzzCheck.h"
#include "test/runtime/tensor/PtBuilder.h"

using namespace attn_jit::rt;
using namespace attn_jit::test;

namespace {
void check(const std::string &file) {
  auto result = readNpy(asBytes(file), "fuzz");
  if (!result) {
    checkError(result.error().text);
    ++counts.refused;
    return;
  }
  ++counts.accepted;
  touch(*result);
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  if (text.starts_with("\x93NUMPY"))
    check(text);
  else
    check(std::string("\x93NUMPY\x02\0", 8) + littleEndian(size, 4) + text +
          std::string(64, '\x3c'));
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  std::string header =
      "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 2, 2, 4), }   \n";
  sink("half", header);
  sink("fortran", "{'descr': '>f4', 'fortran_order': True, 'shape': (2, 4), }");
  sink("scalar", "{'descr': '|b1', 'fortran_order': False, 'shape': (), }");
  sink("bfloat16", "{'descr': '<V2', 'fortran_order': False, 'shape': (3,), }");
  sink("whole", std::string("\x93NUMPY\x01\0", 8) +
                    littleEndian(header.size(), 2) + header +
                    std::string(32, 'x'));
}
