// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit cache pull: what remotes have and this store lacks. All of it is
// foreign: kernels are kept if a listed key signed them, and verified again at
// each load; records count as one's own by a listed key's signature.
#include "runtime/Printable.h"
#include "runtime/store/trust/RecordTrust.h"
#include "tools/bench/Progress.h"
#include "tools/cache/CallList.h"
#include "tools/cache/Remotes.h"

#include <cstdio>
#include <set>

using namespace attn_jit;
using namespace attn_jit::cache;

/// As one that cannot be written: to look is no use of an entry.
static store::CacheRoot lookedAt(store::CacheRoot root) {
  root.readOnly = true;
  return root;
}

namespace {
/// What is asked for; without a list all that a remote tells of.
struct Wanted {
  bool list = false;
  /// By the records that are here when it is asked.
  std::function<rt::Result<std::vector<WantedKernel>>()> kernels;
  std::set<store::Digest> problems;
};

class Pull {
public:
  Pull(store::LocalStore &local, store::RecordStore &records,
       const store::TrustedKeys &keys, const Filter &filter)
      : local(local), outside(lookedAt(local.root())), records(records),
        keys(keys), filter(filter) {}

  rt::Status from(const store::RemoteOptions &options, const Wanted &wanted);
  /// Of what is here and may run.
  std::optional<store::Action> have(const store::Digest &key) const;

private:
  rt::Status pullKernels(Foreground &remote,
                         const std::vector<store::Digest> &wanted);
  rt::Status pullRecords(Foreground &remote,
                         const std::vector<store::Digest> &problems);
  void leaveOut(const std::string &why) {
    ++leftOut;
    if (whyLeftOut.empty())
      whyLeftOut = why;
  }

  store::LocalStore &local;
  const store::LocalStore outside;
  store::RecordStore &records;
  const store::TrustedKeys &keys;
  const Filter &filter;
  int64_t pulled = 0, here = 0, absent = 0, leftOut = 0, lines = 0, fresh = 0;
  std::string whyLeftOut, url;
};
} // namespace

std::optional<store::Action> Pull::have(const store::Digest &key) const {
  store::Lookup found = outside.find(key);
  if (!found.entry ||
      (found.place == store::Place::Foreign &&
       !store::verifyEntry(keys, found.entry->action.key, *found.entry)))
    return std::nullopt;
  return std::move(found.entry->action);
}

rt::Status Pull::pullKernels(Foreground &remote,
                             const std::vector<store::Digest> &wanted) {
  bench::Progress progress(wanted.size());
  for (const store::Digest &key : wanted) {
    progress.next();
    progress.say(url + ": kernels");
    if (!key.hex().starts_with(filter.keyPrefix))
      continue;
    if (const auto own = have(key)) {
      here += filter.takes(*own);
      continue;
    }
    // Rather one request more than the objects of other chips.
    if (!filter.target.empty()) {
      ATTN_TRY(const auto action, remote.action(key));
      if (action && !filter.takes(*action))
        continue;
    }
    const store::RemoteCounts before = remote.stats().counts;
    ATTN_TRY(const auto found, remote.pull(key));
    if (!found && remote.stats().counts.corrupt > before.corrupt) {
      leaveOut("it is not what its key says");
      continue;
    }
    if (!found) {
      ++absent;
      continue;
    }
    const store::Entry &entry = found->entry;
    if (!store::travels(entry.action)) {
      leaveOut("it is machine code of one host's driver");
      continue;
    }
    if (const auto signer = store::verifyEntry(keys, entry.action.key, entry);
        !signer) {
      leaveOut(signer.error().text);
      continue;
    }
    ATTN_CHECK(local.publish(entry.action, entry.object, store::Place::Foreign,
                             found->origin));
    ++pulled;
  }
  return rt::success();
}

rt::Status Pull::pullRecords(Foreground &remote,
                             const std::vector<store::Digest> &problems) {
  bench::Progress progress(problems.size());
  for (const store::Digest &problem : problems) {
    progress.next();
    progress.say(url + ": records");
    ATTN_TRY(const auto found, remote.pullRecords(problem));
    store::ReadRecords read = store::readRecords(found, keys, url);
    std::vector<store::StoredRecord> &some = read.records;
    std::erase_if(some, [&](const store::StoredRecord &each) {
      return each.record.problemDigest() != problem ||
             !filter.takes(each.record);
    });
    lines += int64_t(some.size());
    ATTN_TRY(const int64_t added, records.add(some));
    fresh += added;
  }
  return rt::success();
}

rt::Status Pull::from(const store::RemoteOptions &options,
                      const Wanted &wanted) {
  pulled = here = absent = leftOut = lines = fresh = 0;
  whyLeftOut.clear();
  ATTN_TRY(Foreground remote, Foreground::open(options, local.root()));
  url = remote.stats().url;
  // First, since they choose which kernels the calls will ask for.
  std::string refused;
  if (filter.keyPrefix.empty()) {
    auto problems = wanted.list
                        ? rt::Result<std::vector<store::Digest>>(
                              {wanted.problems.begin(), wanted.problems.end()})
                        : remote.problems();
    const rt::Status done = problems ? pullRecords(remote, *problems)
                                     : rt::Status(problems.error());
    if (!done && done.error().code != rt::ErrorCode::Unsupported)
      return done;
    if (!done)
      refused = done.error().text;
  }
  // Without a listed key nothing that comes could run.
  const bool kernels = !keys.keys().empty();
  if (kernels) {
    std::vector<store::Digest> some;
    if (wanted.list) {
      ATTN_TRY(const auto list, wanted.kernels());
      for (const WantedKernel &each : list)
        some.push_back(each.key.digest());
    } else {
      ATTN_TRY(some, remote.keys());
    }
    ATTN_CHECK(pullKernels(remote, some));
  }
  std::printf("%s: %s pulled, %lld here, %lld not there; %s, %lld of them new; "
              "%s received\n",
              url.c_str(), countText(pulled, "kernel").c_str(),
              static_cast<long long>(here), static_cast<long long>(absent),
              countText(lines, "record").c_str(), static_cast<long long>(fresh),
              sizeText(remote.stats().counts.bytesIn).c_str());
  if (!kernels)
    std::printf("no kernels: no key is listed whose kernels may run here: "
                "attn-jit cache trust\n");
  if (leftOut)
    std::printf("left out: %s, of the first: %s\n",
                countText(leftOut, "kernel").c_str(),
                rt::printable(whyLeftOut, 300).c_str());
  if (!refused.empty())
    std::printf("%s\n", rt::printable(refused, 500).c_str());
  return rt::success();
}

static rt::Result<int> pull(const std::string &url, const CallText &text,
                            FilterText which) {
  which.target = text.bench.target;
  ATTN_TRY(const Filter filter, readFilter(which));
  ATTN_TRY(const auto remotes, remotesFor(url));
  ATTN_TRY(const store::CacheRoot root, rootToWrite());
  ATTN_TRY(const store::TrustedKeys keys, store::TrustedKeys::load());
  Wanted wanted;
  wanted.list = text.describes() || !text.from.empty() ||
                !text.pinFile.empty() || text.records;
  if (wanted.list) {
    ATTN_TRY(const Place place, placeOf(text));
    ATTN_TRY(const auto calls, listCalls(text, place.target, recordsHere()));
    wanted.kernels = [&text, place, calls] {
      return wantedKernels(text, place, calls, recordsHere());
    };
    // What cannot be is said before a remote is asked.
    ATTN_TRY(const auto first, wanted.kernels());
    (void)first;
    // Of the calls' own sizes, and of both ends of their buckets.
    for (const ListedCall &call : calls)
      for (const tune::At at :
           {tune::At::Exact, tune::At::Least, tune::At::Most})
        wanted.problems.insert(tune::problemKey(problemOf(call, at)).digest());
  }
  store::LocalStore local(root);
  ATTN_TRY(const auto records, store::openRecords(root));
  Pull all(local, *records, keys, filter);
  int status = 0;
  for (const store::RemoteOptions &each : remotes)
    if (const rt::Status done = all.from(each, wanted); !done)
      status = std::max(status, cli::report(done.error()));
  local.pruneIfDue({});
  size_t lacking = 0;
  if (wanted.list) {
    ATTN_TRY(const auto list, wanted.kernels());
    for (const WantedKernel &each : list)
      lacking += !all.have(each.key.digest());
  }
  if (lacking) {
    std::printf("lacking: %s of the list's\n",
                countText(int64_t(lacking), "kernel").c_str());
    status = std::max(status, 1);
  }
  return status;
}

void cache::addPull(CLI::App &cache, int &status) {
  CLI::App *command = cache.add_subcommand(
      "pull", "Take kernels and records from remotes into this store");
  auto url = std::make_shared<std::string>();
  auto text = std::make_shared<CallText>();
  auto which = std::make_shared<FilterText>();
  addUrl(*command, *url);
  addCallFlags(*command, *text);
  addKernelFlags(*command, *text);
  addKeyPrefix(*command, *which);
  command->footer(
      "With calls: the kernels that cache warm would make and their records. "
      "Without: all that a remote lists. Kernels are taken if a listed key "
      "signed them (cache trust).\n"
      "Exit code: 0 all of the list is here, 1 something of it is not or a "
      "remote failed, 2 it lists nothing, or what was given cannot be.");
  command->callback([url, text, which, &status] {
    auto result = pull(*url, *text, *which);
    status = result ? *result : cli::report(result.error());
  });
}
