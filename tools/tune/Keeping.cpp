// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/tune/Keeping.h"
#include "autotune/Choice.h"
#include "runtime/Printable.h"

#include <filesystem>

using namespace attn_jit;
using namespace attn_jit::tuning;
namespace fs = std::filesystem;

/// For remotes to say what others measured.
static constexpr std::chrono::seconds kHearing{1};
rt::Result<Keeping> tuning::keepingOf(const Options &options,
                                      const tune::SearchSubject &subject) {
  Keeping keeping;
  const std::string name = tune::digestOf(subject).hex().substr(0, 16);
  if (!options.recordsFile.empty()) {
    keeping.recordsIn = options.recordsFile;
    keeping.stateFile = options.recordsFile + "." + name + ".tuning";
    ATTN_TRY(keeping.file, tune::sinkInto(options.recordsFile));
    keeping.sink = keeping.file.get();
    return keeping;
  }
  const store::CacheRoot root = store::findCacheRoot();
  if (!root || root.readOnly)
    return rt::badInput(
        "records: nothing given, and there is no store to "
        "write to: " +
        (root ? rt::inQuotes(root.path) + " is read-only" : root.absent) +
        "; allowed: --records FILE");
  ATTN_TRY(keeping.exchange, api::RecordExchange::ofProcess());
  keeping.sink = keeping.exchange;
  keeping.recordsIn = root.path;
  std::error_code fault;
  fs::create_directories(root.path + "/v1/tuning", fault);
  if (fault)
    return rt::failed("tune: " + rt::inQuotes(root.path + "/v1/tuning") +
                      " cannot be made: " + fault.message());
  keeping.stateFile = root.path + "/v1/tuning/" + name;
  return keeping;
}

rt::Result<std::vector<std::string>>
tuning::heardOf(const tune::SearchSubject &subject) {
  ATTN_TRY(api::RecordExchange * exchange, api::RecordExchange::ofProcess());
  const store::Digest problem = subject.problem.digest();
  exchange->fetch(problem, std::chrono::steady_clock::now() + kHearing);
  ATTN_TRY(const auto records, exchange->ofProblem(problem));
  tune::ChoiceQuery query;
  query.device = subject.device;
  query.compiler = subject.compiler, query.driver = subject.driver;
  query.exact = records;
  query.legal = [](const std::string &) { return true; }; // the space verifies
  return tune::hints(query);
}
