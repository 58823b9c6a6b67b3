// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A torch zip file: which records it must have, and its storages for the
// unpickler. Invariant: each storage record is read once and shared by the
// tensors that name it.

#include "runtime/tensor/PtReader.h"

#include "runtime/tensor/SafeUnpickler.h"
#include "runtime/tensor/ZipArchive.h"

#include <charconv>
#include <map>

namespace attn_jit::rt {
namespace {

constexpr uint64_t maxPickleBytes = uint64_t(16) << 20;

/// Records lie in one folder, named after the file when it was written.
Result<std::string> findFolder(const ZipArchive &archive) {
  const std::string suffix = "/data.pkl";
  std::string folder;
  for (const auto &[name, record] : archive.records()) {
    if (!name.ends_with(suffix) ||
        name.find('/') + suffix.size() != name.size())
      continue;
    if (!folder.empty())
      return archive.source().error("two data.pkl records");
    folder = name.substr(0, name.size() - suffix.size() + 1);
  }
  if (folder.empty())
    return archive.source().error(
        "no data.pkl record: not a file of torch.save");
  return folder;
}

Result<PtRef> readArchive(ByteSource source) {
  ATTN_TRY(ZipArchive archive, ZipArchive::open(std::move(source)));
  ATTN_TRY(std::string folder, findFolder(archive));
  const auto &records = archive.records();

  bool bigEndian = false;
  if (records.count(folder + "byteorder")) {
    ATTN_TRY(auto order, archive.load(folder + "byteorder"));
    std::string_view text(reinterpret_cast<const char *>(order->data()),
                          order->size());
    if (text != "little" && text != "big")
      return archive.source().error(
          "the byteorder record is neither 'little' nor 'big'");
    bigEndian = text == "big";
  }
  if (records.find(folder + "data.pkl")->second.size > maxPickleBytes)
    return archive.source().error("data.pkl is larger than " +
                                  std::to_string(maxPickleBytes) + " bytes");
  ATTN_TRY(auto pickle, archive.load(folder + "data.pkl"));

  std::map<std::string, std::pair<std::shared_ptr<Storage>, size_t>> storages;
  auto load = [&](const std::string &key,
                  size_t elementSize) -> Result<std::shared_ptr<Storage>> {
    auto known = storages.find(key);
    if (known != storages.end()) {
      if (bigEndian && known->second.second != elementSize)
        return badInput("a big-endian storage is used with two element sizes");
      return known->second.first;
    }
    ATTN_TRY(auto storage, archive.load(folder + "data/" + key));
    if (bigEndian)
      swapBytes(*storage, elementSize);
    storages.emplace(key, std::pair(storage, elementSize));
    return storage;
  };
  auto result = safeUnpickle({pickle->data(), size_t(pickle->size())}, load);
  if (result)
    return result;
  Error error = result.takeError();
  if (!error.text.starts_with(archive.source().name()))
    error.text = archive.source().name() + ": " + error.text;
  return error;
}

void append(std::string &text, const PtValue &value, size_t limit) {
  if (text.size() > limit)
    return;
  const char *brackets = "[]";
  switch (value.kind) {
  case PtValue::Kind::None:
    text += "None";
    return;
  case PtValue::Kind::Bool:
    text += value.boolean ? "True" : "False";
    return;
  case PtValue::Kind::Int:
    text += std::to_string(value.integer);
    return;
  case PtValue::Kind::Float: {
    // to_chars without a precision is the shortest text that reads back.
    char digits[32];
    auto end = std::to_chars(digits, digits + sizeof digits, value.number);
    text.append(digits, end.ptr);
    return;
  }
  case PtValue::Kind::String:
  case PtValue::Kind::Bytes:
    text += '\'';
    for (char c : value.text.substr(0, limit))
      text += c >= 0x20 && c < 0x7f ? c : '?';
    text += '\'';
    return;
  case PtValue::Kind::Tensor:
    text += "tensor " + std::string(name(value.tensor.type())) + " " +
            shapeText(value.tensor.shape());
    return;
  case PtValue::Kind::DType:
    text += name(value.dtype);
    return;
  case PtValue::Kind::Tuple:
    brackets = "()";
    break;
  case PtValue::Kind::List:
    break;
  case PtValue::Kind::Set:
  case PtValue::Kind::Dict:
    brackets = "{}";
    break;
  }
  bool isDict = value.kind == PtValue::Kind::Dict;
  text += brackets[0];
  for (size_t i = 0; i < value.items.size() && text.size() <= limit; ++i) {
    if (i)
      text += isDict && i % 2 ? ": " : ", ";
    append(text, *value.items[i], limit);
  }
  text += brackets[1];
}

} // namespace

const PtValue *PtValue::find(std::string_view key) const {
  // From the end: the last of equal keys counts, as in Python.
  if (kind == Kind::Dict)
    for (size_t i = items.size(); i >= 2; i -= 2)
      if (items[i - 2]->kind == Kind::String && items[i - 2]->text == key)
        return items[i - 1].get();
  return nullptr;
}

std::string toText(const PtValue &value, size_t limit) {
  std::string text;
  append(text, value, limit);
  if (text.size() > limit)
    text = text.substr(0, limit) + "...";
  return text;
}

Result<PtRef> readPt(const std::string &path) {
  ATTN_TRY(ByteSource source, ByteSource::open(path));
  return readArchive(std::move(source));
}

Result<PtRef> readPt(std::span<const std::byte> bytes,
                     const std::string &name) {
  return readArchive(ByteSource(bytes, name));
}

} // namespace attn_jit::rt
