// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The flags of bench and compile as lines `index value`: each text ends in
// checked values, all inside their ranges, or in one line of error.
#include "test/fuzz/FuzzCheck.h"
#include "tools/bench/Options.h"

#include <algorithm>

using namespace attn_jit;

static std::string *field(bench::BenchText &text, unsigned index) {
  cli::DescriptionText &d = text.description;
  std::string *const fields[] = {
      &d.batch,        &d.queryHeads, &d.kvHeads,   &d.queryLen,  &d.kvLen,
      &d.headDim,      &d.valueDim,   &d.dtype,     &d.layout,    &d.causal,
      &d.causalAlign,  &d.softcap,    &text.metric, &text.flops,  &text.input,
      &text.reference, &text.scale,   &text.seed,   &text.warmup, &text.rep,
      &text.timeout,   &text.schedule};
  return fields[index % std::size(fields)];
}

static void checkError(const rt::Error &error) {
  test::require(!error.text.empty(), "an error says something");
  for (const char c : error.text)
    test::require(c >= 0x20 && c < 0x7f,
                  "an error is one line without escape sequences");
}

static void checkRange(const std::vector<int64_t> &values, int64_t most) {
  for (const int64_t value : values)
    test::require(value >= 1 && value <= most, "a size lies in its range");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bench::BenchText text;
  std::string_view rest(reinterpret_cast<const char *>(data), size);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty())
      continue;
    std::string &value =
        *field(text, static_cast<unsigned char>(line[0]) - 'a');
    value = line.substr(1);
    // Lines part the fields here; a flag's value may hold them too.
    std::ranges::replace(value, '\v', '\n');
  }
  if (auto description = cli::describe(text.description); !description)
    checkError(description.error());
  else
    checkRange({description->headDim, description->valueDim}, 1024);
  auto options = bench::checkOptions(text);
  if (!options) {
    checkError(options.error());
    ++test::counts.refused;
    return 0;
  }
  ++test::counts.accepted;
  checkRange(options->sizes.headDim, 1024);
  checkRange(options->sizes.queryHeads, 65535);
  checkRange(options->sizes.queryLen, INT32_MAX);
  test::require(!options->scale || (*options->scale >= api::leastFactor &&
                                    *options->scale <= api::mostFactor),
                "a scale lies in single precision");
  const double softcap = options->traits.softcap;
  test::require(softcap == 0 ||
                    (softcap >= api::leastFactor && softcap <= api::mostFactor),
                "so does a softcap");
  test::require(options->warmupMs >= 0 && options->repMs >= 0 &&
                    options->warmupMs + options->repMs < 1e7,
                "times are not negative, and end");
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  sink("sizes", "a1\nb16\nc4\nd1024\ne2048\nf128\ng64\nhfp16\nibhsd\njtrue\n"
                "kbottom-right\nl30.5\n");
  sink("lists", "a1,2\nb8,16\nc2\nd1,17,129\nf64,128\nhfp16,bf16,fp32\n"
                "onormal,sink,maxstair\n");
  sink("rest", "mall\nndiffusion\nouniform\nptorch\nq0.125\nr20\ns25\nt100\n"
               "u1e2\nvflash_fwd_sync.v1<bm=64>\n");
  sink("strange", "hx\vy\nix\033[2J\nmall\v\nouniform,\177\npt\torch\n");
}
