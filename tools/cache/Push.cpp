// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit cache push: what was made and measured here, to remotes, now.
#include "runtime/Printable.h"
#include "runtime/store/files/StoredFile.h"
#include "runtime/store/records/RecordStore.h"
#include "tools/bench/Progress.h"
#include "tools/cache/Remotes.h"

#include <cstdio>
#include <ctime>
#include <map>

using namespace attn_jit;
using namespace attn_jit::cache;

namespace {
/// Objects are read one by one, when their turn comes.
struct Cargo {
  std::vector<store::Action> actions;
  std::map<store::Digest, std::vector<std::string>> records; ///< by problem
  int64_t lines = 0;
};
} // namespace

static bool usedSince(const std::string &file, int64_t since) {
  struct stat known;
  return lstat(file.c_str(), &known) == 0 &&
         store::lastUse(known, int64_t(time(nullptr))) >= since;
}

static rt::Result<Cargo> cargoOf(const store::LocalStore &local,
                                 const Filter &filter) {
  Cargo cargo;
  local.each([&](const store::Action &action, store::Place place,
                 const std::string &) {
    if (place == store::Place::Own && store::travels(action) &&
        filter.takes(action) &&
        (!filter.since ||
         usedSince(local.actionFile(action.key.digest(), place), filter.since)))
      cargo.actions.push_back(action);
  });
  if (!store::hasRecords(local.root()))
    return cargo;
  ATTN_TRY(const auto records, store::openRecords(local.root()));
  ATTN_CHECK(records->each([&](const store::StoredRecord &each) {
    if (each.voice != store::Voice::Own || !each.origin.empty() ||
        !filter.takes(each.record))
      return;
    cargo.records[each.record.problemDigest()].push_back(each.record.line());
    ++cargo.lines;
  }));
  return cargo;
}

static rt::Status pushTo(const store::RemoteOptions &options,
                         const store::LocalStore &local, const Cargo &cargo) {
  ATTN_TRY(Foreground remote, Foreground::open(options, local.root()));
  const std::string url = remote.stats().url;
  if (options.readOnly)
    return rt::unsupported("remote " + url +
                           ": it is read-only, by its property; allowed: one "
                           "that may be written");
  bench::Progress progress(cargo.actions.size() + cargo.records.size());
  int64_t written = 0, there = 0, unsignedOnes = 0, damaged = 0;
  for (const store::Action &action : cargo.actions) {
    progress.next();
    progress.say(url + ": kernels");
    auto object = local.object(action.object);
    if (!object) {
      ++damaged;
      continue;
    }
    unsignedOnes += action.signatures.empty();
    ATTN_TRY(const bool fresh, remote.push({action, std::move(*object)}));
    ++(fresh ? written : there);
  }
  std::string refused;
  for (const auto &[problem, lines] : cargo.records) {
    progress.next();
    progress.say(url + ": records");
    const rt::Status done = remote.push(problem, lines);
    if (!done && done.error().code != rt::ErrorCode::Unsupported)
      return done;
    if (!done) {
      refused = done.error().text;
      break;
    }
  }
  progress.clear();
  std::printf(
      "%s: %s written, %lld there; %s; %s sent\n", url.c_str(),
      countText(written, "kernel").c_str(), static_cast<long long>(there),
      refused.empty() ? countText(cargo.lines, "record").c_str() : "no records",
      sizeText(remote.stats().counts.bytesOut).c_str());
  if (unsignedOnes)
    std::printf(
        "unsigned: %s, which run on no other host: attn-jit cache sign\n",
        countText(unsignedOnes, "kernel").c_str());
  if (!refused.empty())
    std::printf("%s\n", rt::printable(refused, 500).c_str());
  if (damaged)
    return rt::failed("store: " + countText(damaged, "kernel") +
                      " not pushed, whose object is not whole here: attn-jit "
                      "cache verify");
  return rt::success();
}

static rt::Result<int> push(const std::string &url, const FilterText &which) {
  ATTN_TRY(const Filter filter, readFilter(which));
  ATTN_TRY(const auto remotes, remotesFor(url));
  ATTN_TRY(const store::CacheRoot root, rootToRead());
  const store::LocalStore local(root);
  ATTN_TRY(const Cargo cargo, cargoOf(local, filter));
  int status = 0;
  for (const store::RemoteOptions &each : remotes)
    if (const rt::Status done = pushTo(each, local, cargo); !done)
      status = std::max(status, cli::report(done.error()));
  return status;
}

void cache::addPush(CLI::App &cache, int &status) {
  CLI::App *command = cache.add_subcommand(
      "push", "Write kernels and records of this store to remotes");
  auto url = std::make_shared<std::string>();
  auto which = std::make_shared<FilterText>();
  addUrl(*command, *url);
  auto add = [&](const char *name, std::string &to, const char *help) {
    command->add_option(name, to, help)->group("Which")->type_name("");
  };
  add("--target", which->target, "T  of this chip alone");
  add("--age", which->age,
      "A  kernels used, and records measured, within it: 12h, 90d");
  addKeyPrefix(*command, *which);
  command->footer(
      "What was made and measured here goes; what came from elsewhere does "
      "not. Exit code: 0 all is there, 1 a remote failed or is full, 2 it "
      "cannot be written, or what was given cannot be.");
  command->callback([url, which, &status] {
    auto result = push(*url, *which);
    status = result ? *result : cli::report(result.error());
  });
}
