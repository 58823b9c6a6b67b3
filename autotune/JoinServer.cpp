// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every script may run twice, since a connection that breaks leaves open
// whether it ran: a second run gives what the first gave.
#include "autotune/JoinServer.h"

#include <charconv>
#include <thread>

using namespace attn_jit;
using namespace attn_jit::tune;

/// Since it was last used.
static constexpr std::string_view kKeepSeconds = "86400";
/// Workers lost one after another over the same item: it takes its hosts along,
/// or they are killed faster than it is measured.
static constexpr std::string_view kMostLosses = "16";
static constexpr std::chrono::milliseconds kConnect{2000}, kAnswer{5000},
    kPause{200};

// KEYS: J, J:workers, J:step:<n>. ARGV: session, worker, lease in ms, seconds
// to keep, then the script's own from ARGV[5].
static constexpr std::string_view kCommon = R"(
local session, worker, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function holder(i)
  local text = redis.call('HGET', KEYS[3], 'l' .. i)
  if not text then return nil, 0 end
  local till, who = string.match(text, '^(%d+) (.*)$')
  return who, tonumber(till)
end
local function hold(i)
  redis.call('HSET', KEYS[3], 'l' .. i,
             string.format('%.0f ', now + lease) .. worker)
end
local function free(i) redis.call('HDEL', KEYS[3], 'l' .. i) end
local function each_held(what)
  for k = 5, #ARGV do
    if holder(ARGV[k]) == worker then what(ARGV[k]) end
  end
end
local function keep()
  for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[4]) end
end
)";

static constexpr std::string_view kEnter = R"(
redis.call('HSETNX', KEYS[1], 'session', session)
redis.call('HSETNX', KEYS[1], 'job', ARGV[5])
keep()
return redis.call('HMGET', KEYS[1], 'session', 'job')
)";

/// Of all others.
static constexpr std::string_view kHere = R"(
if redis.call('HGET', KEYS[1], 'session') ~= session then return {'gone'} end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - lease)
redis.call('ZADD', KEYS[2], now, worker)
)";

// ARGV[5..]: what, "together" or "apart", most losses, how many are ready, how
// many behind them are its own, items.
static constexpr std::string_view kTake = R"(
redis.call('HSETNX', KEYS[3], 'what', ARGV[5])
if redis.call('HGET', KEYS[3], 'what') ~= ARGV[5] then return {'other'} end
keep()
local together, ready = ARGV[6] == 'together', tonumber(ARGV[8])
local open, mine, done, busy = {}, {}, 0, 0
for k = 10, #ARGV do
  local i = ARGV[k]
  local who, till = holder(i)
  if redis.call('HEXISTS', KEYS[3], 'r' .. i) == 1 then done = done + 1
  elseif who == worker then mine[#mine + 1] = i
  elseif not who or till < now then open[#open + 1] = {i, k - 10}
  else busy = busy + 1 end
end
if done == #ARGV - 9 then
  local reply = {'done'}
  for i = 0, done - 1 do
    reply[#reply + 1] = redis.call('HGET', KEYS[3], 'r' .. i)
  end
  return reply
end
local heard = redis.call('ZRANGE', KEYS[2], 0, -1)
local place = 0
for _, other in ipairs(heard) do
  if other < worker then place = place + 1 end
end
local left = {}
if #mine == 0 then
  local most = math.ceil(#open / (2 * #heard))
  if together then most = busy == 0 and #open or 0 end
  for _, each in ipairs(open) do
    local i, at = each[1], each[2]
    if not together and at >= ready then
      most = (#mine == 0 and at < ready + tonumber(ARGV[9])) and 1 or 0
    end
    if #mine >= most then
      left[#left + 1] = i
    else
      local lost = tonumber(redis.call('HGET', KEYS[3], 'x' .. i) or '0')
      if holder(i) then
        lost = redis.call('HINCRBY', KEYS[3], 'x' .. i, 1)
        free(i)
      end
      if lost >= tonumber(ARGV[7]) then return {'lost'} end
      if lost == 0 or #mine == 0 or together then
        mine[#mine + 1] = i
        if lost > 0 and not together then most = 1 end
      end
    end
  end
end
local reply = {'held', tostring(#heard), tostring(place), tostring(#mine)}
for _, i in ipairs(mine) do
  hold(i)
  reply[#reply + 1] = i
end
for _, i in ipairs(left) do reply[#reply + 1] = i end
return reply
)";

// ARGV[5..]: item, text, item, text...
static constexpr std::string_view kPost = R"(
for k = 5, #ARGV, 2 do
  redis.call('HSETNX', KEYS[3], 'r' .. ARGV[k], ARGV[k + 1])
  free(ARGV[k])
end
keep()
return {'ok'}
)";

// ARGV[5..]: items.
static constexpr std::string_view kRenew = R"(
each_held(hold)
keep()
return {'ok'}
)";

static constexpr std::string_view kLeave = R"(
each_held(free)
redis.call('ZREM', KEYS[2], worker)
return {'ok'}
)";

JoinServer::JoinServer(store::RedisAddress given, const std::string &search,
                       const std::string &worker, const JoinLimits &limits)
    : url(given.shown), prefix("attn-jit:join:{" + search + "}"),
      worker(worker), limits(limits),
      connection(std::move(given.address), std::move(given.shown), kConnect) {}

rt::Result<JoinServer> JoinServer::open(const std::string &url,
                                        const std::string &search,
                                        const std::string &worker,
                                        const JoinLimits &limits) {
  ATTN_TRY(store::RedisAddress given, store::parseRedisUrl(url));
  return JoinServer(std::move(given), search, worker, limits);
}

rt::Result<std::vector<std::string>>
JoinServer::run(std::string_view script, uint64_t step,
                const std::vector<std::string> &own, double outageSeconds) {
  std::string text(kCommon);
  if (script != kEnter)
    text += kHere;
  text += script;
  const std::string workers = prefix + ":workers",
                    items = prefix + ":step:" + std::to_string(step),
                    lease = std::to_string(int64_t(limits.leaseSeconds * 1e3));
  store::RedisConnection::Command command{"EVAL",  text,        "3",     prefix,
                                          workers, items,       session, worker,
                                          lease,   kKeepSeconds};
  command.insert(command.end(), own.begin(), own.end());
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(outageSeconds);
  while (true) {
    auto replies = connection.ask({&command, 1}, Clock::now() + kAnswer);
    if (!replies) {
      if (Clock::now() >= end)
        return replies.takeError();
      std::this_thread::sleep_for(kPause);
      continue;
    }
    std::vector<std::string> words;
    for (store::RedisReply &each : replies->front().elements)
      words.push_back(std::move(each.text));
    if (words.empty())
      return rt::failed("join: " + url + " gives an answer of another kind");
    if (words[0] == "gone")
      return rt::failed("join: " + url +
                        " has lost this search; what was measured until then "
                        "is in the records, and the same command begins anew");
    return words;
  }
}

rt::Result<JoinServer::Entered> JoinServer::enter(const std::string &drawn,
                                                  const std::string &job) {
  session = drawn;
  ATTN_TRY(std::vector<std::string> words, run(kEnter, 0, {job}, 0));
  if (words.size() != 2)
    return rt::failed("join: " + url + " gives an answer of another kind");
  session = words[0];
  return Entered{std::move(words[0]), std::move(words[1])};
}

static std::vector<std::string> texts(std::span<const size_t> items) {
  std::vector<std::string> made;
  for (size_t item : items)
    made.push_back(std::to_string(item));
  return made;
}

static bool readNumber(const std::string &text, size_t &to) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), to);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

rt::Result<JoinServer::Taken> JoinServer::take(uint64_t step,
                                               const std::string &what,
                                               bool together,
                                               const Wanted &wanted) {
  std::vector<std::string> own{
      what, together ? "together" : "apart", std::string(kMostLosses),
      std::to_string(wanted.ready), std::to_string(wanted.own)};
  for (std::string &item : texts(wanted.order))
    own.push_back(std::move(item));
  ATTN_TRY(std::vector<std::string> words,
           run(kTake, step, own, limits.outageSeconds));
  if (words[0] == "other")
    return rt::failed("join: the workers on " + url +
                      " came to different steps of the same search, which "
                      "cannot be unless its results were changed");
  if (words[0] == "lost")
    return rt::failed("join: " + std::string(kMostLosses) +
                      " workers were lost one after another over the same "
                      "schedule; the search stops before it costs more");
  Taken taken;
  if (words[0] == "done") {
    taken.results.assign(std::make_move_iterator(words.begin() + 1),
                         std::make_move_iterator(words.end()));
    return taken;
  }
  size_t held = 0;
  bool read = words[0] == "held" && words.size() >= 4 &&
              readNumber(words[1], taken.workers) &&
              readNumber(words[2], taken.place) &&
              taken.place < taken.workers && readNumber(words[3], held) &&
              held <= words.size() - 4;
  for (size_t i = 4; read && i < words.size(); ++i) {
    auto &list = i < held + 4 ? taken.items : taken.open;
    read = readNumber(words[i], list.emplace_back()) &&
           list.back() < wanted.order.size();
  }
  if (!read)
    return rt::failed("join: " + url + " gives an answer of another kind");
  return taken;
}

rt::Status JoinServer::post(uint64_t step, std::span<const Result> results) {
  std::vector<std::string> own;
  for (const Result &each : results) {
    own.push_back(std::to_string(each.item));
    own.push_back(each.text);
  }
  ATTN_TRY(const auto words, run(kPost, step, own, limits.outageSeconds));
  (void)words;
  return rt::success();
}

rt::Status JoinServer::renew(uint64_t step, std::span<const size_t> items) {
  ATTN_TRY(const auto words, run(kRenew, step, texts(items), 0));
  (void)words;
  return rt::success();
}

rt::Status JoinServer::leave(uint64_t step, std::span<const size_t> items) {
  ATTN_TRY(const auto words, run(kLeave, step, texts(items), 0));
  (void)words;
  return rt::success();
}
