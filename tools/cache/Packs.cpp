// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit cache export, import: kernels and records in one file (Pack.h).
// What is imported is foreign: kernels run by their signatures, records count
// as one's own by a listed key's.
#include "runtime/Printable.h"
#include "runtime/store/pack/Pack.h"
#include "runtime/store/trust/RecordTrust.h"
#include "tools/cache/Shared.h"

#include <cstdio>
#include <filesystem>

using namespace attn_jit;

/// A line of a pack. A measurement of this owner's gets the signature of the
/// pack's key, as that is what a reader lists; another's keeps its own.
static std::string packedLine(const store::StoredRecord &stored,
                              const store::SigningKey *key) {
  if (!key || stored.voice != store::Voice::Own || !stored.origin.empty())
    return stored.record.line();
  store::Record mine = stored.record;
  signRecord(*key, mine);
  return mine.line();
}

static rt::Status exportTo(const std::string &file, const std::string &keyFile,
                           bool recordsOnly) {
  if (file.empty())
    return rt::badInput("file: nothing given, allowed: a path for the pack");
  std::optional<store::SigningKey> key;
  if (!keyFile.empty()) {
    ATTN_TRY(key, cache::loadKey(keyFile));
  }
  ATTN_TRY(const store::TrustedKeys keys, store::TrustedKeys::load());
  ATTN_TRY(const store::CacheRoot root, cache::rootToRead());
  const store::LocalStore local(root);
  ATTN_TRY(const std::unique_ptr<store::RecordStore> records,
           store::openRecords(root));
  store::PackSource source;
  source.actions = [&](const store::PackSource::OneAction &one) {
    if (!recordsOnly)
      local.each([&](const store::Action &action, store::Place place,
                     const std::string &) {
        if (store::travels(action))
          one(action, place == store::Place::Own);
      });
    return rt::success();
  };
  source.object = [&](const store::Digest &digest) {
    return local.object(digest);
  };
  source.records = [&](const store::PackSource::OneRecord &one) {
    return records->each([&](const store::StoredRecord &each) {
      // Every copy of the program has these.
      if (each.voice == store::Voice::Bundled)
        return;
      // A key that was listed when the record came may be revoked by now, and a
      // signer vouches for what he knows himself.
      one(packedLine(each, key ? &*key : nullptr),
          each.origin.empty()
              ? each.voice == store::Voice::Own
              : voiceOf(keys, each.record) == store::Voice::Own);
    });
  };
  ATTN_TRY(const store::PackExported made,
           store::exportPack(file, source, key ? &*key : nullptr));
  std::printf("%s, %s, %s\n", cache::countText(made.actions, "kernel").c_str(),
              cache::countText(made.objects, "object").c_str(),
              cache::countText(made.records, "record").c_str());
  if (made.leftOut)
    std::printf("left out: %s of others: unsigned, or without an object\n",
                cache::countText(made.leftOut, "kernel").c_str());
  if (key)
    std::printf("signed by %s\n", key->publicKey().id().c_str());
  else
    std::printf("unsigned, so without kernels, and its records are hints: no "
                "--key was given\n");
  return rt::success();
}

/// Where a pack lay, as the origin of what came in it.
static std::string originOf(const std::string &path) {
  std::error_code ignored;
  const std::string whole = std::filesystem::canonical(path, ignored).string();
  std::string url = "file://";
  for (const char c : whole) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') ||
                       std::string_view("/-._~").find(c) != std::string::npos;
    if (plain) {
      url += c;
      continue;
    }
    constexpr const char *digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    url += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return url;
}

static rt::Status importFrom(const std::string &file) {
  if (file.empty())
    return rt::badInput("file: nothing given, allowed: a pack of cache export");
  ATTN_TRY(const store::TrustedKeys keys, store::TrustedKeys::load());
  ATTN_TRY(const store::CacheRoot root, cache::rootToWrite());
  store::LocalStore local(root);
  ATTN_TRY(const std::unique_ptr<store::RecordStore> records,
           store::openRecords(root));
  const std::string origin = originOf(file);
  int64_t noRecords = 0;
  store::PackSink sink;
  sink.publish = [&](const store::Entry &entry, const std::string &) {
    return local.publish(entry.action, entry.object, store::Place::Foreign,
                         origin);
  };
  // Whoever signed the pack signed its own records too: each is believed by the
  // signature that it has, now and whenever it is used.
  sink.addRecords = [&](std::span<const std::string> lines,
                        bool) -> rt::Result<int64_t> {
    const store::ReadRecords read = store::readRecords(lines, keys, origin);
    noRecords += read.leftOut;
    return records->add(read.records);
  };
  ATTN_TRY(const store::PackImported got, store::importPack(file, keys, sink));
  std::printf("%s, %s, %lld of them new\n",
              cache::countText(got.actions, "kernel").c_str(),
              cache::countText(got.records - noRecords, "record").c_str(),
              static_cast<long long>(got.newRecords));
  if (got.signer.empty())
    std::printf("only records, as hints: %s\n", got.recordsOnly.c_str());
  else
    std::printf("signed by %s\n", got.signer.c_str());
  if (got.leftOut)
    std::printf("left out: %s, of the first: %s\n",
                cache::countText(got.leftOut, "kernel").c_str(),
                rt::printable(got.whyLeftOut, 300).c_str());
  if (noRecords)
    std::printf("left out: %s that this version reads as no record\n",
                cache::countText(noRecords, "line").c_str());
  return rt::success();
}

void cache::addExport(CLI::App &cache, int &status) {
  CLI::App *command = cache.add_subcommand(
      "export", "Write kernels and records into one file, a pack");
  auto file = std::make_shared<std::string>();
  auto key = std::make_shared<std::string>();
  auto recordsOnly = std::make_shared<bool>(false);
  command->add_option("FILE", *file, "to write, tar.zst")->type_name("");
  command
      ->add_option("--key", *key,
                   "FILE  that cache keygen made: signs the pack and the "
                   "kernels made here; without one records go alone")
      ->type_name("");
  command->add_flag("--records-only", *recordsOnly, "leave kernels out");
  command->footer(
      "Kernels from elsewhere go with the signatures that they have. The same "
      "store and key make the same bytes.");
  command->callback([file, key, recordsOnly, &status] {
    auto result = exportTo(*file, *key, *recordsOnly);
    status = result ? 0 : cli::report(result.error());
  });
}

void cache::addImport(CLI::App &cache, int &status) {
  CLI::App *command =
      cache.add_subcommand("import", "Take what a pack holds into the store");
  auto file = std::make_shared<std::string>();
  command->add_option("FILE", *file, "that cache export wrote")->type_name("");
  command->footer(
      "Kernels are taken if a listed key signed them (cache trust), and "
      "verified again at each load; records of a listed key's pack count as "
      "one's own, others as hints. Any order of packs, and twice, gives one "
      "state. A pack that is damaged is refused whole.");
  command->callback([file, &status] {
    auto result = importFrom(*file);
    status = result ? 0 : cli::report(result.error());
  });
}
