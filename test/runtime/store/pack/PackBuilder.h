// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packs byte by byte, right ones and wrong ones: a tar of our own writing, so
// that a reader is not tried on what the same library wrote.
#ifndef ATTN_JIT_TEST_RUNTIME_STORE_PACKBUILDER_H
#define ATTN_JIT_TEST_RUNTIME_STORE_PACKBUILDER_H

#include "runtime/store/pack/PackFormat.h"
#include "test/runtime/store/trust/TestKeys.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <zstd.h>

namespace attn_jit::store::test {

struct TarFile {
  std::string name, bytes;
  char type = '0';
  std::string link = {};
};

/// Of a header block of 512 bytes; its own field counts as blanks.
inline void sumTarHeader(char *header) {
  std::memset(header + 148, ' ', 8);
  unsigned sum = 0;
  for (int i = 0; i < 512; ++i)
    sum += static_cast<unsigned char>(header[i]);
  std::snprintf(header + 148, 8, "%06o", sum & 0777777);
}

inline std::string tar(const std::vector<TarFile> &files) {
  std::string whole;
  for (const TarFile &file : files) {
    char header[512] = {};
    std::snprintf(header, 100, "%s", file.name.c_str());
    std::snprintf(header + 100, 8, "%07o", 0644);
    std::snprintf(header + 108, 8, "%07o", 0);
    std::snprintf(header + 116, 8, "%07o", 0);
    std::snprintf(header + 124, 12, "%011zo", file.bytes.size());
    std::snprintf(header + 136, 12, "%011o", 0);
    header[156] = file.type;
    std::snprintf(header + 157, 100, "%s", file.link.c_str());
    std::memcpy(header + 257, "ustar\00000", 8);
    sumTarHeader(header);
    whole.append(header, sizeof header) += file.bytes;
    whole.resize((whole.size() + 511) / 512 * 512);
  }
  return whole.append(1024, '\0');
}

inline std::string zstd(const std::string &bytes) {
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), bytes.data(),
                              bytes.size(), 1));
  return packed;
}

inline std::string unzstd(const std::string &packed) {
  std::string bytes(16 << 20, '\0');
  bytes.resize(ZSTD_decompress(bytes.data(), bytes.size(), packed.data(),
                               packed.size()));
  return bytes;
}

/// A key file's text that lists these.
inline std::string listOf(std::initializer_list<unsigned char> seeds) {
  std::string text;
  for (unsigned char seed : seeds)
    text += lineOf(seed);
  return text;
}

/// An entry of its own key for each target and object.
inline Entry entryOf(const std::string &target, const std::string &object) {
  Entry entry;
  entry.object = object;
  entry.action.key.add("target", target);
  entry.action.kind = "ptx";
  entry.action.object = sha256(object);
  entry.action.bytes = int64_t(object.size());
  entry.action.manifest = "{\"kernel\": \"attn_fwd\"}";
  return entry;
}

inline std::string actionName(const Action &action) {
  return std::string(packActions) + action.key.digest().hex();
}
inline std::string objectName(const Action &action) {
  return std::string(packObjects) + action.object.hex();
}

/// MANIFEST and its signature before these files, as they stand.
inline std::vector<TarFile> packOf(const std::vector<TarFile> &files,
                                   const SigningKey *key) {
  std::vector<PackEntry> entries;
  entries.reserve(files.size());
  for (const TarFile &each : files)
    entries.push_back(
        {each.name, int64_t(each.bytes.size()), sha256(each.bytes)});
  std::vector<TarFile> pack = {
      {std::string(packManifest), manifestText(entries)}};
  if (key) {
    const Signature one[] = {key->sign(Domain::Pack, pack[0].bytes)};
    pack.push_back({std::string(packSignatures), signaturesText(one)});
  }
  pack.insert(pack.end(), files.begin(), files.end());
  return pack;
}

/// The files of a right pack: three actions, of which two have one object, and
/// records of both kinds; signed by `key`.
inline std::vector<TarFile> goodFiles(const SigningKey &key) {
  std::vector<TarFile> files;
  for (Entry entry : {entryOf("sm_80", "image"), entryOf("sm_86", "image"),
                      entryOf("sm_90a", "other image")}) {
    signAction(key, entry.action);
    files.push_back({actionName(entry.action), entry.action.text()});
    files.push_back({objectName(entry.action), entry.object});
  }
  files.push_back({std::string(packForeignRecords), "{\"v\":1}\n{\"v\":2}\n"});
  files.push_back({std::string(packRecords), "{\"v\":3}\n"});
  std::ranges::sort(files, {}, &TarFile::name);
  const auto twice = std::ranges::unique(files, {}, &TarFile::name);
  files.erase(twice.begin(), twice.end());
  return files;
}

} // namespace attn_jit::store::test

#endif // ATTN_JIT_TEST_RUNTIME_STORE_PACKBUILDER_H
