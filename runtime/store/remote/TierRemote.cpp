// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/TierRemote.h"
#include "runtime/File.h"
#include "runtime/store/files/Publish.h"
#include "runtime/store/remote/Url.h"

#include <fcntl.h>

using namespace attn_jit;
using namespace attn_jit::store;

/// Look-ups that wait for one remote; beyond it the next one is asked.
static constexpr size_t mostLookups = 4096;
/// Of an epoch's text.
static constexpr size_t mostEpoch = 256;

rt::Result<std::shared_ptr<TierRemote>>
TierRemote::open(const RemoteOptions &options, const std::string &folder,
                 Refill refill, const TierLimits &limits,
                 const Tiers::Open &open) {
  ATTN_TRY(std::unique_ptr<Remote> reader, open(options));
  ATTN_TRY(std::unique_ptr<Remote> writer, open(options));
  // Named by what is shown, so that a new password starts nothing anew, and by
  // the path, of which not each byte may be shown.
  const std::string url = reader->url();
  ATTN_TRY(const Url given, Url::parse(options.url));
  Parts parts{url,
              reader->recordsRefused(),
              folder,
              sha256(url + "\n" + options.prefix + "\n" + given.path).hex(),
              std::move(refill),
              limits,
              options,
              std::move(reader),
              std::move(writer)};
  return std::shared_ptr<TierRemote>(new TierRemote(std::move(parts)));
}

TierRemote::TierRemote(Parts parts)
    : url(parts.url),
      epochFile(parts.folder.empty()
                    ? ""
                    : parts.folder + "/" + parts.name + ".epoch"),
      refill(std::move(parts.refill)), limits(parts.limits),
      meter(std::make_shared<RemoteMeter>(
          parts.folder.empty() ? ""
                               : parts.folder + "/" + parts.name + ".stats")),
      readBreaker(std::make_shared<Breaker>(
          limits.foreground ? "" : parts.folder, parts.name + ".reads")),
      writeBreaker(std::make_shared<Breaker>(
          limits.foreground ? "" : parts.folder, parts.name + ".writes")),
      quota(parts.folder, parts.name + ".quota", parts.options.quotaBytes,
            parts.options.expiry),
      reading(mostLookups, SIZE_MAX),
      writing(limits.queuedWrites, limits.queuedBytes),
      reads(std::move(parts.reader), parts.options, meter, readBreaker,
            &reading),
      writes(std::move(parts.writer), parts.options, meter, writeBreaker,
             &writing),
      refusal(std::move(parts.refused)) {}

bool TierRemote::read(Lane::Job job) {
  if (reading.push(std::move(job)))
    return true;
  meter->count(&RemoteCounts::skipped);
  return false;
}

bool TierRemote::lease(const Digest &key, std::string text,
                       std::chrono::milliseconds valid,
                       std::function<void(std::optional<HeldName>)> then) {
  const bool takes = !text.empty() && writable();
  TierLink &link = takes ? writes : reads;
  auto job = [self = shared_from_this(), &link, key, valid,
              text = takes ? std::move(text) : std::string(),
              then = std::move(then)] {
    using Held = std::optional<HeldName>;
    auto held = link.ask<Held>(link.options().request, [&](Remote &remote,
                                                           Deadline deadline) {
      // Nobody would find what is made: nobody is to wait for it.
      return remote.lease(key, self->overQuota ? "" : text, valid, deadline);
    });
    then(held ? std::move(*held) : Held());
  };
  return (takes ? writing : reading).push(std::move(job));
}

std::optional<FetchedEntry> TierRemote::find(const Digest &key, bool again) {
  using Bytes = std::optional<std::string>;
  const RemoteOptions &options = reads.options();
  auto text =
      reads.ask<Bytes>(options.request, [&](Remote &remote, Deadline deadline) {
        return remote.get(Space::Actions, key, deadline);
      });
  if (!text)
    return std::nullopt;
  if (!*text && again)
    return std::nullopt;
  if (!*text) {
    meter->count(&RemoteCounts::misses);
    // A server that was emptied is noticed by those who miss.
    queueWrite({}, 0);
    return std::nullopt;
  }
  auto action = Action::parse(**text);
  if (!action || action->key.digest() != key) {
    meter->count(&RemoteCounts::corrupt);
    return std::nullopt;
  }
  auto object =
      reads.ask<Bytes>(options.object, [&](Remote &remote, Deadline deadline) {
        return remote.get(Space::Objects, action->object, deadline);
      });
  if (!object)
    return std::nullopt;
  if (!*object) {
    // Servers forget objects and actions one by one.
    meter->count(&RemoteCounts::misses);
    return std::nullopt;
  }
  meter->count(&RemoteCounts::bytesIn,
               int64_t((*text)->size() + (*object)->size()));
  if (int64_t((*object)->size()) != action->bytes ||
      sha256(**object) != action->object) {
    meter->count(&RemoteCounts::corrupt);
    return std::nullopt;
  }
  meter->count(&RemoteCounts::hits);
  return FetchedEntry{{std::move(*action), std::move(**object)}, url};
}

std::optional<FetchedRecords> TierRemote::findRecords(const Digest &problem) {
  using Lines = std::vector<std::string>;
  FetchedRecords found;
  found.origin = url;
  if (!recordsRefused().empty())
    return found;
  auto lines = reads.ask<Lines>(reads.options().request,
                                [&](Remote &remote, Deadline deadline) {
                                  return remote.records(problem, deadline);
                                });
  if (!lines) {
    learnRefusal(reads);
    return recordsRefused().empty() ? std::nullopt : std::optional(found);
  }
  found.lines = std::move(*lines);
  int64_t bytes = 0;
  for (const std::string &line : found.lines)
    bytes += int64_t(line.size());
  meter->count(&RemoteCounts::bytesIn, bytes);
  meter->count(bytes ? &RemoteCounts::hits : &RemoteCounts::misses);
  if (!bytes)
    queueWrite({}, 0);
  return found;
}

/// An empty job only looks whether the server was emptied, if that is due.
void TierRemote::queueWrite(std::function<bool()> job, size_t bytes) {
  if (writes.options().readOnly)
    return;
  const Deadline now = std::chrono::steady_clock::now();
  const Deadline::rep before = epochAsked;
  const bool due = !before || now - Deadline(Deadline::duration(before)) >=
                                  limits.epochEvery;
  // Many look-ups may miss before the first of these jobs runs.
  if (!job && (!due || epochQueued.exchange(true)))
    return;
  const bool offers = bool(job);
  auto whole = [self = shared_from_this(), job = std::move(job)] {
    self->epochQueued = false;
    self->lookForEmptied();
    if (job && !job())
      self->meter->count(&RemoteCounts::dropped);
  };
  if (writing.push(std::move(whole), bytes))
    return;
  if (offers)
    meter->count(&RemoteCounts::dropped);
  else
    epochQueued = false;
}

void TierRemote::write(std::shared_ptr<const Entry> entry) {
  const size_t bytes = entry->object.size() + entry->action.manifest.size();
  queueWrite([this, entry = std::move(entry)] { return writeEntry(*entry); },
             bytes);
}

void TierRemote::write(const Digest &problem,
                       std::shared_ptr<const std::vector<std::string>> lines) {
  if (!recordsRefused().empty())
    return;
  size_t bytes = 0;
  for (const std::string &line : *lines)
    bytes += line.size();
  queueWrite(
      [this, problem, lines = std::move(lines)] {
        return writeRecords(problem, *lines);
      },
      bytes);
}

std::string TierRemote::recordsRefused() const {
  std::lock_guard lock(refusalMutex);
  return refusal;
}

void TierRemote::learnRefusal(const TierLink &link) {
  std::string learnt = link.recordsRefused();
  std::lock_guard lock(refusalMutex);
  if (!learnt.empty())
    refusal = std::move(learnt);
}

bool TierRemote::fill() {
  meter->count(&RemoteCounts::refills);
  bool whole = true;
  if (refill.records && recordsRefused().empty())
    refill.records([&](const Digest &problem,
                       std::span<const std::string> lines) {
      return whole =
                 whole && !writes.stopping() && writeRecords(problem, lines);
    });
  if (refill.entries)
    refill.entries([&](const Entry &entry) {
      return whole = whole && !writes.stopping() && writeEntry(entry);
    });
  return whole;
}

void TierRemote::lookForEmptied() {
  // A refill is no part of what is waited for.
  if (limits.foreground)
    return;
  const Deadline now = std::chrono::steady_clock::now();
  const Deadline::rep before = epochAsked;
  if (before && now - Deadline(Deadline::duration(before)) < limits.epochEvery)
    return;
  epochAsked = now.time_since_epoch().count();
  const auto epoch = writes.ask<std::string>(
      writes.options().request,
      [](Remote &remote, Deadline deadline) { return remote.epoch(deadline); });
  if (!epoch || epoch->empty() || epoch->size() > mostEpoch)
    return;
  const std::string seen = seenEpoch();
  // A remote that is new to this store is not filled with all it has.
  if (seen == *epoch || (!seen.empty() && !fill()))
    return;
  seeEpoch(*epoch);
}

std::string TierRemote::seenEpoch() const {
  const auto file = epochFile.empty()
                        ? FileHandle()
                        : FileHandle::open(epochFile, O_RDONLY | O_NONBLOCK);
  auto text = file ? file.readAll(mostEpoch) : rt::Result<std::string>("");
  return epochInMemory.empty() && text ? *text : epochInMemory;
}

void TierRemote::seeEpoch(const std::string &epoch) {
  if (!epochFile.empty())
    (void)makeFolder(epochFile.substr(0, epochFile.rfind('/')));
  if (epochFile.empty() || !rt::writeFile(epochFile, epoch))
    epochInMemory = epoch;
}

void TierRemote::stop() {
  meter->count(&RemoteCounts::dropped, int64_t(writing.waiting()));
  writing.stop([self = shared_from_this()] { self->writes.close(); });
  reading.stop([self = shared_from_this()] { self->reads.close(); });
}

RemoteStats TierRemote::stats() {
  RemoteStats stats;
  stats.url = url;
  stats.readOnly = writes.options().readOnly;
  stats.counts = meter->ofProcess().counts;
  stats.all = meter->ofAll();
  stats.readsOpenFor = readBreaker->openFor();
  stats.writesOpenFor = writeBreaker->openFor();
  stats.quota = writes.options().quotaBytes;
  stats.quotaUsed = quota.used();
  stats.queued = writing.waiting();
  stats.recordsRefused = recordsRefused();
  stats.lastError = meter->lastError();
  return stats;
}
