// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every fuzz target checks of a result, and how it hands out its seeds.
// Invariant: a failed check aborts, so that libFuzzer and the plain driver both
// see it.

#ifndef ATTN_JIT_TEST_FUZZ_FUZZCHECK_H
#define ATTN_JIT_TEST_FUZZ_FUZZCHECK_H

#include "runtime/tensor/PtReader.h"
#include "runtime/tensor/Tensor.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

/// Valid inputs to start from, by name. Each target defines it.
using SeedSink =
    std::function<void(const std::string &name, const std::string &bytes)>;
void makeSeeds(const SeedSink &sink);

namespace attn_jit::test {

/// How the inputs ended. A target that refuses all of them, or none, tests
/// little, and its test must see that.
struct Counts {
  uint64_t accepted = 0, refused = 0;
};
inline Counts counts;

inline void require(bool holds, const char *what) {
  if (holds)
    return;
  std::fprintf(stderr, "fuzz check failed: %s\n", what);
  std::abort();
}

/// One line for a user, named after the file.
inline void checkError(const std::string &text) {
  require(text.starts_with("fuzz: "), "an error must name its file");
  require(text.find('\n') == text.npos, "an error must be one line");
}

/// Reads the elements whose addresses are extreme; a wrong bound faults here.
inline void touch(const rt::HostTensor &tensor) {
  if (tensor.numElements() == 0)
    return;
  int64_t last = 0;
  for (unsigned i = 0; i < tensor.rank(); ++i)
    last += (tensor.dim(i) - 1) * tensor.stride(i);
  volatile double sum = tensor.load(0) + tensor.load(last);
  (void)sum;
  require(tensor.spanBytes() <= int64_t(tensor.storage()->size()),
          "a tensor must fit its storage");
  if (tensor.numElements() <= 4096)
    require(bool(tensor.contiguous()), "a small tensor must be copied");
}

inline void touch(const rt::PtValue &value) {
  if (value.kind == rt::PtValue::Kind::Tensor)
    touch(value.tensor);
  for (const rt::PtRef &item : value.items)
    touch(*item);
  require(rt::toText(value).find('\n') == std::string::npos,
          "a value's text must be one line");
}

} // namespace attn_jit::test

#endif // ATTN_JIT_TEST_FUZZ_FUZZCHECK_H
