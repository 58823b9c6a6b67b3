// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls that records and pins tell of: their problems, read back.
#include "runtime/Printable.h"
#include "tools/api/RecordExchange.h"
#include "tools/cache/CallList.h"

using namespace attn_jit;
using namespace attn_jit::cache;

/// At that end of the problem's sizes; nothing where the problem is of another
/// version. The batch is no part of a problem: its heads are.
static std::optional<ListedCall> callOf(const store::Key &key, tune::At end) {
  const auto problem = tune::readProblem(key);
  auto description =
      problem ? api::readLabelledText(problem->description) : std::nullopt;
  if (!description)
    return std::nullopt;
  const tune::Call call = problem->sizes.callAt(end);
  ListedCall listed;
  listed.name = "problem " + key.digest().hex().substr(0, 16);
  listed.description = std::move(*description);
  listed.options.alignment = problem->alignment;
  listed.options.typical = {call.batch, call.queryHeads,        call.queryLen,
                            call.kvLen, problem->deterministic, call.kvHeads};
  return listed;
}

api::RecordSources cache::recordsHere() {
  static api::RecordExchange own(store::findCacheRoot(), /*remotes=*/nullptr);
  api::RecordSources known = api::RecordSources::ofProcess(/*withStore=*/false);
  known.own = &own;
  return known;
}

rt::Result<std::vector<ListedCall>>
cache::callsOfRecords(const std::string &target,
                      const api::RecordSources &known) {
  std::map<store::Digest, store::Key> problems;
  if (known.own)
    ATTN_CHECK(known.own->each([&](const store::StoredRecord &each) {
      const std::string *own = each.record.device.find("target");
      if (each.voice == store::Voice::Own && own && *own == target)
        problems.try_emplace(each.record.problemDigest(), each.record.problem);
    }));
  std::vector<ListedCall> calls;
  for (const auto &[digest, problem] : problems)
    for (const tune::At end : {tune::At::Least, tune::At::Most})
      // Of exact sizes both ends are one; a later version's problem is asked
      // for by its programs.
      if (auto call = callOf(problem, end))
        calls.push_back(std::move(*call));
  return calls;
}

rt::Result<std::vector<ListedCall>> cache::callsOfPin(const std::string &file) {
  ATTN_TRY(const tune::Pin pin, tune::Pin::load(file));
  std::vector<ListedCall> calls;
  std::optional<rt::Error> fault;
  pin.each([&](const store::Key &problem, const std::string &schedule) {
    auto call = callOf(problem, tune::At::Least);
    if (call) {
      call->options.schedule = schedule;
      calls.push_back(std::move(*call));
    } else if (!fault) {
      fault = rt::badInput("pin: " + rt::inQuotes(file) +
                           " given, whose problem " + problem.digest().hex() +
                           " this version does not read; allowed: those of " +
                           "cache pin and tune --pin");
    }
  });
  if (fault)
    return *fault;
  return calls;
}
