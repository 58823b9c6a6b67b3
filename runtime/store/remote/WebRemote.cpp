// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether records can be kept is found out once, with a marker that is written
// where it is missing: a server that takes it and lists it keeps records. The
// marker is the epoch too, as it goes when the server is emptied.
#include "runtime/store/files/Random.h"
#include "runtime/store/remote/WebNames.h"
#include "runtime/store/remote/WebServer.h"

#include <algorithm>
#include <map>
#include <set>

using namespace attn_jit;
using namespace attn_jit::store;
using rt::Result;

std::string WebServer::reason(const WebReply &reply) const {
  const std::string text = "answers " + std::to_string(reply.status);
  switch (reply.status) {
  case 301:
  case 302:
  case 303:
  case 307:
  case 308:
    return text + ", a redirect, which is not followed";
  case 401:
  case 403:
    return text + ": credentials are missing, wrong or allow no such thing";
  case 404:
    return text + ": no such folder";
  case 405:
    return text + ": it does not take this method";
  case 413:
    return text + ": it takes no body of this length";
  case 507:
    return text + ": it is full";
  default:
    return text;
  }
}

namespace {

constexpr size_t segmentBytes = 4 << 20;
constexpr std::string_view segmentEnd = ".jsonl";
const std::string noRecords = "it keeps no records: ";

bool isSuccess(const WebReply &reply) {
  return reply.status >= 200 && reply.status < 300;
}

/// The answer is about this request, not about the server's state.
bool isRefusal(const WebReply &reply) {
  return reply.status >= 400 && reply.status < 500 && reply.status != 408 &&
         reply.status != 429;
}

class WebRemote final : public Remote {
public:
  WebRemote(std::unique_ptr<WebServer> server, const RemoteOptions &options)
      : server(std::move(server)), options(options) {}

  const std::string &url() const override { return server->url(); }

  Result<std::optional<std::string>> get(Space space, const Digest &name,
                                         Deadline deadline) override {
    ATTN_TRY(auto bytes, fetch(path(space, name), deadline));
    if (bytes && space == Space::Objects && sha256(*bytes) != name)
      return rt::badInput("remote " + url() + ": GET: the bytes of object " +
                          name.hex() + " have another digest");
    return bytes;
  }

  Result<bool> exists(Space space, const Digest &name,
                      Deadline deadline) override {
    ATTN_TRY(const WebReply reply,
             server->ask(Verb::Head, path(space, name), {}, deadline));
    if (reply.status == 404)
      return false;
    if (!isSuccess(reply))
      return error(Verb::Head, reply);
    return true;
  }

  rt::Status put(Space space, const Digest &name, std::string_view bytes,
                 Deadline deadline) override {
    return store(path(space, name), bytes, deadline);
  }

  Result<std::vector<Digest>> actions(Deadline deadline) override {
    ATTN_TRY(const Listing listing,
             server->list(server->root() + "ac/", deadline));
    if (!listing.refused.empty())
      return rt::unsupported("remote " + url() + ": it cannot tell what it " +
                             "holds: " + listing.refused);
    std::vector<Digest> found;
    for (const Listing::Item &item : listing.items)
      if (const auto digest = Digest::parse(item.name); digest && !item.folder)
        found.push_back(*digest);
    return found;
  }

  std::string recordsRefused() const override { return refused; }

  rt::Status addRecords(const Digest &problem,
                        std::span<const std::string> lines,
                        Deadline deadline) override {
    // In one order, so that the same records are the same segment.
    const std::set<std::string_view> ordered(lines.begin(), lines.end());
    for (std::string_view line : ordered)
      if (line.find('\n') != line.npos)
        return rt::badInput("remote " + url() +
                            ": a record's line holds a line end");
    ATTN_CHECK(checkRecords(deadline));
    std::string segment;
    for (auto line = ordered.begin(); line != ordered.end();) {
      segment.append(*line).append("\n");
      if (++line != ordered.end() && segment.size() < segmentBytes)
        continue;
      ATTN_CHECK(store(folderOf(problem) + sha256(segment).hex() +
                           std::string(segmentEnd),
                       segment, deadline));
      segment.clear();
    }
    return rt::success();
  }

  Result<std::vector<std::string>> records(const Digest &problem,
                                           Deadline deadline) override {
    const std::string folder = folderOf(problem);
    ATTN_TRY(const Listing listing, list(folder, deadline));
    std::set<std::string> lines;
    for (const Listing::Item &item : listing.items) {
      const std::string_view name = item.name;
      if (item.folder || !name.ends_with(segmentEnd))
        continue;
      const auto digest =
          Digest::parse(name.substr(0, name.size() - segmentEnd.size()));
      if (!digest)
        continue;
      ATTN_TRY(const std::string *text,
               segment(folder + item.name, *digest, deadline));
      if (!text)
        continue;
      for (std::string_view rest = *text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        lines.emplace(line);
      }
    }
    return std::vector<std::string>(lines.begin(), lines.end());
  }

  Result<std::vector<Digest>> problems(Deadline deadline) override {
    ATTN_TRY(const Listing listing,
             list(server->root() + "records/", deadline));
    std::vector<Digest> found;
    for (const Listing::Item &item : listing.items)
      if (const auto digest = Digest::parse(item.name); digest && item.folder)
        found.push_back(*digest);
    return found;
  }

  Result<std::string> epoch(Deadline deadline) override {
    const std::string name = server->root() + "epoch";
    ATTN_TRY(WebReply reply, server->ask(Verb::Get, name, {}, deadline));
    for (int attempt = 0; reply.status == 404 && !options.readOnly; ++attempt) {
      ATTN_TRY(const WebReply written,
               server->ask(Verb::Put, name, randomHex(16), deadline));
      const bool faulty = !isSuccess(written) && !isRefusal(written);
      if (faulty && attempt > 0)
        return error(Verb::Put, written);
      // Another may have written at the same time, which some servers answer
      // with a fault of theirs: what counts is what stays.
      ATTN_TRY(reply, server->ask(Verb::Get, name, {}, deadline));
      if (!faulty)
        break;
    }
    if (isSuccess(reply))
      return isMarker(reply.body) ? reply.body : std::string();
    // bazel-remote answers 400 to names other than its own.
    if (isRefusal(reply) && reply.status != 401 && reply.status != 403)
      return std::string();
    return error(Verb::Get, reply);
  }

private:
  static bool isMarker(std::string_view text) {
    return text.size() == 32 &&
           Digest::parse(std::string(text) + std::string(text));
  }

  std::string path(Space space, const Digest &name) const {
    return server->root() + (space == Space::Objects ? "cas/" : "ac/") +
           name.hex();
  }
  std::string folderOf(const Digest &problem) const {
    return server->root() + "records/" + problem.hex() + "/";
  }

  rt::Error error(Verb verb, const WebReply &reply) const {
    return rt::failed("remote " + url() + ": " + std::string(name(verb)) +
                      ": it " + server->reason(reply));
  }

  Result<std::optional<std::string>> fetch(const std::string &name,
                                           Deadline deadline) {
    ATTN_TRY(WebReply reply, server->ask(Verb::Get, name, {}, deadline));
    if (reply.status == 404)
      return std::optional<std::string>();
    if (reply.status != 200)
      return error(Verb::Get, reply);
    return std::optional<std::string>(std::move(reply.body));
  }

  rt::Status store(const std::string &name, std::string_view bytes,
                   Deadline deadline) {
    if (options.readOnly)
      return rt::unsupported("remote " + url() +
                             ": it is read-only, by its property");
    if (bytes.size() > mostBytes)
      return rt::badInput(
          "remote " + url() + ": PUT: " + std::to_string(bytes.size()) +
          " bytes given, allowed: at most " + std::to_string(mostBytes));
    ATTN_TRY(const WebReply reply,
             server->ask(Verb::Put, name, bytes, deadline));
    if (!isSuccess(reply))
      return error(Verb::Put, reply);
    return rt::success();
  }

  Result<Listing> list(const std::string &folder, Deadline deadline) {
    ATTN_TRY(Listing listing, server->list(folder, deadline));
    if (!listing.refused.empty()) {
      refused = noRecords + listing.refused;
      return rt::unsupported("remote " + url() + ": " + refused);
    }
    return listing;
  }

  /// Before the first record is written. A failure decides nothing.
  rt::Status checkRecords(Deadline deadline) {
    if (known || options.readOnly)
      return refused.empty()
                 ? rt::success()
                 : rt::unsupported("remote " + url() + ": " + refused);
    ATTN_TRY(const std::string marker, epoch(deadline));
    if (marker.empty()) {
      refused = noRecords + "it does not take names other than "
                            "those of objects and actions";
      known = true;
      return checkRecords(deadline);
    }
    ATTN_TRY(const Listing listing, server->list(server->root(), deadline));
    if (!listing.refused.empty())
      refused = noRecords + listing.refused;
    else if (std::none_of(
                 listing.items.begin(), listing.items.end(),
                 [](const auto &item) { return item.name == "epoch"; }))
      refused = noRecords + "it cannot list what it holds";
    known = true;
    return checkRecords(deadline);
  }

  /// Immutable, so one is read once; and where a deadline ends a reading of
  /// many, the next one goes on from there. Null: it is gone, or not itself.
  Result<const std::string *> segment(const std::string &name,
                                      const Digest &digest, Deadline deadline) {
    if (const auto found = segments.find(digest); found != segments.end())
      return &found->second;
    ATTN_TRY(auto bytes, fetch(name, deadline));
    if (!bytes || sha256(*bytes) != digest)
      return static_cast<const std::string *>(nullptr);
    if (segmentsBytes + bytes->size() > mostBytes) {
      segments.clear();
      segmentsBytes = 0;
    }
    segmentsBytes += bytes->size();
    return &(segments[digest] = std::move(*bytes));
  }

  std::unique_ptr<WebServer> server;
  RemoteOptions options;
  bool known = false; ///< whether records can be kept
  std::string refused;
  std::map<Digest, std::string> segments;
  size_t segmentsBytes = 0;
};

} // namespace

Result<std::unique_ptr<Remote>>
store::openWebRemote(const RemoteOptions &options, WebOpener open) {
  ATTN_TRY(const Url url, Url::parse(options.url));
  auto named = [&](const rt::Error &error) {
    return rt::Error{error.code,
                     "remote " + withoutCredentials(options.url) + ": " +
                         error.text,
                     {}};
  };
  if (auto status = checkPrefix(options.prefix); !status)
    return named(status.error());
  auto server = open(url, options);
  if (!server)
    return named(server.error());
  return std::unique_ptr<Remote>(
      std::make_unique<WebRemote>(std::move(*server), options));
}
