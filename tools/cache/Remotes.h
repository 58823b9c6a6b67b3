// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One remote at a time, asked in the foreground: what push and pull have in
// common. Quota, figures and what a remote refuses are those of Tiers, which
// carries each request out; a failure is an error here, and ends that remote.
#ifndef ATTN_JIT_TOOLS_CACHE_REMOTES_H
#define ATTN_JIT_TOOLS_CACHE_REMOTES_H

#include "runtime/store/remote/Tiers.h"
#include "tools/cache/Shared.h"

namespace attn_jit::cache {

/// The one of that URL, with its properties where it is configured; without
/// one all that are configured, and there must be some.
rt::Result<std::vector<store::RemoteOptions>>
remotesFor(const std::string &url);

/// Which entries and records.
struct Filter {
  std::string target;    ///< empty: any
  std::string keyPrefix; ///< hexadecimal digits; of entries
  int64_t since = 0;     ///< seconds of 1970; of records

  bool takes(const store::Action &action) const;
  /// A retraction is of no device, and goes with any.
  bool takes(const store::Record &record) const;
};
/// Empty: not given.
struct FilterText {
  std::string target, age, keyPrefix;
};
rt::Result<Filter> readFilter(const FilterText &text);
void addUrl(CLI::App &command, std::string &url);
void addKeyPrefix(CLI::App &command, FilterText &text);

class Foreground {
public:
  static rt::Result<Foreground> open(const store::RemoteOptions &options,
                                     const store::CacheRoot &root);

  store::RemoteStats stats() const { return tiers->stats().front(); }

  /// Whether it was written; false: it was there. Failed: the remote, or its
  /// quota.
  rt::Result<bool> push(const store::Entry &entry);
  rt::Status push(const store::Digest &problem, std::vector<std::string> lines);
  /// Nothing where the remote has none, or not itself.
  rt::Result<std::optional<store::FetchedEntry>> pull(const store::Digest &key);
  rt::Result<std::vector<std::string>>
  pullRecords(const store::Digest &problem);
  /// Of an entry the action alone; nothing where there is none, or no such.
  rt::Result<std::optional<store::Action>> action(const store::Digest &key);
  /// What there is; an error where it lists nothing.
  rt::Result<std::vector<store::Digest>> keys();
  rt::Result<std::vector<store::Digest>> problems();

private:
  rt::Status faultSince(const store::RemoteCounts &before) const;
  store::Deadline limit() const;

  store::RemoteOptions options;
  std::unique_ptr<store::Tiers> tiers;
  std::unique_ptr<store::Remote> direct; ///< for what Tiers does not ask
};

} // namespace attn_jit::cache

#endif // ATTN_JIT_TOOLS_CACHE_REMOTES_H
