// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each signer has a place of its own below an image's name, so that what is not
// believed keeps nobody from making what is.
#include "autotune/JoinImages.h"
#include "runtime/store/files/Random.h"

#include <charconv>

using namespace attn_jit;
using namespace attn_jit::tune;

static constexpr std::string_view kPrefix = "attn-jit:join:";
static constexpr std::string_view kKeepSeconds = "86400";
/// Nobody compiles longer, or has died over it.
static constexpr std::string_view kMakingMs = "60000";
/// An image of 1 MB over a slow network; then the server is left alone.
static constexpr std::chrono::milliseconds kConnect{200}, kAnswer{500},
    kQuiet{10'000};

// KEYS: images. ARGV: who, own key's id, ms of making, seconds to keep, then
// ids that are believed, "", and the script's own.
static constexpr std::string_view kCommon = R"(
local who, own = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ids, k = {}, 5
while ARGV[k] ~= '' do ids[#ids + 1] = ARGV[k] k = k + 1 end
local function made(name)
  for _, id in ipairs(ids) do
    if redis.call('HEXISTS', name, 'a' .. id) == 1 then return id end
  end
end
local function busy(name)
  for _, id in ipairs(ids) do
    local text = redis.call('HGET', name, 'm' .. id)
    local till, other = string.match(text or '', '^(%d+) (.*)$')
    if till and tonumber(till) >= now and other ~= who then return true end
  end
end
local function make(name)
  redis.call('HSET', name, 'm' .. own,
             string.format('%.0f ', now + tonumber(ARGV[3])) .. who)
  redis.call('EXPIRE', name, ARGV[4])
end
)";

static constexpr std::string_view kElsewhere = R"(
if made(KEYS[1]) then return {'made'} end
if busy(KEYS[1]) then return {'busy'} end
make(KEYS[1])
return {'free'}
)";

static constexpr std::string_view kTake = R"(
local id = made(KEYS[1])
if id then return redis.call('HMGET', KEYS[1], 'a' .. id, 'o' .. id) end
if not busy(KEYS[1]) then make(KEYS[1]) end
return {'none'}
)";

static constexpr std::string_view kNext = R"(
local reply = {'none'}
for i, name in ipairs(KEYS) do
  if made(name) then reply[#reply + 1] = tostring(i - 1)
  elseif not busy(name) then
    make(name)
    reply[1] = tostring(i - 1)
    return reply
  end
end
return reply
)";

// ARGV, behind the common ones: action, object.
static constexpr std::string_view kPut = R"(
redis.call('HSET', KEYS[1], 'a' .. own, ARGV[k + 1], 'o' .. own, ARGV[k + 2])
redis.call('HDEL', KEYS[1], 'm' .. own)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {'ok'}
)";

static constexpr std::string_view kPublish = R"(
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {'ok'}
)";

JoinImages::JoinImages(store::RedisAddress given, const store::SigningKey &own,
                       const std::string &work)
    : url(given.shown), who(store::randomHex(8)),
      workName(std::string(kPrefix) + "work:{" + work + "}"),
      ownId(own.publicKey().id()), key(own),
      connection(std::move(given.address), std::move(given.shown), kConnect) {}

rt::Result<std::unique_ptr<JoinImages>>
JoinImages::open(const std::string &url, const std::string &keyFile,
                 const std::string &work) {
  ATTN_TRY(store::RedisAddress given, store::parseRedisUrl(url));
  ATTN_TRY(const auto key, store::SigningKey::load(keyFile));
  ATTN_TRY(const auto trusted, store::TrustedKeys::load());
  std::unique_ptr<JoinImages> made(new JoinImages(std::move(given), key, work));
  for (const store::TrustedKey &each : trusted.keys())
    if (!trusted.revoked(each.id()))
      made->listed.push_back(each.id());
  return made;
}

JoinImages::Words JoinImages::script(std::string_view text,
                                     std::span<const store::Digest> keys,
                                     std::vector<std::string> own) const {
  Words words{"EVAL", std::string(kCommon) + std::string(text),
              std::to_string(keys.size())};
  for (const store::Digest &each : keys)
    words.push_back(std::string(kPrefix) + "image:{" + each.hex() + "}");
  for (std::string_view each : {std::string_view(who), std::string_view(ownId),
                                kMakingMs, kKeepSeconds})
    words.emplace_back(each);
  words.insert(words.end(), own.begin(), own.end());
  return words;
}

rt::Result<JoinImages::Words> JoinImages::ask(const Words &words) {
  using Clock = std::chrono::steady_clock;
  const store::RedisConnection::Command command(words.begin(), words.end());
  std::lock_guard lock(mutex);
  if (Clock::now() < quietUntil)
    return rt::failed("join: " + url + " did not answer lately");
  auto replies = connection.ask({&command, 1}, Clock::now() + kAnswer);
  if (!replies) {
    quietUntil = Clock::now() + kQuiet;
    return replies.takeError();
  }
  Words texts;
  for (store::RedisReply &each : replies->front().elements)
    texts.push_back(std::move(each.text));
  return texts;
}

/// The arguments of scripts that look for what these ids have made.
static std::vector<std::string> ended(std::vector<std::string> ids) {
  ids.emplace_back();
  return ids;
}

bool JoinImages::elsewhere(const store::Key &wanted) {
  if (!believes())
    return false;
  const store::Digest name = wanted.digest();
  const auto said = ask(script(kElsewhere, {&name, 1}, ended(listed)));
  return said && !said->empty() && said->front() == "busy";
}

std::optional<store::Entry> JoinImages::take(const store::Key &wanted) {
  if (!believes())
    return std::nullopt;
  const store::Digest name = wanted.digest();
  auto said = ask(script(kTake, {&name, 1}, ended(listed)));
  if (!said || said->size() != 2)
    return std::nullopt;
  auto action = store::Action::parse((*said)[0]);
  // As the file is now: a key may have been revoked since.
  const auto trusted = store::TrustedKeys::load();
  if (!action || !trusted)
    return std::nullopt;
  store::Entry entry{std::move(*action), std::move((*said)[1])};
  if (!store::verifyEntry(*trusted, wanted, entry))
    return std::nullopt;
  return entry;
}

rt::Status JoinImages::put(store::Action action, const std::string &object) {
  store::signAction(key, action);
  const store::Digest name = action.key.digest();
  ATTN_TRY(const Words said,
           ask(script(kPut, {&name, 1}, {"", action.text(), object})));
  return said.empty() ? rt::Status(rt::failed("join: " + url +
                                              " gives an answer of another "
                                              "kind"))
                      : rt::success();
}

void JoinImages::publish(const std::string &search, const std::string &sealed) {
  (void)ask({"EVAL", std::string(kPublish), "1", workName, search, sealed,
             std::string(kKeepSeconds)})
      .ok();
}

void JoinImages::withdraw(const std::string &search) {
  (void)ask({"HDEL", workName, search}).ok();
}

rt::Result<std::vector<JoinImages::Published>> JoinImages::published() {
  ATTN_TRY(Words said, ask({"HGETALL", workName}));
  std::vector<Published> all;
  for (size_t i = 0; i + 1 < said.size(); i += 2)
    all.push_back({std::move(said[i]), std::move(said[i + 1])});
  return all;
}

rt::Result<std::optional<size_t>>
JoinImages::next(std::span<const store::Digest> keys,
                 std::vector<size_t> &there) {
  // What this host makes is there, listed or not.
  std::vector<std::string> ids = listed;
  ids.push_back(ownId);
  ATTN_TRY(const Words said, ask(script(kNext, keys, ended(std::move(ids)))));
  std::optional<size_t> mine;
  for (size_t i = 0; i < said.size(); ++i) {
    size_t place = keys.size();
    const char *end = said[i].data() + said[i].size();
    if (i == 0 && said[i] == "none")
      continue;
    if (std::from_chars(said[i].data(), end, place).ptr != end ||
        place >= keys.size())
      return rt::failed("join: " + url + " gives an answer of another kind");
    if (i == 0)
      mine = place;
    else
      there.push_back(place);
  }
  return mine;
}
