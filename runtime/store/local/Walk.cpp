// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What goes over a whole store: its actions, its bytes, its faults.
#include "runtime/store/files/StoredFile.h"
#include "runtime/store/local/ActionFile.h"
#include "runtime/store/local/ObjectFile.h"

using namespace attn_jit::store;

static constexpr Place places[] = {Place::Own, Place::Foreign};

void LocalStore::each(
    const std::function<void(const Action &, Place, const std::string &)>
        &visit) const {
  if (!folder)
    return;
  for (const Place place : places)
    eachStored(Layout(folder), shelfOf(place),
               [&](const std::string &, const std::string &path,
                   const std::optional<Digest> &key) {
                 ReadFile read = readStored(path, mostActionFileBytes);
                 if (!read.file || !key)
                   return;
                 if (auto file = unpackAction(read.file->bytes, place, *key))
                   visit(file->action, place, file->origin);
               });
}

Usage LocalStore::usage() const {
  Usage usage;
  if (!folder)
    return usage;
  const Layout layout(folder);
  auto sum = [&](Shelf shelf, int64_t &files) {
    eachStored(layout, shelf,
               [&](const std::string &, const std::string &path,
                   const std::optional<Digest> &) {
                 struct stat known;
                 if (lstat(path.c_str(), &known) != 0)
                   return;
                 ++files;
                 usage.bytes += known.st_size;
               });
  };
  sum(Shelf::Actions, usage.actions);
  sum(Shelf::Foreign, usage.foreign);
  sum(Shelf::Objects, usage.objects);
  eachName(layout.folder("quarantine"),
           [&](const std::string &) { ++usage.quarantined; });
  return usage;
}

std::vector<std::string> LocalStore::verify() {
  std::vector<std::string> bad;
  if (!folder)
    return bad;
  const Layout layout(folder);
  // Whatever is there under a name that means nothing.
  auto misnamed = [&](const std::string &name, const std::string &path) {
    struct stat known;
    if (lstat(path.c_str(), &known) != 0)
      return;
    bad.push_back(name);
    setAside(path, known);
  };
  eachStored(layout, Shelf::Objects,
             [&](const std::string &name, const std::string &path,
                 const std::optional<Digest> &digest) {
               if (!digest)
                 return misnamed(name, path);
               if (loadObject(*digest, std::nullopt).miss == Miss::Corrupt)
                 bad.push_back(name);
             });
  for (const Place place : places)
    eachStored(layout, shelfOf(place),
               [&](const std::string &name, const std::string &path,
                   const std::optional<Digest> &key) {
                 if (!key)
                   return misnamed(name, path);
                 const Lookup found =
                     load(*key, place, Partial::IsBad, Mark::None);
                 if (!found.entry && found.miss == Miss::Corrupt)
                   bad.push_back(name);
               });
  return bad;
}
