// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/RedisConnection.h"
#include "runtime/Printable.h"
#include "runtime/store/remote/HiredisApi.h"

#include <algorithm>
#include <charconv>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

/// Elements of all arrays of one reply: records of a problem in 64 MiB.
static constexpr size_t mostElements = 1 << 20;
/// Of a reply beyond its bytes: heads and line ends of its elements.
static constexpr size_t mostAround = 16 << 20;

namespace {

/// hiredis' reader, with a bound on the arrays that a reply may announce: each
/// is allocated before its first element has come.
class Reader {
public:
  explicit Reader(const HiredisApi &api)
      : api(api), reader(api.redisReaderCreate()), functions(*reader->fn) {
    bounds.original = functions.createArray;
    functions.createArray = boundedArray;
    reader->fn = &functions;
    reader->privdata = &bounds;
  }
  Reader(const Reader &) = delete;
  ~Reader() { api.redisReaderFree(reader); }

  bool feed(std::string_view bytes) {
    return api.redisReaderFeed(reader, bytes.data(), bytes.size()) == REDIS_OK;
  }
  /// None yet, or bytes that are no reply.
  rt::Result<std::optional<RedisReply>> next() {
    void *found = nullptr;
    if (api.redisReaderGetReply(reader, &found) != REDIS_OK)
      return rt::badInput(std::string("the answer is none of Redis: ") +
                          reader->errstr);
    if (!found)
      return std::optional<RedisReply>();
    bounds.elements = 0;
    auto reply = read(*static_cast<redisReply *>(found));
    api.freeReplyObject(found);
    if (!reply)
      return reply.takeError();
    return std::optional(std::move(*reply));
  }

private:
  struct Bounds {
    decltype(redisReplyObjectFunctions::createArray) original = nullptr;
    size_t elements = 0;
  };
  /// The count's type is int or size_t, by the version.
  template <typename Count>
  static void *boundedArray(const redisReadTask *task, Count count) {
    auto *bounds = static_cast<Bounds *>(task->privdata);
    if (size_t(count) > mostElements - bounds->elements)
      return nullptr;
    bounds->elements += size_t(count);
    return bounds->original(task, count);
  }
  static rt::Result<RedisReply> read(const redisReply &from) {
    RedisReply reply;
    switch (from.type) {
    case REDIS_REPLY_ERROR:
      return rt::failed("the server refuses: " +
                        std::string(from.str, from.len));
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      reply.kind = RedisReply::Text;
      reply.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_INTEGER:
      reply.kind = RedisReply::Integer;
      reply.integer = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      reply.kind = RedisReply::Array;
      for (size_t i = 0; i < from.elements; ++i) {
        ATTN_TRY(RedisReply element, read(*from.element[i]));
        reply.elements.push_back(std::move(element));
      }
      break;
    default:
      break;
    }
    return reply;
  }

  const HiredisApi &api;
  redisReader *reader;
  redisReplyObjectFunctions functions;
  Bounds bounds;
};

} // namespace

static std::string encoded(std::span<const RedisConnection::Command> commands) {
  std::string text;
  for (const auto &command : commands) {
    text += "*" + std::to_string(command.size()) + "\r\n";
    for (std::string_view word : command) {
      text += "$" + std::to_string(word.size()) + "\r\n";
      text += word;
      text += "\r\n";
    }
  }
  return text;
}

/// Whether the first answer says at its head that it is too long: 64 MiB of it
/// are not read first, which would hold up every thread that needs memory.
static bool announcesTooMuch(std::string_view head) {
  int64_t bytes = 0;
  if (!head.starts_with('$') || head.find('\r') == std::string_view::npos)
    return false;
  auto [end, code] =
      std::from_chars(head.data() + 1, head.data() + head.size(), bytes);
  return code == std::errc::result_out_of_range ||
         bytes > int64_t(Remote::mostBytes);
}

RedisConnection::RedisConnection(Address address, std::string shown,
                                 std::chrono::milliseconds connectLimit)
    : address(std::move(address)), shown(std::move(shown)),
      connectLimit(connectLimit) {}

rt::Error RedisConnection::described(const rt::Error &error) const {
  // Taken out before the text is cut, so that no part of it stays.
  return {error.code,
          "remote " + shown + ": " +
              rt::printable(withoutSecret(error.text, address.password), 200),
          {}};
}

rt::Result<std::vector<RedisReply>>
RedisConnection::roundTrip(std::span<const Command> commands, Deadline deadline,
                           bool &answered) {
  const auto &api = HiredisApi::get();
  if (!api)
    return rt::failed(api.error().text);
  Reader reader(*api);
  const std::string text = encoded(commands);
  std::vector<RedisReply> replies;
  std::optional<rt::Error> refused;
  std::string received, head;
  size_t sent = 0, total = 0, done = 0;
  while (done < commands.size()) {
    received.clear();
    ATTN_TRY(const bool open, socket->exchange(text, sent, received, deadline));
    answered |= !received.empty();
    total += received.size();
    if (head.size() < 32)
      head += received.substr(0, 32);
    if (total > Remote::mostBytes + mostAround || announcesTooMuch(head))
      return rt::badInput("an answer of more than " +
                          std::to_string(Remote::mostBytes) + " bytes");
    if (!received.empty() && !reader.feed(received))
      return rt::failed("the answer does not fit in memory");
    while (!received.empty() && done < commands.size()) {
      auto reply = reader.next();
      if (!reply && reply.error().code == rt::ErrorCode::BadInput)
        return reply.takeError();
      if (!reply) {
        // The others of the pipeline follow, and the connection stays good.
        if (!refused)
          refused = reply.takeError();
        ++done;
        continue;
      }
      if (!*reply)
        break;
      replies.push_back(std::move(**reply));
      ++done;
    }
    if (!open && done < commands.size())
      return rt::failed("the server closed the connection");
  }
  if (refused)
    return *refused;
  return replies;
}

rt::Status RedisConnection::connect(Deadline deadline) {
  const Deadline limit =
      std::min(deadline, std::chrono::steady_clock::now() + connectLimit);
  ATTN_TRY(Socket made, address.socket.empty()
                            ? Socket::dialTcp(address.host, address.port, limit)
                            : Socket::dialUnix(address.socket, limit));
  socket = std::move(made);
  process = getpid();
  // Apart from what is asked: without its SELECT that would go to database 0.
  std::vector<Command> greeting;
  const std::string database = std::to_string(address.database);
  if (!address.user.empty())
    greeting.push_back({"AUTH", address.user, address.password});
  else if (!address.password.empty())
    greeting.push_back({"AUTH", address.password});
  if (address.database)
    greeting.push_back({"SELECT", database});
  bool answered = false;
  if (auto greeted = roundTrip(greeting, deadline, answered); !greeted) {
    socket.reset();
    return greeted.takeError();
  }
  return rt::success();
}

rt::Result<std::vector<RedisReply>>
RedisConnection::ask(std::span<const Command> commands, Deadline deadline) {
  // A connection inherited by fork is its parent's.
  if (process != getpid())
    socket.reset();
  for (;;) {
    const bool fresh = !socket;
    if (fresh)
      if (auto status = connect(deadline); !status)
        return described(status.error());
    bool answered = false;
    auto replies = roundTrip(commands, deadline, answered);
    if (replies)
      return replies;
    const bool refused = replies.error().text.starts_with("the server refuses");
    if (!refused)
      socket.reset();
    // The server may have closed it while it was idle, or was started anew.
    // All commands may be sent twice.
    if (fresh || answered || replies.error().code != rt::ErrorCode::Failed)
      return described(replies.error());
  }
}
