// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From flag texts to one case. Invariant: what is tuned can be checked against
// the double-precision reference.
#include "tools/tune/Options.h"
#include "tools/cli/Numbers.h"

using namespace attn_jit;
using namespace attn_jit::tuning;

/// Longer is no tuning: a week.
static constexpr double kMostSeconds = 604800;
static constexpr int64_t kMostSchedules = 1 << 20;
/// A percent: with less a tuning takes days.
static constexpr double kLeastShare = 0.01;

/// "90", "90s", "2m", "1.5h".
static rt::Result<double> parseBudget(const std::string &text) {
  const char unit = text.empty() ? 0 : text.back();
  const double factor = unit == 'h' ? 3600 : unit == 'm' ? 60 : 1;
  const bool named = unit == 'h' || unit == 'm' || unit == 's';
  auto number = cli::parseReal("budget", text.substr(0, text.size() - named),
                               0.1 / factor, kMostSeconds / factor);
  if (!number)
    return cli::refused("budget", text,
                        "seconds, as 90 or 90s, minutes, as 2m, or hours, as "
                        "1h, from 0.1s to 168h");
  return *number * factor;
}

static std::vector<std::string> flagsOf(const TuneText &text) {
  const cli::DescriptionText &d = text.description;
  const std::pair<const char *, const std::string &> values[] = {
      {"--batch", d.batch},
      {"--hq", d.queryHeads},
      {"--hk", d.kvHeads},
      {"--sq", d.queryLen},
      {"--sk", d.kvLen},
      {"--head-dim", d.headDim},
      {"--dv", d.valueDim},
      {"--dtype", d.dtype},
      {"--precision", d.precision},
      {"--layout", d.layout},
      {"--causal", d.causal},
      {"--causal-align", d.causalAlign},
      {"--softcap", d.softcap},
      {"--score", d.scoreFile},
      {"--mask", d.maskFile},
      {"--device", text.device},
      {"--seed", text.seed},
      {"--share", text.share}};
  std::vector<std::string> flags;
  for (const auto &[flag, value] : values)
    if (!value.empty())
      flags.push_back(std::string(flag) + "=" + value);
  if (d.lse)
    flags.push_back("--lse");
  if (d.deterministic)
    flags.push_back("--deterministic");
  if (text.keepCache)
    flags.push_back("--warm_cache");
  return flags;
}

/// Who compiles for others opens no device and records nothing; what he makes
/// is of use only with his signature.
static rt::Status checkCompileOnly(const TuneText &text) {
  if (text.join.empty() || text.keyFile.empty())
    return rt::badInput("compile_only: given without " +
                        std::string(text.join.empty() ? "join" : "key") +
                        "; allowed: --join URL --key FILE --compile-only");
  const std::pair<const char *, bool> others[] = {
      {"bucket", text.bucket},        {"device", !text.device.empty()},
      {"every", !text.every.empty()}, {"json", !text.jsonFile.empty()},
      {"pin", !text.pinFile.empty()}, {"records", !text.recordsFile.empty()}};
  for (const auto &[name, given] : others)
    if (given)
      return rt::badInput(std::string(name) +
                          ": given with --compile-only, which only compiles; "
                          "allowed: one of the two");
  return rt::success();
}

rt::Result<Options> tuning::checkOptions(const TuneText &text) {
  Options options;
  bench::BenchText bench;
  bench.description = text.description;
  bench.device = text.device;
  bench.seed = text.seed;
  bench.keepCache = text.keepCache;
  ATTN_TRY(options.attention, bench::checkOptions(bench));
  ATTN_TRY(std::vector<bench::Case> cases, bench::listCases(options.attention));
  if (cases.size() != 1)
    return rt::badInput("sizes: " + std::to_string(cases.size()) +
                        " problems given, allowed: one, without lists");
  options.what = std::move(cases.front());
  if (!options.what.unverifiable.empty())
    return rt::badInput("regions: given, but " + options.what.unverifiable +
                        "; allowed: what the reference can check");
  if (!text.budget.empty()) {
    ATTN_TRY(options.budgetSeconds, parseBudget(text.budget));
  }
  if (!text.schedules.empty()) {
    ATTN_TRY(const int64_t most,
             cli::parseInteger("schedules", text.schedules, 1, kMostSchedules));
    options.schedules = size_t(most);
  }
  if (text.compileOnly)
    ATTN_CHECK(checkCompileOnly(text));
  options.compileOnly = text.compileOnly;
  if (text.join.empty() && !text.keyFile.empty())
    return cli::refused("key", text.keyFile, "with --join");
  if (!text.join.empty()) {
    if (!text.every.empty())
      return rt::badInput("every: given with --join, which shares a search; "
                          "allowed: one of the two");
    // Whatever is wrong with them is said before anything is written.
    ATTN_TRY(const auto address, store::parseRedisUrl(text.join));
    ATTN_TRY(const auto seal, tune::JoinSeal::make(text.keyFile));
    (void)address, (void)seal;
    options.join.url = text.join;
    options.join.keyFile = text.keyFile;
  }
  if (!text.share.empty()) {
    // A join's budget is of devices' seconds, which say nothing of the wall's.
    if (!text.join.empty())
      return cli::refused("share", text.share, "nothing beside --join");
    ATTN_TRY(options.share,
             cli::parseReal("share", text.share, kLeastShare, 1));
  }
  if (!text.sample.empty()) {
    ATTN_TRY(const int64_t drawn,
             cli::parseInteger("sample", text.sample, 0, kMostSchedules));
    options.sample = size_t(drawn);
  }
  if (!text.every.empty()) {
    ATTN_TRY(const int64_t samples,
             cli::parseInteger("every", text.every, 1, 1000));
    options.every = int(samples);
  }
  options.recordsFile = text.recordsFile;
  options.jsonFile = text.jsonFile;
  options.bucket = text.bucket;
  options.pinFile = text.pinFile;
  if (options.every > 0 && (options.bucket || !text.pinFile.empty()))
    return rt::badInput("every: given beside bucket or pin, which choose; "
                        "allowed: one of them");
  // What is chosen for calls is what was measured on a flushed cache.
  if (!text.pinFile.empty() && text.keepCache)
    return rt::badInput("pin: given beside warm_cache, whose times decide for "
                        "no call; allowed: one of them");
  options.workerFlags = flagsOf(text);
  return options;
}
