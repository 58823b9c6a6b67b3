// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit cache: its subcommands, and what they share.
#ifndef ATTN_JIT_TOOLS_CACHE_SHARED_H
#define ATTN_JIT_TOOLS_CACHE_SHARED_H

#include "runtime/store/local/LocalStore.h"
#include "runtime/store/records/Record.h"
#include "runtime/store/trust/Trust.h"
#include "tools/cli/Arguments.h"

#include <nlohmann/json.hpp>

namespace attn_jit::cache {

void addStats(CLI::App &cache, int &status);
void addWhy(CLI::App &cache, int &status);
void addVerify(CLI::App &cache, int &status);
void addPrune(CLI::App &cache, int &status);
void addExport(CLI::App &cache, int &status);
void addImport(CLI::App &cache, int &status);
void addKeygen(CLI::App &cache, int &status);
void addSign(CLI::App &cache, int &status);
void addTrust(CLI::App &cache, int &status);
void addRevoke(CLI::App &cache, int &status);
void addWarm(CLI::App &cache, int &status);
void addPush(CLI::App &cache, int &status);
void addPull(CLI::App &cache, int &status);
void addPin(CLI::App &cache, int &status);

/// What commands that read need; the refusal says why there is no store.
rt::Result<store::CacheRoot> rootToRead();
/// What commands that change it need.
rt::Result<store::CacheRoot> rootToWrite();

/// The private key that --key names.
rt::Result<store::SigningKey> loadKey(const std::string &file);

/// Texts that are no UTF-8 come back printable.
std::string jsonText(const nlohmann::ordered_json &json);
/// "12.3 MiB"
std::string sizeText(int64_t bytes);
/// "3 kernels", "1 kernel"
std::string countText(int64_t count, const std::string &what);

/// "2026-11-28T03:41:19Z", of seconds since 1970.
std::string timeText(int64_t seconds);

/// "5G", powers of 1024: K, M, G, T.
rt::Result<int64_t> parseSize(std::string_view field, std::string_view text);
/// "90d", "12h".
rt::Result<std::chrono::hours> parseAge(std::string_view field,
                                        std::string_view text);
/// 64 hexadecimal digits.
rt::Result<store::Digest> parseDigest(std::string_view field,
                                      const std::string &text);

} // namespace attn_jit::cache

#endif // ATTN_JIT_TOOLS_CACHE_SHARED_H
