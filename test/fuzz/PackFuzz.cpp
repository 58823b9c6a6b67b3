// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzzes the reader of packs at each depth. An input's first byte says how much
// around its bytes is put right, so that changes arrive behind frames, sums,
// digests and signatures:
//
//   0  nothing: the file                  3  a list of files, packed as it is
//   1  the zstd frame, around a tar       4  MANIFEST and its signature as well
//   2  the sums of its headers as well    5  actions named and signed as well
//
// A list is of files that end in \x1f, of each the tar type, its name, \x1e and
// its bytes. Whatever a sink is given was signed, and is given only by a pack
// that is right as a whole.
#include "runtime/store/pack/Pack.h"
#include "test/fuzz/FuzzCheck.h"
#include "test/runtime/store/pack/PackBuilder.h"

#include <map>
#include <set>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;
using attn_jit::test::checkError;
using attn_jit::test::counts;
using attn_jit::test::require;

static const SigningKey mine = signer(1);

static std::vector<TarFile> filesOf(std::string_view list) {
  std::vector<TarFile> files;
  while (!list.empty()) {
    const size_t end = std::min(list.find('\x1f'), list.size());
    const std::string_view one = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const size_t name = std::min(one.find('\x1e'), one.size());
    if (name > 0)
      files.push_back({std::string(one.substr(1, name - 1)),
                       std::string(one.substr(std::min(name + 1, one.size()))),
                       one[0]});
  }
  return files;
}

static std::string listOf(const std::vector<TarFile> &files) {
  std::string list;
  for (const TarFile &each : files)
    list += each.type + each.name + '\x1e' + each.bytes + '\x1f';
  return list;
}

static std::string withSums(std::string bytes) {
  for (size_t at = 0; at + 512 <= bytes.size(); at += 512)
    if (std::memcmp(&bytes[at + 257], "ustar", 5) == 0)
      sumTarHeader(&bytes[at]);
  return bytes;
}

/// Objects by their digests; actions by their keys, each of some object.
static std::vector<TarFile> named(std::vector<TarFile> files) {
  std::vector<TarFile *> objects;
  for (TarFile &each : files)
    if (each.name.starts_with(packObjects)) {
      each.name = std::string(packObjects) + sha256(each.bytes).hex();
      objects.push_back(&each);
    }
  size_t next = 0;
  for (TarFile &each : files) {
    auto action = Action::parse(each.bytes);
    if (!each.name.starts_with(packActions) || !action || objects.empty())
      continue;
    const std::string &object = objects[next++ % objects.size()]->bytes;
    action->object = sha256(object);
    action->bytes = int64_t(object.size());
    signAction(mine, *action);
    each = {actionName(*action), action->text(), each.type};
  }
  std::ranges::sort(files, {}, &TarFile::name);
  const auto twice = std::ranges::unique(files, {}, &TarFile::name);
  files.erase(twice.begin(), twice.end());
  return files;
}

static std::string packFrom(unsigned depth, const std::string &bytes) {
  switch (depth) {
  case 0:
    return bytes;
  case 1:
    return zstd(bytes);
  case 2:
    return zstd(withSums(bytes));
  case 3:
    return zstd(tar(filesOf(bytes)));
  case 4:
    return zstd(tar(packOf(filesOf(bytes), &mine)));
  default:
    return zstd(tar(packOf(named(filesOf(bytes)), &mine)));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  const std::string pack =
      packFrom(data[0] % 6,
               std::string(reinterpret_cast<const char *>(data) + 1, size - 1));
  static const TrustedKeys keys =
      *TrustedKeys::parse(attn_jit::store::test::listOf({1}), "keys");
  int calls = 0;
  bool own = false;
  std::set<std::string> lines;
  const PackSink sink = {
      [&](const Entry &entry, const std::string &signer) {
        ++calls;
        auto verified = verifyEntry(keys, entry.action.key, entry);
        require(verified && *verified == signer, "what is published may run");
        return rt::success();
      },
      [&](std::span<const std::string> some, bool theirs) {
        ++calls;
        own |= theirs;
        int64_t fresh = 0;
        for (const std::string &line : some) {
          require(!line.empty() && line.find('\n') == line.npos,
                  "records are lines");
          fresh += lines.insert(line).second;
        }
        return rt::Result<int64_t>(fresh);
      }};
  // Close around the seeds, so that they are passed.
  PackLimits limits;
  limits.entries = 8;
  limits.bytes = 6000;
  limits.object = limits.records = 64;
  auto imported = importPack(pack, "fuzz", keys, sink, limits);
  if (!imported) {
    checkError(imported.error().text);
    require(calls == 0, "a refused pack gives nothing");
    ++counts.refused;
    return 0;
  }
  ++counts.accepted;
  require(imported->signer.empty() != imported->recordsOnly.empty(),
          "a pack is signed, or it is said why it is not");
  require(!own || !imported->signer.empty(), "hints stay hints");
  auto again = importPack(pack, "fuzz", keys, sink, limits);
  require(again && again->actions == imported->actions &&
              again->newRecords == 0,
          "twice is once");
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  const std::vector<TarFile> files = goodFiles(mine);
  const std::vector<TarFile> pack = packOf(files, &mine);
  sink("file", '\0' + zstd(tar(pack)));
  sink("tar", '\1' + tar(packOf({files.back()}, &mine)));
  sink("summed", '\2' + tar(packOf({files.back()}, nullptr)));
  sink("packed", '\3' + listOf(pack));
  sink("unsigned", '\3' + listOf(packOf(files, nullptr)));
  sink("signed", '\4' + listOf(files));
  sink("records", '\4' + listOf({files.end() - 2, files.end()}));
  sink("named", '\5' + listOf(files));
}
