// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors whose elements lie more than 4 GiB apart: offsets that 32 bits can
// not hold, in the batch, the head and the row direction. One buffer holds them
// all and little of it is touched.
#include "test/grid/Check.h"

#include <cmath>

using namespace attn_jit;
using namespace attn_jit::grid;

namespace {
constexpr int64_t kBatch = 2, kHeads = 2, kRows = 70, kDim = 64;
/// Elements; of 2 bytes, so that 2^31 of them are 4 GiB.
constexpr int64_t kFar = (int64_t(1) << 31) + 512;
/// Between tensors; what lies near takes less.
constexpr int64_t kApart = int64_t(1) << 20;

struct Strides {
  const char *name;
  int64_t batch, head, row;
};
constexpr Strides kStrides[] = {
    {"batch", kFar, kRows * kDim, kDim},
    {"head", kRows * kDim, kFar, kDim},
    {"row", 2 * kDim, kDim, (kFar / (kRows - 1) + 15) / 16 * 16 + 256}};

/// Calls `copy(bytes in the buffer, bytes in the tensor)` for each row.
template <typename Copy>
rt::Status eachRow(const Strides &strides, int64_t first, Copy copy) {
  for (int64_t b = 0; b < kBatch; ++b)
    for (int64_t h = 0; h < kHeads; ++h)
      for (int64_t r = 0; r < kRows; ++r)
        ATTN_CHECK(copy(2 * (first + b * strides.batch + h * strides.head +
                             r * strides.row),
                        2 * (((b * kHeads + h) * kRows + r) * kDim)));
  return rt::success();
}
} // namespace

rt::Result<std::vector<std::string>>
grid::checkFar(const api::Engine &engine, const std::string &target,
               const std::string &schedule) {
  rt::AttentionProblem problem;
  rt::HostTensor out;
  for (rt::HostTensor *tensor :
       {&problem.query, &problem.key, &problem.value, &out}) {
    ATTN_TRY(*tensor, rt::HostTensor::zeros(rt::DType::F16,
                                            {kBatch, kHeads, kRows, kDim}));
  }
  ATTN_CHECK(rt::fillInputs(problem.query, problem.key, problem.value, {}));
  problem.scale = 1 / std::sqrt(double(kDim));
  api::Description what;
  what.headDim = what.valueDim = kDim;
  what.element = api::Element::F16;
  api::KernelOptions options;
  options.target = target;
  options.schedule = schedule;
  ATTN_TRY(auto kernel, engine.kernel(what, options));
  ATTN_TRY(rt::ReferenceResult reference,
           rt::referenceForward(problem, rt::allRows(problem)));
  ATTN_TRY(rt::Buffer buffer,
           engine.device().allocate(2 * (kFar + kFar / 8 + 5 * kApart)));
  ATTN_TRY(rt::Stream stream, engine.device().createStream());

  std::vector<std::string> faults;
  for (const Strides &strides : kStrides) {
    rt::markUnwritten(out);
    rt::AttentionArguments arguments;
    arguments.batch = kBatch;
    arguments.qHeads = arguments.kvHeads = kHeads;
    arguments.qLen = arguments.kvLen = kRows;
    arguments.scale = problem.scale;
    // Where rows are far apart, the tensors lie in the gaps between them.
    const int64_t apart = strides.row > kApart ? 8192 : kApart;
    int64_t first = 0;
    auto place = [&](rt::HostTensor &tensor,
                     rt::TensorArgument &to) -> rt::Status {
      to = {buffer.address() + uint64_t(2 * first), strides.batch, strides.head,
            strides.row};
      const int64_t from = first;
      first += apart;
      return eachRow(strides, from, [&](int64_t far, int64_t near) {
        return buffer.copyFrom(tensor.data() + near, 2 * kDim, far);
      });
    };
    ATTN_CHECK(place(problem.query, arguments.q));
    ATTN_CHECK(place(problem.key, arguments.k));
    ATTN_CHECK(place(problem.value, arguments.v));
    ATTN_CHECK(place(out, arguments.o));
    ATTN_CHECK(kernel->launch(arguments, stream));
    ATTN_CHECK(stream.synchronize());
    ATTN_CHECK(eachRow(strides, first - apart, [&](int64_t far, int64_t near) {
      return buffer.copyTo(out.data() + near, 2 * kDim, far);
    }));
    ATTN_TRY(rt::Comparison compared, rt::compareOutput(out, reference));
    if (!compared.passes(1e-3))
      faults.push_back(std::string("far in the ") + strides.name +
                       " direction: " + rt::toText(compared));
  }
  return faults;
}
