// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two passes over one open file. The first believes nothing and keeps MANIFEST,
// signatures and actions; the second publishes what it reads again, each entry
// by the digest that the first one took, so that a file which changes between
// them gives an error and never anything unchecked.
#include "runtime/Printable.h"
#include "runtime/store/files/FileHandle.h"
#include "runtime/store/pack/PackFormat.h"
#include "runtime/store/pack/PackReader.h"
#include "runtime/store/records/Record.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

namespace {

/// Records that a sink gets at once.
constexpr size_t batch = 1024;

class Import {
public:
  Import(const PackBytes &bytes, const TrustedKeys &keys,
         const PackLimits &limits)
      : bytes(bytes), keys(keys), limits(limits) {}

  rt::Status check();
  rt::Status apply(const PackSink &sink);

  PackImported result;
  bool sinkFailed = false; ///< the error is its own, and no fault of the pack

private:
  /// A sink's answer.
  template <typename T> T given(T answer) {
    sinkFailed |= !answer;
    return answer;
  }
  rt::Result<PackReader> start();
  rt::Result<std::optional<PackReader::Header>> readHead(PackReader &reader);
  rt::Status judgeSignatures(std::span<const Signature> signatures);
  rt::Status checkName(const std::optional<PackReader::Header> &header,
                       const PackEntry *wanted) const;
  rt::Status keepAction(const PackEntry &entry, std::string_view text);
  rt::Status checkObjects() const;
  rt::Status addRecords(const PackSink &sink, const std::string &text,
                        bool own);

  const PackBytes &bytes;
  const TrustedKeys &keys;
  const PackLimits &limits;
  std::string manifest;
  std::vector<PackEntry> entries;
  struct Kept {
    Action action;
    std::string signer; ///< empty: no listed key signed it
  };
  std::multimap<Digest, Kept> ofObject;
};

rt::Error otherDigest(const PackEntry &entry) {
  return rt::badInput(entry.name +
                      " has another digest than its MANIFEST says");
}

rt::Result<std::string> loadChecked(PackReader &reader,
                                    const PackReader::Header &header,
                                    const PackEntry &entry) {
  ATTN_TRY(std::string whole, reader.load(header));
  if (sha256(whole) != entry.digest)
    return otherDigest(entry);
  return whole;
}

rt::Status checkRecords(const PackEntry &entry, std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == text.npos || end == 0 || end > Record::most)
      return rt::badInput(entry.name + " is not of lines of 1 to " +
                          std::to_string(Record::most) + " bytes");
    text.remove_prefix(end + 1);
  }
  return rt::success();
}

/// MANIFEST and its signatures. The header behind them.
rt::Result<std::optional<PackReader::Header>>
Import::readHead(PackReader &reader) {
  ATTN_TRY(auto header, reader.next());
  if (!header || header->name != packManifest)
    return rt::badInput("its first entry is not MANIFEST");
  if (header->bytes > mostPackManifest)
    return rt::badInput("its MANIFEST has more than 48 MiB");
  ATTN_TRY(std::string text, reader.load(*header));
  const bool again = !manifest.empty();
  if (again && text != manifest)
    return rt::badInput("it changed while it was imported");
  if (!again) {
    ATTN_TRY(entries, parseManifestText(text, limits));
    manifest = std::move(text);
  }
  ATTN_TRY(header, reader.next());
  std::vector<Signature> signatures;
  if (header && header->name == packSignatures) {
    if (header->bytes > mostPackSignatures)
      return rt::badInput("its MANIFEST.sig has more than 4096 bytes");
    ATTN_TRY(const std::string lines, reader.load(*header));
    ATTN_TRY(signatures, parseSignatures(lines));
    ATTN_TRY(header, reader.next());
  }
  if (!again)
    ATTN_CHECK(judgeSignatures(signatures));
  return header;
}

/// Nobody's signature makes the pack one of hints; a listed key's that is wrong
/// makes it a damaged one.
rt::Status Import::judgeSignatures(std::span<const Signature> signatures) {
  auto verified = keys.verify(Domain::Pack, manifest, signatures);
  if (verified) {
    result.signer = std::move(*verified);
    return rt::success();
  }
  for (const TrustedKey &key : keys.keys()) {
    const std::string id = key.id();
    if (keys.revoked(id))
      continue;
    for (const Signature &each : signatures) {
      if (each.keyId == id)
        return verified.takeError();
      const Signature renamed[] = {{id, each.base64}};
      if (keys.verify(Domain::Pack, manifest, renamed))
        return rt::badInput("the signature of " + id + " on it names " +
                            rt::inQuotes(each.keyId));
    }
  }
  result.recordsOnly = verified.error().text;
  return rt::success();
}

rt::Status Import::checkName(const std::optional<PackReader::Header> &header,
                             const PackEntry *wanted) const {
  if (!header && wanted)
    return rt::badInput("its MANIFEST names " + wanted->name +
                        ", which is missing");
  if (!header)
    return rt::success();
  if (!wanted || header->name != wanted->name) {
    auto known = std::ranges::find(entries, header->name, &PackEntry::name);
    return rt::badInput(rt::inQuotes(header->name) +
                        (known == entries.end()
                             ? " is not in its MANIFEST"
                             : " is there twice or not in its place"));
  }
  if (header->bytes != wanted->bytes)
    return rt::badInput(wanted->name + " has " + std::to_string(header->bytes) +
                        " bytes, its MANIFEST says " +
                        std::to_string(wanted->bytes));
  return rt::success();
}

rt::Status Import::keepAction(const PackEntry &entry, std::string_view text) {
  auto action = Action::parse(text);
  if (!action)
    return rt::badInput(entry.name + ": " + action.error().text);
  if (action->key.digest().hex() != entry.name.substr(packActions.size()))
    return rt::badInput(entry.name + " is of another key than its name");
  const std::string name = std::string(packObjects) + action->object.hex();
  auto object = std::ranges::lower_bound(entries, name, {}, &PackEntry::name);
  if (object == entries.end() || object->name != name)
    return rt::badInput(entry.name + " needs " + name +
                        ", which is not in its MANIFEST");
  if (object->bytes != action->bytes)
    return rt::badInput(name + " has " + std::to_string(object->bytes) +
                        " bytes, its action says " +
                        std::to_string(action->bytes));
  Kept kept{std::move(*action), {}};
  auto signer =
      keys.verify(Domain::Action, kept.action.body(), kept.action.signatures);
  if (signer)
    kept.signer = std::move(*signer);
  else if (result.leftOut++ == 0)
    result.whyLeftOut = signer.error().text;
  const Digest digest = kept.action.object;
  ofObject.emplace(digest, std::move(kept));
  return rt::success();
}

rt::Status Import::checkObjects() const {
  for (const PackEntry &each : entries)
    if (each.isObject() && !ofObject.contains(each.digest))
      return rt::badInput(each.name + " is named by no action");
  return rt::success();
}

rt::Status Import::check() {
  ATTN_TRY(PackReader reader, PackReader::open(bytes, limits));
  ATTN_TRY(auto header, readHead(reader));
  for (const PackEntry &entry : entries) {
    ATTN_CHECK(checkName(header, &entry));
    if (entry.isObject()) {
      crypto_hash_sha256_state state;
      crypto_hash_sha256_init(&state);
      ATTN_CHECK(reader.read(*header, [&](std::string_view piece) {
        crypto_hash_sha256_update(
            &state, reinterpret_cast<const unsigned char *>(piece.data()),
            piece.size());
      }));
      Digest digest;
      crypto_hash_sha256_final(&state, digest.bytes.data());
      if (digest != entry.digest)
        return otherDigest(entry);
    } else {
      ATTN_TRY(const std::string text, loadChecked(reader, *header, entry));
      ATTN_CHECK(entry.isAction() ? keepAction(entry, text)
                                  : checkRecords(entry, text));
    }
    ATTN_TRY(header, reader.next());
  }
  ATTN_CHECK(checkName(header, nullptr));
  return checkObjects();
}

rt::Status Import::addRecords(const PackSink &sink, const std::string &text,
                              bool own) {
  std::vector<std::string> lines;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = rest.find('\n');
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    if (lines.size() < batch && !rest.empty())
      continue;
    ATTN_TRY(const int64_t fresh, given(sink.addRecords(lines, own)));
    result.records += int64_t(lines.size());
    result.newRecords += fresh;
    lines.clear();
  }
  return rt::success();
}

rt::Status Import::apply(const PackSink &sink) {
  ATTN_TRY(PackReader reader, PackReader::open(bytes, limits));
  ATTN_TRY(auto header, readHead(reader));
  for (const PackEntry &entry : entries) {
    ATTN_CHECK(checkName(header, &entry));
    if (entry.isAction() || (entry.isObject() && result.signer.empty())) {
      ATTN_CHECK(reader.read(*header, [](std::string_view) {}));
      ATTN_TRY(header, reader.next());
      continue;
    }
    ATTN_TRY(std::string whole, loadChecked(reader, *header, entry));
    if (entry.isObject()) {
      Entry made{{}, std::move(whole)};
      const auto [begin, end] = ofObject.equal_range(entry.digest);
      for (auto each = begin; each != end; ++each) {
        if (each->second.signer.empty())
          continue;
        made.action = each->second.action;
        ATTN_CHECK(given(sink.publish(made, each->second.signer)));
        ++result.actions;
      }
    } else {
      const bool own = entry.name == packRecords && !result.signer.empty();
      ATTN_CHECK(addRecords(sink, whole, own));
    }
    ATTN_TRY(header, reader.next());
  }
  return checkName(header, nullptr);
}

rt::Result<PackImported> import(const PackBytes &bytes, const std::string &name,
                                const TrustedKeys &keys, const PackSink &sink,
                                const PackLimits &limits) {
  Import import(bytes, keys, limits);
  rt::Status status = import.check();
  if (status)
    status = import.apply(sink);
  if (status)
    return std::move(import.result);
  if (import.sinkFailed)
    return status.takeError();
  return rt::badInput(rt::printable(name, 200) + ": " + status.error().text);
}

} // namespace

rt::Result<PackImported> attn_jit::store::importPack(std::string_view bytes,
                                                     const std::string &name,
                                                     const TrustedKeys &keys,
                                                     const PackSink &sink,
                                                     const PackLimits &limits) {
  return import({-1, bytes}, name, keys, sink, limits);
}

rt::Result<PackImported> attn_jit::store::importPack(const std::string &path,
                                                     const TrustedKeys &keys,
                                                     const PackSink &sink,
                                                     const PackLimits &limits) {
  const std::string shown = rt::printable(path, 200);
  // A link is followed: the file is one that a user names.
  const FileHandle file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file)
    return rt::badInput(shown + ": cannot be read: " + std::strerror(errno));
  struct stat known;
  if (fstat(file.get(), &known) != 0 || !S_ISREG(known.st_mode))
    return rt::badInput(shown + ": is no regular file; a pack is read twice");
  return import({file.get(), {}}, path, keys, sink, limits);
}
