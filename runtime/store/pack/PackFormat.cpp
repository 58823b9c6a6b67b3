// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/pack/PackFormat.h"

#include "runtime/Printable.h"

#include <algorithm>
#include <charconv>

using namespace attn_jit;
using namespace attn_jit::store;

static constexpr std::string_view format = "attn-jit.pack.v1\n",
                                  signatureHead = "signature ed25519 ";
/// As many as one action may have (Action.cpp).
static constexpr size_t mostSignatures = 16;

std::string attn_jit::store::manifestText(std::span<const PackEntry> entries) {
  std::string text(format);
  for (const PackEntry &each : entries)
    text += each.digest.hex() + " " + std::to_string(each.bytes) + " " +
            each.name + "\n";
  return text;
}

static std::optional<PackEntry> parseLine(std::string_view line) {
  constexpr size_t digits = 64;
  if (line.size() < digits + 4 || line[digits] != ' ')
    return std::nullopt;
  const auto digest = Digest::parse(line.substr(0, digits));
  const std::string_view rest = line.substr(digits + 1);
  const size_t space = rest.find(' ');
  if (!digest || space == rest.npos)
    return std::nullopt;
  PackEntry entry;
  const auto [end, fault] =
      std::from_chars(rest.data(), rest.data() + space, entry.bytes);
  if (fault != std::errc() || end != rest.data() + space || entry.bytes < 0)
    return std::nullopt;
  entry.digest = *digest;
  entry.name = rest.substr(space + 1);
  return entry;
}

/// The most bytes that an entry of this name may have; none: no such name.
static std::optional<int64_t> mostOf(const PackEntry &entry,
                                     const PackLimits &limits) {
  if (entry.name == packRecords || entry.name == packForeignRecords)
    return limits.records;
  if (entry.isAction() &&
      Digest::parse(std::string_view(entry.name).substr(packActions.size())))
    return int64_t(Action::most);
  if (entry.isObject() &&
      std::string_view(entry.name).substr(packObjects.size()) ==
          entry.digest.hex())
    return limits.object;
  return std::nullopt;
}

rt::Result<std::vector<PackEntry>>
attn_jit::store::parseManifestText(std::string_view text,
                                   const PackLimits &limits) {
  if (!text.starts_with(format))
    return rt::badInput("its MANIFEST is no attn-jit.pack.v1");
  std::vector<PackEntry> entries;
  int64_t total = 0;
  for (std::string_view rest = text.substr(format.size()); !rest.empty();) {
    const size_t end = rest.find('\n');
    auto entry =
        end == rest.npos ? std::nullopt : parseLine(rest.substr(0, end));
    if (!entry)
      return rt::badInput("line " + std::to_string(entries.size() + 2) +
                          " of its MANIFEST is no entry");
    rest.remove_prefix(end + 1);
    const auto most = mostOf(*entry, limits);
    if (!most)
      return rt::badInput("its MANIFEST names " + rt::inQuotes(entry->name) +
                          ", which no pack holds");
    if (entry->bytes > *most)
      return rt::badInput(entry->name + " has " + std::to_string(entry->bytes) +
                          " bytes, allowed are " + std::to_string(*most));
    if (!entries.empty() && entries.back().name >= entry->name)
      return rt::badInput("its MANIFEST is not in the order of its names");
    if ((total += entry->bytes) > limits.bytes)
      return rt::badInput("it has more than " + std::to_string(limits.bytes) +
                          " bytes unpacked");
    if (int64_t(entries.size()) == limits.entries)
      return rt::badInput("it has more than " + std::to_string(limits.entries) +
                          " entries");
    entries.push_back(std::move(*entry));
  }
  if (manifestText(entries) != text)
    return rt::badInput("its MANIFEST is not the one text of what it says");
  return entries;
}

std::string
attn_jit::store::signaturesText(std::span<const Signature> signatures) {
  std::string text;
  for (const Signature &each : signatures)
    text += std::string(signatureHead) + each.keyId + " " + each.base64 + "\n";
  return text;
}

rt::Result<std::vector<Signature>>
attn_jit::store::parseSignatures(std::string_view text) {
  std::vector<Signature> signatures;
  while (text.starts_with(signatureHead) &&
         signatures.size() < mostSignatures) {
    text.remove_prefix(signatureHead.size());
    const size_t end = text.find('\n'), space = text.find(' ');
    if (end == text.npos || space > end)
      break;
    signatures.push_back(
        {std::string(text.substr(0, space)),
         std::string(text.substr(space + 1, end - space - 1))});
    text.remove_prefix(end + 1);
    if (text.empty())
      return signatures;
  }
  return rt::badInput("its MANIFEST.sig is not of 1 to 16 signatures");
}
