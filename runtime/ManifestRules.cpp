// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The manifest's grammar of values, grid rules, requirements and arguments.
// Names are resolved here, so that a launch compares none.
#include "runtime/ManifestReader.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace attn_jit::rt;

static constexpr int64_t maxInteger = int64_t(1) << 62;

std::string_view attn_jit::rt::name(Tensor tensor) {
  static constexpr std::string_view names[] = {"q", "k",   "v",
                                               "o", "lse", "workspace"};
  return names[size_t(tensor)];
}

static std::optional<Tensor> tensorNamed(std::string_view text) {
  for (Tensor each : {Tensor::Q, Tensor::K, Tensor::V, Tensor::O, Tensor::Lse,
                      Tensor::Workspace})
    if (text == name(each))
      return each;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static const char *const valueForms =
    "batch, q_heads, kv_heads, heads_per_kv, q_len, kv_len, "
    "T.stride.batch|head|row (T one of q k v o; lse has no row), "
    "a decimal literal; in arguments also workgroups, scale, scale_log2e and "
    "the names in `captured`";

static std::optional<Value> namedValue(std::string_view text) {
  using Kind = Value::Kind;
  static constexpr std::pair<std::string_view, Kind> names[] = {
      {"batch", Kind::Batch},
      {"q_heads", Kind::QHeads},
      {"kv_heads", Kind::KvHeads},
      {"heads_per_kv", Kind::HeadsPerKv},
      {"q_len", Kind::QLen},
      {"kv_len", Kind::KvLen},
      {"workgroups", Kind::Workgroups},
      {"scale", Kind::Scale},
      {"scale_log2e", Kind::ScaleLog2e},
  };
  Value value;
  for (const auto &[word, kind] : names)
    if (text == word) {
      value.kind = kind;
      value.isFloat = kind == Kind::Scale || kind == Kind::ScaleLog2e;
      return value;
    }
  // T.stride.D
  const size_t dot = text.find(".stride.");
  if (dot == std::string_view::npos)
    return std::nullopt;
  const std::optional<Tensor> tensor = tensorNamed(text.substr(0, dot));
  const std::string_view dimension = text.substr(dot + 8);
  if (!tensor || *tensor == Tensor::Workspace)
    return std::nullopt;
  value.tensor = *tensor;
  if (dimension == "batch")
    value.kind = Kind::StrideBatch;
  else if (dimension == "head")
    value.kind = Kind::StrideHead;
  else if (dimension == "row" && *tensor != Tensor::Lse)
    value.kind = Kind::StrideRow;
  else
    return std::nullopt;
  return value;
}

static std::optional<Value> literalValue(std::string_view text) {
  Value value;
  const char *end = text.data() + text.size();
  if (auto [stop, error] = std::from_chars(text.data(), end, value.literal);
      error == std::errc() && stop == end) {
    value.real = double(value.literal);
    return value;
  }
  if (auto [stop, error] = std::from_chars(text.data(), end, value.real);
      error == std::errc() && stop == end && std::isfinite(value.real)) {
    value.isFloat = true;
    return value;
  }
  return std::nullopt;
}

static Result<Value> readValue(const Json &json, const std::string &field,
                               const Manifest *manifest) {
  std::optional<Value> value;
  std::string text;
  if (json.is_string())
    text = json.get<std::string>();
  else if (json.is_number())
    text = json.dump();
  if (!text.empty() && text.size() <= 256)
    if (value = namedValue(text); !value)
      value = literalValue(text);
  if (!value && manifest && json.is_string()) {
    const auto &names = manifest->capturedNames;
    if (auto found = std::find(names.begin(), names.end(), text);
        found != names.end()) {
      value.emplace();
      value->kind = Value::Kind::Captured;
      value->literal = found - names.begin();
    }
  }
  if (!value)
    return fieldError(field, json, valueForms);
  value->text = text;
  return *value;
}

/// A value that may stand in the grid and in requirements.
static Result<Value> readIntegerValue(const Json &json,
                                      const std::string &field) {
  ATTN_TRY(Value value, readValue(json, field, nullptr));
  if (value.isFloat || value.kind == Value::Kind::Workgroups)
    return fieldError(field, json, "an integer value of the call's");
  return value;
}

//===----------------------------------------------------------------------===//
// Grid and requirements
//===----------------------------------------------------------------------===//

static Status readFactors(const Json &json, const std::string &field, int depth,
                          GridRule &rule) {
  const char *const allowed =
      "{\"value\": V}, {\"ceil_div\": [V, n]} or {\"product\": [rule, ...]}, "
      "at most 8 deep and 16 factors, or {\"resident\": rule} of one";
  if (depth > 8 || rule.factors.size() >= 16)
    return fieldError(field, json, allowed);
  GridRule::Factor factor;
  if (const Json *value = member(json, "value")) {
    ATTN_TRY(factor.value, readIntegerValue(*value, field + ".value"));
    rule.factors.push_back(std::move(factor));
    return success();
  }
  if (const Json *division = member(json, "ceil_div")) {
    const std::string at = field + ".ceil_div";
    ATTN_CHECK(readArray(*division, at, 2, 2).ok()
                   ? success()
                   : Status(fieldError(at, *division, allowed)));
    ATTN_TRY(factor.value, readIntegerValue((*division)[0], at + "[0]"));
    ATTN_TRY(factor.divisor,
             readInteger((*division)[1], at + "[1]", 1, INT32_MAX));
    rule.factors.push_back(std::move(factor));
    return success();
  }
  if (const Json *product = member(json, "product")) {
    const std::string at = field + ".product";
    ATTN_TRY(const Json *rules, readArray(*product, at, 1, 16));
    for (size_t i = 0; i < rules->size(); ++i)
      ATTN_CHECK(readFactors((*rules)[i], at + "[" + std::to_string(i) + "]",
                             depth + 1, rule));
    return success();
  }
  return fieldError(field, json, allowed);
}

Result<GridRule> attn_jit::rt::readGridRule(const Json &json,
                                            const std::string &field) {
  GridRule rule;
  const Json *most = member(json, "resident");
  rule.resident = most;
  ATTN_CHECK(most ? readFactors(*most, field + ".resident", 0, rule)
                  : readFactors(json, field, 0, rule));
  return rule;
}

Result<Requirement> attn_jit::rt::readRequirement(const Json &json,
                                                  const std::string &field) {
  using Kind = Requirement::Kind;
  static constexpr std::pair<const char *, Kind> names[] = {
      {"multiple", Kind::Multiple}, {"aligned", Kind::Aligned},
      {"at_most", Kind::AtMost},    {"at_least", Kind::AtLeast},
      {"equal", Kind::Equal},       {"pointer_aligned", Kind::PointerAligned},
  };
  for (const auto &[word, kind] : names) {
    const Json *operands = member(json, word);
    if (!operands)
      continue;
    const std::string at = field + "." + word;
    ATTN_CHECK(readArray(*operands, at, 2, 2).ok()
                   ? success()
                   : Status(fieldError(at, *operands, "a pair")));
    Requirement rule;
    rule.kind = kind;
    rule.text = excerpt(json);
    const Json &left = (*operands)[0], &right = (*operands)[1];
    if (kind == Kind::PointerAligned) {
      const std::optional<Tensor> tensor =
          left.is_string() ? tensorNamed(left.get_ref<const std::string &>())
                           : std::nullopt;
      if (!tensor)
        return fieldError(at + "[0]", left, "q, k, v, o, lse, workspace");
      rule.tensor = *tensor;
    } else {
      ATTN_TRY(rule.left, readIntegerValue(left, at + "[0]"));
    }
    if (kind == Kind::Multiple) {
      ATTN_TRY(rule.right, readIntegerValue(right, at + "[1]"));
    } else {
      const bool divides =
          kind == Kind::Aligned || kind == Kind::PointerAligned;
      ATTN_TRY(rule.right.literal,
               readInteger(right, at + "[1]", divides ? 1 : -maxInteger,
                           maxInteger));
    }
    return rule;
  }
  return fieldError(field, json,
                    "{\"multiple\": [A, B]}, or aligned, at_most, at_least, "
                    "equal: [A, n], or {\"pointer_aligned\": [T, bytes]}");
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

uint32_t Argument::size() const {
  switch (kind) {
  case Kind::TensorMap:
    return 128;
  case Kind::Pointer:
  case Kind::I64:
    return 8;
  case Kind::I32:
  case Kind::F32:
    return 4;
  }
  return 0;
}

uint32_t Argument::alignment() const {
  return kind == Kind::TensorMap ? 64 : size();
}

static Status readTensorMap(const Json &json, const std::string &field,
                            Argument &argument) {
  using Element = TensorMapRequest::Element;
  static constexpr std::tuple<const char *, Element, uint32_t> elements[] = {
      {"f16", Element::F16, 2}, {"bf16", Element::BF16, 2},
      {"f32", Element::F32, 4}, {"e4m3", Element::U8, 1},
      {"e5m2", Element::U8, 1}, {"s8", Element::U8, 1},
      {"u8", Element::U8, 1}};
  const Json *element = member(json, "element");
  uint32_t bytes = 0;
  for (const auto &[word, kind, size] : elements)
    if (element && *element == word) {
      argument.element = kind;
      bytes = size;
    }
  if (!bytes)
    return fieldError(field + ".element", orNull(element),
                      "f16, bf16, f32, e4m3, e5m2, s8, u8");

  const Json *box = member(json, "box");
  ATTN_TRY(const Json *sizes, readArray(orNull(box), field + ".box", 4, 4));
  for (size_t i = 0; i < 4; ++i) {
    ATTN_TRY(argument.box[i],
             readInteger((*sizes)[i], field + ".box[" + std::to_string(i) + "]",
                         1, 256));
  }

  const Json *swizzle = member(json, "swizzle");
  ATTN_TRY(argument.swizzle,
           readInteger(orNull(swizzle), field + ".swizzle", 0, 128));
  const uint32_t span = argument.swizzle, inner = argument.box[0] * bytes;
  if (span != 0 && span != 32 && span != 64 && span != 128)
    return fieldError(field + ".swizzle", *swizzle, "0, 32, 64, 128");
  if (inner % 16 || (span && inner > span))
    return fieldError(
        field + ".box[0]", (*sizes)[0],
        "a multiple of 16 bytes" +
            (span ? ", at most the swizzle's " + std::to_string(span)
                  : std::string()));
  return success();
}

Result<Argument> attn_jit::rt::readArgument(const Json &json,
                                            const std::string &field,
                                            const Manifest &manifest) {
  using Kind = Argument::Kind;
  static constexpr std::pair<const char *, Kind> kinds[] = {
      {"tensor_map", Kind::TensorMap},
      {"pointer", Kind::Pointer},
      {"i32", Kind::I32},
      {"i64", Kind::I64},
      {"f32", Kind::F32},
  };
  Argument argument;
  const Json *kind = member(json, "kind");
  bool known = false;
  for (const auto &[word, each] : kinds)
    if (kind && *kind == word) {
      argument.kind = each;
      known = true;
    }
  if (!known)
    return fieldError(field + ".kind", orNull(kind),
                      "tensor_map, pointer, i32, i64, f32");

  if (argument.kind == Kind::TensorMap || argument.kind == Kind::Pointer) {
    const bool map = argument.kind == Kind::TensorMap;
    const Json *tensor = member(json, "tensor");
    const std::optional<Tensor> which =
        tensor && tensor->is_string()
            ? tensorNamed(tensor->get_ref<const std::string &>())
            : std::nullopt;
    if (!which || (map && *which > Tensor::O))
      return fieldError(field + ".tensor", orNull(tensor),
                        map ? "q, k, v, o" : "q, k, v, o, lse, workspace");
    argument.tensor = *which;
    if (!map)
      return argument;
    if (manifest.imageKind != ImageKind::Ptx &&
        manifest.imageKind != ImageKind::Cubin)
      return fieldError(field + ".kind", *kind,
                        "tensor_map only in ptx and cubin images");
    ATTN_CHECK(readTensorMap(json, field, argument));
    return argument;
  }

  const Json *value = member(json, "value");
  ATTN_TRY(argument.value,
           readValue(orNull(value), field + ".value", &manifest));
  if (argument.value.isFloat && argument.kind != Kind::F32)
    return fieldError(field + ".value", *value,
                      "an integer value for an " + kind->get<std::string>());
  if (argument.kind == Kind::I32 &&
      argument.value.kind == Value::Kind::Literal &&
      argument.value.literal != int32_t(argument.value.literal))
    return fieldError(field + ".value", *value, "a value within i32");
  return argument;
}
