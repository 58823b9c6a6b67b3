// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the cache commands share: which store, and amounts in and out.
#include "tools/cache/Shared.h"
#include "runtime/Printable.h"
#include "tools/cli/Format.h"
#include "tools/cli/Numbers.h"

#include <charconv>
#include <ctime>
#include <initializer_list>

using namespace attn_jit;

rt::Result<store::CacheRoot> cache::rootToRead() {
  store::CacheRoot root = store::findCacheRoot();
  if (!root)
    return rt::badInput("store: none is there (" +
                        rt::printable(root.absent, 400) +
                        "), allowed: a folder of this user's alone, in "
                        "ATTN_JIT_CACHE");
  return root;
}

rt::Result<store::CacheRoot> cache::rootToWrite() {
  ATTN_TRY(store::CacheRoot root, rootToRead());
  if (root.readOnly)
    return rt::badInput("store: '" + rt::printable(root.path, 200) +
                        "' given, which cannot be written; allowed: one that "
                        "can");
  return root;
}

rt::Result<store::SigningKey> cache::loadKey(const std::string &file) {
  auto key = store::SigningKey::load(file);
  if (!key) {
    rt::Error error = key.takeError();
    error.text = "key: " + rt::inQuotes(file) + " given: " + error.text;
    return error;
  }
  return key;
}

std::string cache::timeText(int64_t seconds) {
  const time_t time = time_t(seconds);
  struct tm parts{};
  char text[32] = "";
  if (gmtime_r(&time, &parts))
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string cache::jsonText(const nlohmann::ordered_json &json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false,
                   nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

std::string cache::sizeText(int64_t bytes) {
  static constexpr const char *units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double amount = double(bytes);
  size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < std::size(units); ++unit)
    amount /= 1024;
  return cli::number(amount, unit ? 1 : 0) + " " + units[unit];
}

std::string cache::countText(int64_t count, const std::string &what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

namespace {
struct Unit {
  std::string_view name;
  int64_t factor;
};
} // namespace

static rt::Result<int64_t> parseAmount(std::string_view field,
                                       std::string_view text,
                                       std::initializer_list<Unit> units,
                                       const std::string &allowed) {
  int64_t number = 0;
  const char *const end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, number);
  for (const Unit &unit : units)
    if (code == std::errc() && number >= 0 &&
        std::string_view(rest, size_t(end - rest)) == unit.name &&
        number <= (int64_t(1) << 50) / unit.factor)
      return number * unit.factor;
  return cli::refused(field, text, allowed);
}

rt::Result<int64_t> cache::parseSize(std::string_view field,
                                     std::string_view text) {
  return parseAmount(field, text,
                     {{"", 1},
                      {"K", 1 << 10},
                      {"M", 1 << 20},
                      {"G", 1 << 30},
                      {"T", int64_t(1) << 40}},
                     "bytes from 0 to 1024T, as 500M, 5G, with K, M, G, T");
}

rt::Result<std::chrono::hours> cache::parseAge(std::string_view field,
                                               std::string_view text) {
  const std::string allowed = "0h to 87600h, as 12h, 90d";
  ATTN_TRY(const int64_t hours,
           parseAmount(field, text, {{"h", 1}, {"d", 24}}, allowed));
  if (hours > 87600)
    return cli::refused(field, text, allowed);
  return std::chrono::hours(hours);
}

rt::Result<store::Digest> cache::parseDigest(std::string_view field,
                                             const std::string &text) {
  const auto digest = store::Digest::parse(text);
  if (!digest)
    return cli::refused(field, text, "64 hexadecimal digits in lower case");
  return *digest;
}
