// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header's JSON, and each tensor's bytes loaded into a storage of its own.
// Invariant: no size from the header is used before it is checked against the
// file.

#include "runtime/tensor/SafetensorsReader.h"

#include "runtime/JsonDepth.h"
#include "runtime/tensor/ByteSource.h"

#include <nlohmann/json.hpp>

namespace attn_jit::rt {
namespace {

using Json = nlohmann::json;
constexpr uint64_t maxHeaderBytes = 100'000'000; // the format's own limit

constexpr std::pair<std::string_view, DType> typeNames[] = {
    {"F64", DType::F64},   {"F32", DType::F32}, {"F16", DType::F16},
    {"BF16", DType::BF16}, {"I64", DType::I64}, {"I32", DType::I32},
    {"I16", DType::I16},   {"I8", DType::I8},   {"U8", DType::U8},
    {"BOOL", DType::Bool},
};

/// A list of non-negative integers, or no value.
std::optional<std::vector<int64_t>> sizes(const Json &json) {
  if (!json.is_array() || json.size() > 64)
    return std::nullopt;
  std::vector<int64_t> result;
  for (const Json &item : json) {
    if (!item.is_number_unsigned() || item.get<uint64_t>() > INT64_MAX)
      return std::nullopt;
    result.push_back(item.get<int64_t>());
  }
  return result;
}

Result<HostTensor> readTensor(const ByteSource &source, uint64_t dataStart,
                              const std::string &name, const Json &entry) {
  auto refuse = [&](const std::string &why) {
    return source.error("tensor " + inQuotes(name) + " " + why);
  };
  if (!entry.is_object() || !entry.contains("dtype") ||
      !entry.contains("shape") || !entry.contains("data_offsets") ||
      !entry["dtype"].is_string())
    return refuse("wants dtype, shape and data_offsets");
  auto shape = sizes(entry["shape"]), offsets = sizes(entry["data_offsets"]);
  if (!shape || !offsets || offsets->size() != 2)
    return refuse("has a malformed shape or data_offsets");

  const auto &typeName = entry["dtype"].get_ref<const std::string &>();
  const DType *type = nullptr;
  for (const auto &row : typeNames)
    if (row.first == typeName)
      type = &row.second;
  if (!type)
    return refuse("has dtype " + inQuotes(typeName) +
                  ";  F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL are "
                  "read");

  uint64_t begin = (*offsets)[0], end = (*offsets)[1];
  uint64_t available = source.size() - dataStart;
  if (begin > end || end > available)
    return refuse("lies at bytes " + std::to_string(begin) + " to " +
                  std::to_string(end) + " of the data, which has " +
                  std::to_string(available));
  std::vector<int64_t> strides(shape->size());
  uint64_t count = 1;
  bool overflow = false;
  for (size_t i = shape->size(); i-- > 0;) {
    overflow |= count > uint64_t(INT64_MAX);
    strides[i] = int64_t(count);
    overflow |= __builtin_mul_overflow(count, uint64_t((*shape)[i]), &count);
  }
  overflow |= __builtin_mul_overflow(count, uint64_t(byteSize(*type)), &count);
  if (overflow || count != end - begin)
    return refuse("of shape " + shapeText(*shape) + " does not fit its " +
                  std::to_string(end - begin) + " bytes");
  ATTN_TRY(auto storage, source.load(dataStart + begin, end - begin));
  auto tensor = HostTensor::view(std::move(storage), *type, *shape, strides, 0);
  if (!tensor)
    return refuse(tensor.error().text);
  return tensor;
}

Result<Safetensors> readSource(const ByteSource &source) {
  std::byte lengthBytes[8];
  ATTN_CHECK(source.read(0, lengthBytes));
  uint64_t length = 0;
  for (int i = 8; i-- > 0;)
    length = length << 8 | uint64_t(lengthBytes[i]);
  if (length > maxHeaderBytes || length > source.size() - 8)
    return source.error("the header claims " + std::to_string(length) +
                        " bytes, the file has " +
                        std::to_string(source.size()));
  ATTN_TRY(auto header, source.load(8, length));
  const char *text = reinterpret_cast<const char *>(header->data());
  if (nestsTooDeep({text, size_t(length)}))
    return source.error("the header has values in one another deeper than " +
                        std::to_string(maxJsonDepth));
  Json json = Json::parse(text, text + length, nullptr, false);
  if (!json.is_object())
    return source.error("the header is not a JSON object");

  Safetensors result;
  uint64_t total = 0;
  for (const auto &[name, entry] : json.items()) {
    if (name == "__metadata__") {
      for (const auto &[key, value] : entry.items())
        if (value.is_string())
          result.metadata[key] = value.get<std::string>();
      continue;
    }
    ATTN_TRY(HostTensor tensor, readTensor(source, 8 + length, name, entry));
    total += tensor.storage()->size();
    if (total > source.size())
      return source.error("tensor " + inQuotes(name) + " overlaps another");
    result.tensors.emplace(name, std::move(tensor));
  }
  return result;
}

} // namespace

Result<Safetensors> readSafetensors(const std::string &path) {
  ATTN_TRY(ByteSource source, ByteSource::open(path));
  return readSource(source);
}

Result<Safetensors> readSafetensors(std::span<const std::byte> bytes,
                                    const std::string &name) {
  return readSource(ByteSource(bytes, name));
}

} // namespace attn_jit::rt
