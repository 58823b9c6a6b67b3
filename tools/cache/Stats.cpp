// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit cache stats: what is on this disk, how often it was found, and what
// its files tell of the remotes. Connects to nothing and changes nothing.
#include "runtime/Printable.h"
#include "runtime/store/records/RecordStore.h"
#include "runtime/store/remote/RemoteConfig.h"
#include "runtime/store/remote/Tiers.h"
#include "tools/cache/Shared.h"
#include "tools/cli/Format.h"

#include <cstdio>

using namespace attn_jit;
using Json = nlohmann::ordered_json;

namespace {
struct RecordTally {
  int64_t own = 0, bundled = 0, foreign = 0;
  store::RecordFaults faults;
  std::string error;
};

struct Tally {
  store::CacheRoot root;
  store::Usage usage;
  store::Counts counts;
  RecordTally records;
  std::vector<store::RemoteStats> remotes;
  std::string remotesError;
};
} // namespace

static RecordTally tallyRecords(const store::CacheRoot &root) {
  RecordTally tally;
  if (!store::hasRecords(root))
    return tally;
  auto records = store::openRecords(root);
  rt::Status read =
      records ? (*records)->each([&](const store::StoredRecord &each) {
        ++(each.voice == store::Voice::Own       ? tally.own
           : each.voice == store::Voice::Bundled ? tally.bundled
                                                 : tally.foreign);
      })
              : rt::Status(records.takeError());
  if (!read)
    tally.error = read.error().text;
  if (records)
    tally.faults = (*records)->faults();
  return tally;
}

static Tally takeTally() {
  Tally tally;
  tally.root = store::findCacheRoot();
  const store::LocalStore local(tally.root);
  tally.usage = local.usage();
  tally.counts = local.counts();
  tally.records = tallyRecords(tally.root);
  const auto configured = store::configuredRemotes();
  if (!configured) {
    tally.remotesError = configured.error().text;
    return tally;
  }
  // Opened is not connected: they tell what the breakers' files say.
  auto tiers = store::Tiers::open(*configured, tally.root.path);
  if (tiers)
    tally.remotes = (*tiers)->stats();
  else
    tally.remotesError = tiers.error().text;
  return tally;
}

static Json orNull(const std::string &text) {
  return text.empty() ? Json() : Json(text);
}

static Json jsonOf(const store::RemoteStats &remote) {
  Json json;
  json["url"] = remote.url;
  json["read_only"] = remote.readOnly;
  json["reads_open_for_ms"] = remote.readsOpenFor.count();
  json["writes_open_for_ms"] = remote.writesOpenFor.count();
  json["quota_bytes"] = remote.quota ? Json(remote.quota) : Json();
  json["written_bytes"] = remote.quotaUsed;
  json["records_refused"] = orNull(remote.recordsRefused);
  for (const store::RemoteCountName &each : store::remoteCountNames())
    json[std::string(each.name)] = remote.all.counts.*each.field;
  const bool asked = !remote.all.times.empty();
  for (const int percent : {50, 99})
    json["p" + std::to_string(percent) + "_us"] =
        asked ? Json(remote.all.percentile(percent).count()) : Json();
  return json;
}

static Json jsonOf(const Tally &tally) {
  const store::CacheRoot &root = tally.root;
  const store::Usage &usage = tally.usage;
  const RecordTally &records = tally.records;
  Json json;
  json["root"] = orNull(root.path);
  json["absent"] = orNull(root.absent);
  json["read_only"] = root.readOnly;
  json["shared_file_system"] = root.sharedFileSystem;
  json["entries"] = {{"own", usage.actions},
                     {"foreign", usage.foreign},
                     {"objects", usage.objects},
                     {"bytes", usage.bytes},
                     {"quarantined", usage.quarantined}};
  json["counters"] = tally.counts;
  json["records"] = {{"own", records.own},
                     {"bundled", records.bundled},
                     {"foreign", records.foreign},
                     {"bad_lines", records.faults.lines},
                     {"bad_databases", records.faults.databases},
                     {"error", orNull(records.error)}};
  json["remotes"] = Json::array();
  for (const store::RemoteStats &remote : tally.remotes)
    json["remotes"].push_back(jsonOf(remote));
  json["remotes_error"] = orNull(tally.remotesError);
  return json;
}

static std::string breakerText(const char *what,
                               std::chrono::milliseconds openFor) {
  if (openFor.count() == 0)
    return std::string(what) + " asked";
  return std::string(what) + " not asked for " +
         std::to_string((openFor.count() + 999) / 1000) + " s";
}

/// What is 0 is left out, but for hits and misses.
static std::string figuresText(const store::RemoteFigures &figures) {
  const store::RemoteCounts &counts = figures.counts;
  std::string text = cache::countText(counts.hits, "hit") + ", " +
                     std::to_string(counts.misses) + " absent";
  const std::pair<int64_t, const char *> others[] = {
      {counts.timeouts, "late"},
      {counts.failures, "failed"},
      {counts.wrongAnswers, "answered wrong"},
      {counts.corrupt, "corrupt"},
      {counts.skipped, "not asked"},
      {counts.written, "written"},
      {counts.dropped, "dropped"},
      {counts.overQuota, "over quota"},
      {counts.refills, "refills"}};
  for (const auto &[count, what] : others)
    if (count)
      text += ", " + std::to_string(count) + " " + what;
  text += "; " + cache::sizeText(counts.bytesIn) + " in, " +
          cache::sizeText(counts.bytesOut) + " out";
  if (!figures.times.empty())
    text += "; answers in " +
            cli::number(double(figures.percentile(50).count()) / 1000, 2) +
            " ms, p99 " +
            cli::number(double(figures.percentile(99).count()) / 1000, 2) +
            " ms";
  return text;
}

static std::string textOf(const Tally &tally) {
  const store::CacheRoot &root = tally.root;
  const store::Usage &usage = tally.usage;
  auto count = [&](store::Count which) {
    const auto found = tally.counts.find(std::string(name(which)));
    return std::to_string(found == tally.counts.end() ? 0 : found->second);
  };
  using enum store::Count;
  std::string text =
      root ? "store: " + rt::printable(root.path, 500) +
                 (root.readOnly ? " (read-only)" : "") +
                 (root.sharedFileSystem ? " (shared file system)" : "") + "\n"
           : "store: none: " + rt::printable(root.absent, 500) + "\n";
  text += "kernels: " + std::to_string(usage.actions) + " made here, " +
          std::to_string(usage.foreign) + " from elsewhere; " +
          cache::countText(usage.objects, "object") + ", " +
          cache::sizeText(usage.bytes) + "; " +
          cache::countText(usage.quarantined, "file") + " in quarantine\n";
  text += "look-ups: " + count(OwnHits) + " hits of own, " +
          count(ForeignHits) + " of foreign; misses: " + count(AbsentMisses) +
          " absent, " + count(CorruptMisses) + " corrupt, " +
          count(UnreadableMisses) + " unreadable\n";
  text += "publications: " + count(Published) + " made, " + count(FoundThere) +
          " were there, " + count(PublishFailed) +
          " failed; pruned: " + count(PrunedBytes) + " bytes\n";
  const RecordTally &records = tally.records;
  text += "records: " + std::to_string(records.own) + " own, " +
          std::to_string(records.bundled) + " bundled, " +
          std::to_string(records.foreign) + " foreign; left out: " +
          cache::countText(records.faults.lines, "line") + ", " +
          cache::countText(records.faults.databases, "database") + "\n";
  if (!records.error.empty())
    text += "records: " + rt::printable(records.error, 500) + "\n";
  for (const store::RemoteStats &remote : tally.remotes)
    text += "remote: " + remote.url + (remote.readOnly ? " (read-only)" : "") +
            ": " + breakerText("reads", remote.readsOpenFor) + ", " +
            breakerText("writes", remote.writesOpenFor) + ", " +
            cache::sizeText(remote.quotaUsed) + " written" +
            (remote.quota ? " of " + cache::sizeText(remote.quota) : "") +
            (remote.recordsRefused.empty()
                 ? ""
                 : "; " + rt::printable(remote.recordsRefused, 300)) +
            "\n  " + figuresText(remote.all) + "\n";
  if (!tally.remotesError.empty())
    text += "remotes: " + rt::printable(tally.remotesError, 500) + "\n";
  return text;
}

void cache::addStats(CLI::App &cache, int &status) {
  CLI::App *stats =
      cache.add_subcommand("stats", "What is kept, found, missed and why");
  auto json = std::make_shared<bool>(false);
  stats->add_flag("--json", *json,
                  "{\"root\", \"entries\", \"counters\", \"records\", "
                  "\"remotes\", ...} (docs/commands.md)");
  stats->footer("Counters and figures of remotes are of all processes that "
                "have ended. No remote is asked.");
  stats->callback([json, &status] {
    const Tally tally = takeTally();
    std::fputs((*json ? jsonText(jsonOf(tally)) : textOf(tally)).c_str(),
               stdout);
    status = 0;
  });
}
