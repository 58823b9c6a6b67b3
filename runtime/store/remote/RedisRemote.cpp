// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Redis or Valkey. Names below a prefix P:
//
//   P:obj:<digest>, P:act:<digest>   strings that expire
//   P:rec:<problem>                  hash: SHA-256 of a line -> line
//   P:problems                       set of problems that have records
//   P:epoch                          random, set by the first who writes
//   P:lease:<key>                    who compiles it; expires in a second
//
// Only what expires is evicted under maxmemory-policy volatile-lru, so objects
// give way and records stay.
#include "runtime/Printable.h"
#include "runtime/store/files/Random.h"
#include "runtime/store/remote/RedisConnection.h"

#include <charconv>
#include <set>

using namespace attn_jit;
using namespace attn_jit::store;
using Command = RedisConnection::Command;

namespace {

class RedisRemote final : public Remote {
public:
  RedisRemote(RedisConnection::Address address, std::string shown,
              const RemoteOptions &options)
      : shown(shown), prefix(options.prefix), readOnly(options.readOnly),
        expiry(std::to_string(std::chrono::seconds(options.expiry).count())),
        connection(std::move(address), std::move(shown), options.connect) {}

  const std::string &url() const override { return shown; }
  rt::Result<std::optional<std::string>> get(Space space, const Digest &name,
                                             Deadline deadline) override;
  rt::Result<bool> exists(Space space, const Digest &name,
                          Deadline deadline) override;
  rt::Status put(Space space, const Digest &name, std::string_view bytes,
                 Deadline deadline) override;
  rt::Result<bool> replace(Space space, const Digest &name,
                           const std::optional<std::string> &there,
                           std::string_view bytes, Deadline deadline) override;
  rt::Result<std::vector<Digest>> actions(Deadline deadline) override;
  rt::Status addRecords(const Digest &problem,
                        std::span<const std::string> lines,
                        Deadline deadline) override;
  rt::Result<std::vector<std::string>> records(const Digest &problem,
                                               Deadline deadline) override;
  rt::Result<std::vector<Digest>> problems(Deadline deadline) override;
  rt::Result<std::optional<HeldName>> lease(const Digest &name,
                                            std::string_view text,
                                            std::chrono::milliseconds valid,
                                            Deadline deadline) override;
  rt::Result<std::string> epoch(Deadline deadline) override;

private:
  static constexpr size_t mostActions = 2'000'000;

  rt::Result<RedisReply> askOne(const Command &command, RedisReply::Kind kind,
                                Deadline deadline);
  rt::Result<std::vector<std::string>> askTexts(const Command &command,
                                                Deadline deadline);
  std::string keyOf(Space space, const Digest &name) const {
    return prefix + (space == Space::Objects ? ":obj:" : ":act:") + name.hex();
  }
  rt::Error wrong(std::string_view command) const {
    return rt::badInput("remote " + shown + ": the answer to " +
                        std::string(command) + " is of another kind");
  }

  std::string shown, prefix;
  bool readOnly;
  std::string expiry;
  RedisConnection connection;
};

} // namespace

/// A reply of that kind, or nil.
rt::Result<RedisReply> RedisRemote::askOne(const Command &command,
                                           RedisReply::Kind kind,
                                           Deadline deadline) {
  ATTN_TRY(auto replies, connection.ask({&command, 1}, deadline));
  if (replies[0].kind != kind && replies[0].kind != RedisReply::Nil)
    return wrong(command[0]);
  return std::move(replies[0]);
}

rt::Result<std::vector<std::string>>
RedisRemote::askTexts(const Command &command, Deadline deadline) {
  ATTN_TRY(RedisReply reply, askOne(command, RedisReply::Array, deadline));
  std::vector<std::string> texts;
  for (RedisReply &each : reply.elements) {
    if (each.kind != RedisReply::Text)
      return wrong(command[0]);
    texts.push_back(std::move(each.text));
  }
  return texts;
}

rt::Result<std::optional<std::string>>
RedisRemote::get(Space space, const Digest &name, Deadline deadline) {
  const std::string key = keyOf(space, name);
  ATTN_TRY(RedisReply reply, askOne({"GET", key}, RedisReply::Text, deadline));
  if (reply.kind == RedisReply::Nil)
    return std::optional<std::string>();
  if (reply.text.size() > mostBytes)
    return rt::badInput("remote " + shown + ": " + name.hex() + " has " +
                        std::to_string(reply.text.size()) +
                        " bytes, allowed: at most " +
                        std::to_string(mostBytes));
  return std::optional(std::move(reply.text));
}

rt::Result<bool> RedisRemote::exists(Space space, const Digest &name,
                                     Deadline deadline) {
  const std::string key = keyOf(space, name);
  ATTN_TRY(RedisReply reply,
           askOne({"EXISTS", key}, RedisReply::Integer, deadline));
  return reply.integer == 1;
}

rt::Status RedisRemote::put(Space space, const Digest &name,
                            std::string_view bytes, Deadline deadline) {
  const std::string key = keyOf(space, name);
  ATTN_TRY(RedisReply reply, askOne({"SET", key, bytes, "EX", expiry},
                                    RedisReply::Text, deadline));
  return reply.text == "OK" ? rt::success() : wrong("SET");
}

rt::Result<bool> RedisRemote::replace(Space space, const Digest &name,
                                      const std::optional<std::string> &there,
                                      std::string_view bytes,
                                      Deadline deadline) {
  // Nothing that is put is empty.
  static constexpr std::string_view script =
      "if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end "
      "redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) return 1";
  const std::string key = keyOf(space, name);
  ATTN_TRY(RedisReply reply,
           askOne({"EVAL", script, "1", key,
                   there ? *there : std::string_view(), bytes, expiry},
                  RedisReply::Integer, deadline));
  return reply.integer == 1;
}

rt::Result<std::vector<Digest>> RedisRemote::actions(Deadline deadline) {
  // A prefix has no letter that a pattern gives a meaning to. A name may come
  // twice.
  const std::string begin = prefix + ":act:", pattern = begin + "*";
  std::set<Digest> found;
  std::string cursor = "0";
  do {
    ATTN_TRY(RedisReply reply,
             askOne({"SCAN", cursor, "MATCH", pattern, "COUNT", "1000"},
                    RedisReply::Array, deadline));
    if (reply.elements.size() != 2 ||
        reply.elements[0].kind != RedisReply::Text ||
        reply.elements[1].kind != RedisReply::Array)
      return wrong("SCAN");
    cursor = std::move(reply.elements[0].text);
    for (const RedisReply &each : reply.elements[1].elements)
      if (std::string_view(each.text).starts_with(begin))
        if (auto digest = Digest::parse(each.text.substr(begin.size())))
          found.insert(*digest);
    if (found.size() > mostActions)
      return rt::badInput("remote " + shown + ": SCAN: more than " +
                          std::to_string(mostActions) + " names");
  } while (cursor != "0");
  return std::vector<Digest>(found.begin(), found.end());
}

rt::Status RedisRemote::addRecords(const Digest &problem,
                                   std::span<const std::string> lines,
                                   Deadline deadline) {
  if (lines.empty())
    return rt::success();
  const std::string listed = prefix + ":problems", name = problem.hex(),
                    key = prefix + ":rec:" + name;
  std::vector<std::string> fields;
  fields.reserve(lines.size());
  // A problem without records is harmless, records without it are not found.
  std::vector<Command> commands{{"SADD", listed, name}};
  for (const std::string &line : lines) {
    fields.push_back(sha256(line).hex());
    commands.push_back({"HSETNX", key, fields.back(), line});
  }
  ATTN_TRY(auto replies, connection.ask(commands, deadline));
  for (const RedisReply &reply : replies)
    if (reply.kind != RedisReply::Integer)
      return wrong("HSETNX");
  return rt::success();
}

rt::Result<std::vector<std::string>> RedisRemote::records(const Digest &problem,
                                                          Deadline deadline) {
  const std::string key = prefix + ":rec:" + problem.hex();
  return askTexts({"HVALS", key}, deadline);
}

rt::Result<std::vector<Digest>> RedisRemote::problems(Deadline deadline) {
  const std::string key = prefix + ":problems";
  ATTN_TRY(auto texts, askTexts({"SMEMBERS", key}, deadline));
  std::vector<Digest> result;
  for (const std::string &text : texts)
    if (auto digest = Digest::parse(text))
      result.push_back(*digest);
  return result;
}

rt::Result<std::optional<HeldName>>
RedisRemote::lease(const Digest &name, std::string_view text,
                   std::chrono::milliseconds valid, Deadline deadline) {
  const std::string key = prefix + ":lease:" + name.hex(),
                    time = std::to_string(valid.count());
  std::vector<Command> commands;
  if (!text.empty())
    commands.push_back({"SET", key, text, "NX", "PX", time});
  commands.push_back({"GET", key});
  commands.push_back({"PTTL", key});
  ATTN_TRY(auto replies, connection.ask(commands, deadline));
  RedisReply &held = replies[replies.size() - 2];
  const RedisReply &left = replies.back();
  if (left.kind != RedisReply::Integer ||
      (held.kind != RedisReply::Text && held.kind != RedisReply::Nil))
    return wrong("GET");
  if (held.kind == RedisReply::Nil)
    return std::optional<HeldName>();
  // Without an expiry, or expired between the two: less than nothing.
  return std::optional(
      HeldName{std::move(held.text), std::chrono::milliseconds(left.integer)});
}

rt::Result<std::string> RedisRemote::epoch(Deadline deadline) {
  const std::string key = prefix + ":epoch", drawn = randomHex(16);
  std::vector<Command> commands;
  if (!readOnly)
    commands.push_back({"SETNX", key, drawn});
  commands.push_back({"GET", key});
  ATTN_TRY(auto replies, connection.ask(commands, deadline));
  return std::move(replies.back().text);
}

static rt::Error refused(const Url &url, const std::string &options,
                         const std::string &given, const std::string &allowed) {
  return rt::badInput("remote " + withoutCredentials(options) + ": " + given +
                      " given, allowed: " + allowed + " (" + url.scheme + ")");
}

static bool readDatabase(std::string_view text, int &to) {
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), to);
  return code == std::errc() && end == text.data() + text.size() && to >= 0 &&
         to < 1 << 16;
}

rt::Result<RedisAddress>
attn_jit::store::parseRedisUrl(const std::string &text) {
  ATTN_TRY(const Url url, Url::parse(text));
  if (url.scheme != "redis" && url.scheme != "redis+unix")
    return refused(url, text, "another scheme",
                   "redis://host:port/database or redis+unix:///path?db=0");
  RedisConnection::Address address;
  address.user = url.user;
  address.password = url.password;
  if (!url.user.empty() && url.password.empty())
    return refused(url, text, "a user without a password",
                   "user:password@ or :password@");
  std::string_view database;
  std::string shown;
  if (url.scheme == "redis+unix") {
    address.socket = url.path;
    if (url.path.size() < 2 || !url.host.empty() || url.port)
      return refused(url, text, "no path of a socket",
                     "redis+unix:///path?db=0");
    database = url.query;
    if (!database.empty() && !database.starts_with("db="))
      return refused(url, text, "another query", "?db=0");
    database.remove_prefix(database.empty() ? 0 : 3);
    shown = "redis+unix://" + rt::printable(url.path, 200);
  } else {
    address.host = url.host;
    address.port = url.port ? url.port : 6379;
    if (url.host.empty() || !url.query.empty())
      return refused(url, text, url.host.empty() ? "no host" : "a query",
                     "redis://host:port/database");
    database = url.path;
    database.remove_prefix(database.empty() ? 0 : 1);
    shown = "redis://" + url.hostAndPort(6379);
  }
  if (!database.empty() && !readDatabase(database, address.database))
    return refused(url, text, "no number of a database", "0 to 65535");
  shown +=
      (url.scheme == "redis" ? "/" : "?db=") + std::to_string(address.database);
  return RedisAddress{std::move(address), std::move(shown)};
}

rt::Result<std::unique_ptr<Remote>>
attn_jit::store::openRedis(const RemoteOptions &options) {
  ATTN_TRY(RedisAddress given, parseRedisUrl(options.url));
  return std::unique_ptr<Remote>(std::make_unique<RedisRemote>(
      std::move(given.address), given.shown, options));
}
