// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The MANIFEST stands first, so everything is gathered or looked at before
// anything is written; objects, which may be large, are read again then.
#include "runtime/store/pack/PackFormat.h"
#include "runtime/store/pack/PackWriter.h"
#include "runtime/store/records/Record.h"

#include <algorithm>
#include <map>
#include <set>

using namespace attn_jit;
using namespace attn_jit::store;

namespace {

class Export {
public:
  Export(const PackSource &source, const SigningKey *key)
      : source(source), key(key) {}

  rt::Status gather();
  rt::Status write(const std::string &path) const;

  PackExported result;

private:
  rt::Status gatherActions();
  rt::Status gatherRecords();
  bool hasObject(const Action &action) const;
  void list(std::string name, std::string bytes);

  const PackSource &source;
  const SigningKey *key;
  /// Of all entries but objects, in the order of their names.
  std::map<std::string, std::string, std::less<>> texts;
  std::map<Digest, int64_t> objects;
};

bool Export::hasObject(const Action &action) const {
  const auto bytes = source.object(action.object);
  return bytes && int64_t(bytes->size()) == action.bytes &&
         action.bytes <= PackLimits().object && sha256(*bytes) == action.object;
}

rt::Status Export::gatherActions() {
  std::map<Digest, Action> actions;
  ATTN_CHECK(source.actions([&](const Action &found, bool own) {
    Action action = found;
    if (own)
      signAction(*key, action);
    const Digest name = action.key.digest();
    auto there = actions.find(name);
    if (there != actions.end())
      there->second = merged(there->second, action);
    else
      actions.emplace(name, std::move(action));
  }));
  for (const auto &[name, action] : actions) {
    std::string text = action.text();
    if (action.signatures.empty() || text.size() > Action::most ||
        !hasObject(action)) {
      ++result.leftOut;
      continue;
    }
    objects.emplace(action.object, action.bytes);
    texts.emplace(std::string(packActions) + name.hex(), std::move(text));
    ++result.actions;
  }
  result.objects = int64_t(objects.size());
  return rt::success();
}

rt::Status Export::gatherRecords() {
  std::set<std::string, std::less<>> mine, foreign;
  rt::Status fault;
  ATTN_CHECK(source.records([&](std::string_view line, bool own) {
    if (line.empty() || line.size() > Record::most ||
        line.find('\n') != line.npos)
      fault = rt::badInput("a record to export is not one line of 1 to " +
                           std::to_string(Record::most) + " bytes");
    else
      (own && key ? mine : foreign).emplace(line);
  }));
  ATTN_CHECK(fault);
  for (const std::string &line : mine)
    foreign.erase(line);
  result.records = int64_t(mine.size() + foreign.size());
  for (const auto &[name, lines] : {std::pair(packForeignRecords, &foreign),
                                    std::pair(packRecords, &mine)}) {
    std::string text;
    for (const std::string &line : *lines)
      text += line + "\n";
    if (int64_t(text.size()) > PackLimits().records)
      return rt::badInput("the records to export have more than " +
                          std::to_string(PackLimits().records) +
                          " bytes: export fewer at once");
    if (!text.empty())
      texts.emplace(name, std::move(text));
  }
  return rt::success();
}

rt::Status Export::gather() {
  if (key)
    ATTN_CHECK(gatherActions());
  return gatherRecords();
}

rt::Status Export::write(const std::string &path) const {
  std::vector<PackEntry> entries;
  entries.reserve(texts.size() + objects.size());
  for (const auto &[name, text] : texts)
    entries.push_back({name, int64_t(text.size()), sha256(text)});
  for (const auto &[digest, bytes] : objects)
    entries.push_back({std::string(packObjects) + digest.hex(), bytes, digest});
  std::ranges::sort(entries, {}, &PackEntry::name);
  const std::string manifest = manifestText(entries);
  // What import would refuse is not written.
  ATTN_CHECK(parseManifestText(manifest, PackLimits()));
  ATTN_TRY(rt::NewFile file, rt::NewFile::create(path));
  PackWriter writer(file);
  ATTN_CHECK(writer.add(packManifest, manifest));
  if (key) {
    const Signature one[] = {key->sign(Domain::Pack, manifest)};
    ATTN_CHECK(writer.add(packSignatures, signaturesText(one)));
  }
  for (const PackEntry &each : entries) {
    if (!each.isObject()) {
      ATTN_CHECK(writer.add(each.name, texts.find(each.name)->second));
      continue;
    }
    const auto bytes = source.object(each.digest);
    if (!bytes || sha256(*bytes) != each.digest)
      return rt::failed(each.name + " went away while it was exported");
    ATTN_CHECK(writer.add(each.name, *bytes));
  }
  ATTN_CHECK(writer.finish());
  ATTN_CHECK(file.close());
  return file.publish();
}

} // namespace

rt::Result<PackExported> attn_jit::store::exportPack(const std::string &path,
                                                     const PackSource &source,
                                                     const SigningKey *key) {
  Export made(source, key);
  ATTN_CHECK(made.gather());
  ATTN_CHECK(made.write(path));
  return made.result;
}
