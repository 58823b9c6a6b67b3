// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Commands and their replies over one connection, which is made when it is
// needed and made again when the server has closed it. Whatever goes wrong
// with a reply closes it, so that none is taken for another's.
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTE_REDISCONNECTION_H
#define ATTN_JIT_RUNTIME_STORE_REMOTE_REDISCONNECTION_H

#include "runtime/store/remote/Remote.h"
#include "runtime/store/remote/Socket.h"
#include "runtime/store/remote/Url.h"

#include <string_view>

namespace attn_jit::store {

struct RedisReply {
  enum Kind { Text, Integer, Nil, Array } kind = Nil;
  int64_t integer = 0;
  std::string text;
  std::vector<RedisReply> elements;
};

/// Used by one thread at a time.
class RedisConnection {
public:
  struct Address {
    std::string socket; ///< a path; empty: host and port
    std::string host;
    int port = 6379, database = 0;
    std::string user, password;
  };
  RedisConnection(Address address, std::string shown,
                  std::chrono::milliseconds connectLimit);

  using Command = std::vector<std::string_view>;
  /// All are sent before the first reply is waited for. An error that the
  /// server replies is one of the whole. Errors as Remote's, credentials left
  /// out.
  rt::Result<std::vector<RedisReply>> ask(std::span<const Command> commands,
                                          Deadline deadline);

private:
  rt::Status connect(Deadline deadline);
  rt::Result<std::vector<RedisReply>>
  roundTrip(std::span<const Command> commands, Deadline deadline,
            bool &answered);
  rt::Error described(const rt::Error &error) const;

  Address address;
  std::string shown;
  std::chrono::milliseconds connectLimit;
  std::optional<Socket> socket;
  pid_t process = 0;
};

/// Where a URL leads, and how it is shown.
struct RedisAddress {
  RedisConnection::Address address;
  std::string shown; ///< without credentials
};
/// Of "redis://host:port/database" or "redis+unix:///path?db=0". An error names
/// what is wrong with it and shows no credentials.
rt::Result<RedisAddress> parseRedisUrl(const std::string &url);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTE_REDISCONNECTION_H
