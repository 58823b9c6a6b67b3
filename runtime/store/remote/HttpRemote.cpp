// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Any server with GET, HEAD and PUT, in bazel-remote's layout: cas/ and ac/
// directly below the URL. Records stand below the prefix, where the server
// lists folders as nginx does with `autoindex_format json`:
//
//   [{"name": "...", "type": "file", "size": n, ...},
//    {"name": "...", "type": "directory", ...}, ...]
#include "runtime/JsonDepth.h"
#include "runtime/store/remote/Url.h"
#include "runtime/store/remote/WebNames.h"
#include "runtime/store/remote/WebServer.h"

#include <nlohmann/json.hpp>

using namespace attn_jit;
using namespace attn_jit::store;
using rt::Result;

/// None where it is something else.
static std::optional<std::vector<Listing::Item>>
parseListing(std::string_view text) {
  if (rt::nestsTooDeep(text))
    return std::nullopt;
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_array())
    return std::nullopt;
  std::vector<Listing::Item> items;
  for (const auto &entry : json) {
    if (!entry.is_object() || !entry.contains("name") ||
        !entry["name"].is_string() || !entry.contains("type") ||
        !entry["type"].is_string())
      return std::nullopt;
    Listing::Item item;
    item.name = entry["name"].get<std::string>();
    item.folder = entry["type"] == "directory";
    if (const auto size = entry.find("size");
        size != entry.end() && size->is_number_unsigned())
      item.bytes = size->get<int64_t>();
    items.push_back(std::move(item));
  }
  return items;
}

namespace {

class HttpServer final : public WebServer {
public:
  HttpServer(Transfer transfer, std::string base, const std::string &prefix)
      : WebServer(std::move(base), prefix), transfer(std::move(transfer)) {}

  Result<WebReply> ask(Verb verb, const std::string &name,
                       std::string_view body, Deadline deadline) override {
    return transfer.perform({.verb = verb,
                             .url = shown + "/" + percentEncoded(name, true),
                             .headers = {},
                             .body = body},
                            deadline);
  }

  Result<Listing> list(const std::string &folder, Deadline deadline) override {
    ATTN_TRY(const WebReply reply, ask(Verb::Get, folder, {}, deadline));
    Listing listing;
    if (reply.status == 200) {
      if (auto items = parseListing(reply.body))
        listing.items = std::move(*items);
      else
        listing.refused = "it does not list a folder as "
                          "JSON (nginx: autoindex_format json)";
    } else if (reply.status == 400 || reply.status == 403 ||
               reply.status == 405) {
      // bazel-remote, nginx without autoindex, servers that only store.
      listing.refused = "asked for a folder's list, it " + reason(reply);
    } else if (reply.status != 404) {
      return rt::failed("remote " + shown + ": GET of a folder: it " +
                        reason(reply));
    }
    return listing;
  }

private:
  Transfer transfer;
};

} // namespace

static Result<std::unique_ptr<WebServer>> open(const Url &url,
                                               const RemoteOptions &options) {
  if (url.scheme != "http" && url.scheme != "https")
    return rt::badInput("scheme: '" + url.scheme +
                        "' given, allowed: http://, https://");
  if (!url.query.empty())
    return rt::badInput("query: one given, allowed: none");
  ATTN_TRY(const std::string server, serverOf(url));
  ATTN_TRY(const std::string path, checkedPath(url.path));
  WebAccess access;
  // A name alone is a token: basic authentication has two parts.
  if (url.password.empty())
    access.bearer = url.user;
  else
    access.user = url.user, access.password = url.password;
  access.takeFrom(options);
  return std::unique_ptr<WebServer>(
      std::make_unique<HttpServer>(Transfer(std::move(access), server + path),
                                   server + path, options.prefix));
}

Result<std::unique_ptr<Remote>> store::openHttp(const RemoteOptions &options) {
  return openWebRemote(options, open);
}
