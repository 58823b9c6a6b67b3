// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One HTTP request with a deadline over all of it: resolving, connecting,
// sending, receiving. No redirect is followed, no other protocol spoken, TLS is
// verified, a reply is bounded in bytes, and no text of an error holds a
// credential. Connections stay open from one request to the next.
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTE_TRANSFER_H
#define ATTN_JIT_RUNTIME_STORE_REMOTE_TRANSFER_H

#include "runtime/store/remote/Remote.h"

namespace attn_jit::store {

/// How a server is spoken to.
struct WebAccess {
  std::string user, password; ///< basic, or the key pair of `sigv4`
  std::string bearer;         ///< instead of them
  std::string sigv4;          ///< "aws:amz:" region ":s3", or empty
  /// Files in PEM: who vouches for the server instead of the system's list,
  /// and what this client shows (mTLS).
  std::string authority, certificate, key;
  std::chrono::milliseconds connect{100};

  /// The files and the limit.
  void takeFrom(const RemoteOptions &options) {
    authority = options.authority;
    certificate = options.certificate;
    key = options.key;
    connect = options.connect;
  }
};

enum class Verb { Get, Head, Put };
std::string_view name(Verb verb); ///< "GET", "HEAD", "PUT"

struct WebRequest {
  Verb verb = Verb::Get;
  std::string url; ///< without credentials
  std::vector<std::string> headers;
  std::string_view body; ///< of a Put
  size_t mostBytes = Remote::mostBytes;
};

struct WebReply {
  long status = 0;
  std::string body;
};

/// For one thread at a time. A child of fork connects anew.
class Transfer {
public:
  /// `shown` is the URL that stands before each error of a request. libcurl is
  /// opened by the first one: a list of remotes is read without it.
  Transfer(WebAccess access, std::string shown)
      : access(std::move(access)), shown(std::move(shown)) {}
  Transfer(Transfer &&other) noexcept;
  Transfer &operator=(Transfer &&) = delete;
  ~Transfer();

  /// Whatever the status is. Timeout at the deadline, BadInput for a reply that
  /// is too long or cut short, Failed for the rest.
  rt::Result<WebReply> perform(const WebRequest &request, Deadline deadline);
  /// Connections that were made, for tests of their reuse.
  long connects() const { return connected; }

private:
  WebAccess access;
  std::string shown;
  void *handle = nullptr; ///< CURL
  int process = 0;        ///< that made it
  long connected = 0;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTE_TRANSFER_H
