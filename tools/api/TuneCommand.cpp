// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/TuneCommand.h"
#include "tools/api/LibraryFolder.h"

#include <charconv>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::api;
namespace fs = std::filesystem;

std::string api::commandBesideLibrary() {
  const fs::path library = libraryFolder();
  if (library.empty())
    return {};
  std::error_code fault;
  for (const char *place : {"../bin", ATTN_JIT_INSTALLED_COMMANDS}) {
    const fs::path program = (library / place / "attn-jit").lexically_normal();
    if (access(program.c_str(), X_OK) == 0 &&
        fs::is_regular_file(program, fault))
      return program.string();
  }
  return {};
}

std::string api::numberText(double number) {
  char text[40];
  return {text, std::to_chars(text, std::end(text), number).ptr};
}

std::optional<std::vector<std::string>>
api::tuneFlags(const TunedCall &what, const rt::DeviceInfo &device) {
  const Description &d = what.description;
  const TypicalCall &call = what.call;
  if (!d.score.empty() || !d.mask.empty() || !d.module.empty() ||
      what.wanted.alignment != denseAlignment(d))
    return std::nullopt;
  std::vector<std::string> flags = {"tune", "--device=" + device.selector()};
  auto add = [&](const char *flag, const std::string &value) {
    flags.push_back(std::string(flag) + "=" + value);
  };
  const std::pair<const char *, int64_t> numbers[] = {
      {"--batch", call.batch},     {"--hq", call.queryHeads},
      {"--hk", call.kvHeads},      {"--sq", call.queryLen},
      {"--sk", call.kvLen},        {"--head-dim", d.headDim},
      {"--dv", d.valueDimOrHead()}};
  for (const auto &[flag, number] : numbers)
    add(flag, std::to_string(number));
  add("--dtype", std::string(name(d.element)));
  add("--precision", std::string(name(d.precision)));
  add("--causal", d.causal ? "yes" : "no");
  add("--causal-align", std::string(name(d.align)));
  if (d.softcap != 0)
    add("--softcap", numberText(d.softcap));
  if (d.lse)
    flags.emplace_back("--lse");
  if (call.batchInvariant)
    flags.emplace_back("--deterministic");
  if (what.bucket)
    flags.emplace_back("--bucket");
  return flags;
}
