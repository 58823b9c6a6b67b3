// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/cache/Remotes.h"
#include "runtime/Printable.h"
#include "runtime/store/remote/RemoteConfig.h"
#include "tools/api/Compile.h"
#include "tools/cli/Numbers.h"

#include <ctime>

using namespace attn_jit;
using namespace attn_jit::cache;

/// Of a list of all that a remote has.
static constexpr std::chrono::seconds listLimit{60};

rt::Result<std::vector<store::RemoteOptions>>
cache::remotesFor(const std::string &url) {
  const auto configured = store::configuredRemotes();
  if (url.empty()) {
    if (configured && configured->empty())
      return rt::badInput(
          "remote: nothing given and none is configured, "
          "allowed: a URL, or ATTN_JIT_REMOTE (docs/remotes.md)");
    return configured;
  }
  ATTN_TRY(auto given, store::parseRemotes(url, "remote"));
  if (given.size() != 1)
    return rt::badInput("remote: " + countText(int64_t(given.size()), "URL") +
                        " given, allowed: one");
  if (configured)
    for (const store::RemoteOptions &each : *configured)
      if (each.url == url)
        return std::vector{each};
  return given;
}

bool Filter::takes(const store::Action &action) const {
  const std::string *own = action.key.find("target");
  return (target.empty() || (own && *own == target)) &&
         action.key.digest().hex().starts_with(keyPrefix);
}

bool Filter::takes(const store::Record &record) const {
  const std::string *own = record.device.find("target");
  return keyPrefix.empty() && record.at >= timeText(since) &&
         (target.empty() || record.retracts || (own && *own == target));
}

void cache::addUrl(CLI::App &command, std::string &url) {
  command
      .add_option("URL", url,
                  "the remote, with properties as in the list of remotes (all "
                  "that are configured)")
      ->type_name("");
}

void cache::addKeyPrefix(CLI::App &command, FilterText &text) {
  command
      .add_option("--key", text.keyPrefix,
                  "HEX  kernels whose key's digest begins so, and no records")
      ->group("Which")
      ->type_name("");
}

rt::Result<Filter> cache::readFilter(const FilterText &text) {
  Filter filter;
  filter.target = text.target;
  filter.keyPrefix = text.keyPrefix;
  if (!text.target.empty())
    ATTN_CHECK(api::checkTarget(text.target));
  if (text.keyPrefix.size() > 64 ||
      text.keyPrefix.find_first_not_of("0123456789abcdef") != std::string::npos)
    return cli::refused("key", text.keyPrefix,
                        "up to 64 hexadecimal digits in lower case");
  if (!text.age.empty()) {
    ATTN_TRY(const std::chrono::hours age, parseAge("age", text.age));
    filter.since = int64_t(time(nullptr)) - std::chrono::seconds(age).count();
  }
  return filter;
}

rt::Result<Foreground> Foreground::open(const store::RemoteOptions &options,
                                        const store::CacheRoot &root) {
  Foreground remote;
  remote.options = options;
  store::TierLimits limits;
  limits.foreground = true;
  ATTN_TRY(remote.tiers,
           store::Tiers::open({&options, 1}, root.path, {}, limits));
  ATTN_TRY(remote.direct, store::openRemote(options));
  return remote;
}

/// Of a request with all that belongs to it.
store::Deadline Foreground::limit() const {
  return std::chrono::steady_clock::now() + 4 * options.request +
         2 * options.object + std::chrono::seconds(2);
}

rt::Status Foreground::faultSince(const store::RemoteCounts &before) const {
  const store::RemoteStats now = stats();
  const store::RemoteCounts &counts = now.counts;
  const std::string where = "remote " + now.url + ": ";
  if (counts.overQuota > before.overQuota)
    return rt::failed(where +
                      "its quota is used up: " + sizeText(now.quotaUsed) +
                      " written of " + sizeText(now.quota));
  if (counts.timeouts + counts.failures + counts.wrongAnswers >
      before.timeouts + before.failures + before.wrongAnswers)
    return rt::failed(now.lastError);
  if (counts.skipped > before.skipped || counts.dropped > before.dropped)
    return rt::failed(where + "it does not answer");
  return rt::success();
}

rt::Result<bool> Foreground::push(const store::Entry &entry) {
  const store::RemoteCounts before = stats().counts;
  tiers->offer(entry);
  if (!tiers->drain(limit()))
    return rt::failed("remote " + stats().url + ": it does not answer");
  ATTN_CHECK(faultSince(before));
  return stats().counts.written > before.written;
}

rt::Status Foreground::push(const store::Digest &problem,
                            std::vector<std::string> lines) {
  const store::RemoteCounts before = stats().counts;
  tiers->offerRecords(problem, std::move(lines));
  if (!tiers->drain(limit()))
    return rt::failed("remote " + stats().url + ": it does not answer");
  ATTN_CHECK(faultSince(before));
  if (const std::string refused = stats().recordsRefused; !refused.empty())
    return rt::unsupported("remote " + stats().url + ": " + refused);
  return rt::success();
}

rt::Result<std::optional<store::FetchedEntry>>
Foreground::pull(const store::Digest &key) {
  const store::RemoteCounts before = stats().counts;
  store::EntryFetch fetch = tiers->fetch(key);
  auto found = fetch.wait(limit());
  if (!fetch.done())
    return rt::failed("remote " + stats().url + ": it does not answer");
  ATTN_CHECK(faultSince(before));
  return found;
}

rt::Result<std::vector<std::string>>
Foreground::pullRecords(const store::Digest &problem) {
  const store::RemoteCounts before = stats().counts;
  store::RecordsFetch fetch = tiers->fetchRecords(problem);
  auto found = fetch.wait(limit());
  if (!fetch.done())
    return rt::failed("remote " + stats().url + ": it does not answer");
  ATTN_CHECK(faultSince(before));
  if (const std::string refused = stats().recordsRefused; !refused.empty())
    return rt::unsupported("remote " + stats().url + ": " + refused);
  return found.empty() ? std::vector<std::string>()
                       : std::move(found.front().lines);
}

rt::Result<std::optional<store::Action>>
Foreground::action(const store::Digest &key) {
  ATTN_TRY(const auto text,
           direct->get(store::Space::Actions, key,
                       std::chrono::steady_clock::now() + options.request));
  auto action = text ? store::Action::parse(*text)
                     : rt::Result<store::Action>(rt::notFound(""));
  if (!action || action->key.digest() != key)
    return std::optional<store::Action>();
  return std::optional(std::move(*action));
}

rt::Result<std::vector<store::Digest>> Foreground::keys() {
  return direct->actions(std::chrono::steady_clock::now() + listLimit);
}

rt::Result<std::vector<store::Digest>> Foreground::problems() {
  return direct->problems(std::chrono::steady_clock::now() + listLimit);
}
