// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which kind of remote a scheme is. Opening connects nothing, so that a list
// with a dead remote in it is read as fast as another.
#include "runtime/store/remote/Remote.h"
#include "runtime/store/remote/Url.h"

using namespace attn_jit;
using namespace attn_jit::store;

namespace {
struct Kind {
  std::string_view scheme;
  rt::Result<std::unique_ptr<Remote>> (*open)(const RemoteOptions &);
};
} // namespace

static constexpr Kind kinds[] = {
    {"file", openFolder}, {"redis", openRedis}, {"redis+unix", openRedis},
    {"http", openHttp},   {"https", openHttp},  {"s3", openS3},
    {"s3+http", openS3},  {"s3+https", openS3},
};

std::string_view attn_jit::store::name(Space space) {
  return space == Space::Objects ? "objects" : "actions";
}

rt::Result<bool> Remote::replace(Space space, const Digest &name,
                                 const std::optional<std::string> &,
                                 std::string_view bytes, Deadline deadline) {
  ATTN_CHECK(put(space, name, bytes, deadline));
  ATTN_TRY(const auto now, get(space, name, deadline));
  return now && *now == bytes;
}

rt::Result<std::optional<HeldName>> Remote::lease(const Digest &,
                                                  std::string_view,
                                                  std::chrono::milliseconds,
                                                  Deadline) {
  return rt::unsupported("remote " + url() + ": it keeps no leases");
}

rt::Result<std::unique_ptr<Remote>>
attn_jit::store::openRemote(const RemoteOptions &options) {
  ATTN_TRY(const Url url, Url::parse(options.url));
  // The client library that is loaded, 0.14, has none.
  if (url.scheme == "rediss")
    return rt::unsupported(
        "remote " + withoutCredentials(options.url) +
        ": Redis over TLS is not supported: give https://, or redis:// or "
        "redis+unix:// to a tunnel on this host");
  std::string allowed;
  for (const Kind &kind : kinds) {
    if (kind.scheme == url.scheme)
      return kind.open(options);
    allowed += (allowed.empty() ? "" : ", ") + std::string(kind.scheme) + "://";
  }
  return rt::badInput("remote " + withoutCredentials(options.url) +
                      ": scheme '" + url.scheme +
                      "' given, allowed: " + allowed);
}
