// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What HTTP servers and S3 have in common: bytes under names, and folders that
// can be listed or not. WebRemote makes a Remote of it; a kind of server says
// how a request and a listing look.
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTE_WEBSERVER_H
#define ATTN_JIT_RUNTIME_STORE_REMOTE_WEBSERVER_H

#include "runtime/store/remote/Transfer.h"
#include "runtime/store/remote/Url.h"

namespace attn_jit::store {

struct Listing {
  struct Item {
    std::string name; ///< in its folder, decoded
    int64_t bytes = 0;
    bool folder = false;
  };
  std::vector<Item> items;
  /// Why this server lists nothing, one sentence; empty: it did.
  std::string refused;
};

/// Names are paths below the URL, decoded, without a slash at either end.
class WebServer {
public:
  virtual ~WebServer() = default;

  const std::string &url() const { return shown; }
  /// Of every name: "", or the prefix and a slash.
  const std::string &root() const { return begin; }

  /// Whatever the server answers.
  virtual rt::Result<WebReply> ask(Verb verb, const std::string &name,
                                   std::string_view body,
                                   Deadline deadline) = 0;
  /// What is directly in `folder`, which ends with a slash; nothing where it
  /// is absent.
  virtual rt::Result<Listing> list(const std::string &folder,
                                   Deadline deadline) = 0;
  /// What an answer that is no success says.
  virtual std::string reason(const WebReply &reply) const;

protected:
  WebServer(std::string shown, const std::string &prefix)
      : shown(std::move(shown)), begin(prefix.empty() ? "" : prefix + "/") {}

  std::string shown, begin;
};

using WebOpener = rt::Result<std::unique_ptr<WebServer>> (*)(
    const Url &url, const RemoteOptions &options);

/// Parses the URL and checks the prefix. An error of `open` says which part is
/// wrong; whose it is stands before it.
///
/// Records are segments, "records/" problem "/" SHA-256 ".jsonl", each written
/// once and whole: two writers never change one file. What does not have the
/// digest that names it is left out.
rt::Result<std::unique_ptr<Remote>> openWebRemote(const RemoteOptions &options,
                                                  WebOpener open);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTE_WEBSERVER_H
