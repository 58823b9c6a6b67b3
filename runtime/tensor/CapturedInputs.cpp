// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds and reads captured attention inputs of each file kind.
// Invariant: nothing is returned before the shapes of q, k, v were checked
// against each other, and each dtype by itself.

#include "runtime/tensor/CapturedInputs.h"

#include "runtime/tensor/ByteSource.h"
#include "runtime/tensor/NpyReader.h"
#include "runtime/tensor/PtReader.h"
#include "runtime/tensor/SafetensorsReader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

namespace attn_jit::rt {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view torchCausalKey = "is_causal";
constexpr std::string_view causalKeys[] = {torchCausalKey, "causal"};
constexpr std::string_view scaleKeys[] = {"softmax_scale", "scale", "sm_scale"};

template <size_t N>
bool contains(const std::string_view (&keys)[N], std::string_view key) {
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

Error fault(const std::string &path, const std::string &what) {
  return badInput(path + ": " + what);
}

Status setScale(CapturedInputs &inputs, double scale, std::string_view key) {
  if (!std::isfinite(scale) || scale <= 0)
    return fault(inputs.path, std::string(key) + " is " +
                                  std::to_string(scale) +
                                  "; a positive number is wanted");
  inputs.scale = scale;
  return success();
}

/// Keyword arguments of the captured call: those with a meaning here are taken,
/// all are shown.
Status readKwargs(CapturedInputs &inputs, const PtValue &kwargs) {
  if (kwargs.kind != PtValue::Kind::Dict)
    return fault(inputs.path,
                 "kwargs is " + toText(kwargs, 40) + "; a dict is wanted");
  for (size_t i = 0; i < kwargs.items.size(); i += 2) {
    const PtValue &key = *kwargs.items[i], &value = *kwargs.items[i + 1];
    inputs.kwargs.emplace_back(
        key.kind == PtValue::Kind::String ? printable(key.text) : toText(key),
        toText(value));
    if (key.kind != PtValue::Kind::String || value.kind == PtValue::Kind::None)
      continue;
    bool isBool = value.kind == PtValue::Kind::Bool;
    bool isInt = value.kind == PtValue::Kind::Int;
    if (contains(causalKeys, key.text)) {
      if (!isBool && !(isInt && (value.integer == 0 || value.integer == 1)))
        return fault(inputs.path, key.text + " is " + toText(value, 40) +
                                      "; True or False is wanted");
      inputs.isCausal = isBool ? value.boolean : value.integer == 1;
      inputs.causalIsTorch = key.text == torchCausalKey;
    } else if (contains(scaleKeys, key.text)) {
      if (value.kind != PtValue::Kind::Float && !isInt)
        return fault(inputs.path, key.text + " is " + toText(value, 40) +
                                      "; a number is wanted");
      ATTN_CHECK(setScale(inputs, isInt ? double(value.integer) : value.number,
                          key.text));
    }
  }
  return success();
}

Status readPtInputs(CapturedInputs &inputs) {
  ATTN_TRY(PtRef root, readPt(inputs.path));
  for (auto [key, tensor] :
       {std::pair("q", &inputs.query), std::pair("k", &inputs.key),
        std::pair("v", &inputs.value)}) {
    const PtValue *value = root->find(key);
    if (!value || value->kind != PtValue::Kind::Tensor)
      return fault(inputs.path, std::string("no tensor '") + key +
                                    "': a dict with tensors q, k, v is wanted");
    *tensor = value->tensor;
    const PtValue *shape = root->find(std::string(key) + "_shape");
    if (!shape)
      continue;
    bool agrees = shape->items.size() == tensor->rank();
    for (size_t i = 0; agrees && i < shape->items.size(); ++i)
      agrees = shape->items[i]->kind == PtValue::Kind::Int &&
               shape->items[i]->integer == tensor->dim(i);
    if (!agrees)
      return fault(inputs.path, std::string(key) + "_shape says " +
                                    toText(*shape, 60) + " but " + key +
                                    " has shape " + shapeText(tensor->shape()));
  }
  if (const PtValue *kwargs = root->find("kwargs"))
    return readKwargs(inputs, *kwargs);
  return success();
}

Status readSafetensorsInputs(CapturedInputs &inputs) {
  ATTN_TRY(Safetensors file, readSafetensors(inputs.path));
  for (auto [key, tensor] :
       {std::pair("q", &inputs.query), std::pair("k", &inputs.key),
        std::pair("v", &inputs.value)}) {
    auto found = file.tensors.find(key);
    if (found == file.tensors.end())
      return fault(inputs.path, std::string("no tensor '") + key +
                                    "': q, k and v are wanted");
    *tensor = found->second;
  }
  for (const auto &[key, text] : file.metadata) {
    inputs.kwargs.emplace_back(printable(key), printable(text));
    if (contains(causalKeys, key)) {
      bool isTrue = text == "true" || text == "True" || text == "1";
      if (!isTrue && text != "false" && text != "False" && text != "0")
        return fault(inputs.path, key + " is " + inQuotes(text) +
                                      "; true or false is wanted");
      inputs.isCausal = isTrue;
      inputs.causalIsTorch = key == torchCausalKey;
    } else if (contains(scaleKeys, key)) {
      double scale = 0;
      auto parsed =
          std::from_chars(text.data(), text.data() + text.size(), scale);
      if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
        return fault(inputs.path,
                     key + " is " + inQuotes(text) + "; a number is wanted");
      ATTN_CHECK(setScale(inputs, scale, key));
    }
  }
  return success();
}

Status readNpyInputs(CapturedInputs &inputs) {
  fs::path folder = fs::path(inputs.path).parent_path();
  for (auto [file, tensor] :
       {std::pair("q.npy", &inputs.query), std::pair("k.npy", &inputs.key),
        std::pair("v.npy", &inputs.value)}) {
    ATTN_TRY(*tensor, readNpy((folder / file).string()));
  }
  return success();
}

Status checkTypes(const CapturedInputs &inputs) {
  for (auto [key, tensor] :
       {std::pair("q", &inputs.query), std::pair("k", &inputs.key),
        std::pair("v", &inputs.value)}) {
    if (tensor->rank() != 4)
      return fault(inputs.path, std::string(key) + " has shape " +
                                    shapeText(tensor->shape()) +
                                    "; four dimensions are wanted");
    DType type = tensor->type();
    if (type != DType::F16 && type != DType::BF16 && type != DType::F32)
      return fault(inputs.path, std::string(key) + " has dtype " +
                                    std::string(name(type)) +
                                    "; f16, bf16 or f32 is wanted");
  }
  return success();
}

bool isCaptureName(const std::string &file) {
  // The glob *_input_*.pt
  size_t at = file.find("_input_");
  return at != file.npos && file.ends_with(".pt") &&
         at + std::string_view("_input_").size() <= file.size() - 3;
}

} // namespace

static Error emptyTensor(const char *field, const HostTensor &tensor) {
  return badInput(std::string(field) + " has shape " +
                  shapeText(tensor.shape()) + ": it is empty");
}

Result<std::vector<std::string>> listCapturedInputs(const std::string &path) {
  std::error_code code;
  if (fs::is_regular_file(path, code))
    return std::vector{path};
  fs::directory_iterator folder(path, code), end;
  if (code)
    return notFound(path + ": " + code.message());
  std::vector<std::string> torch, safetensors, numpy;
  for (; folder != end; folder.increment(code)) {
    std::string file = folder->path().filename().string();
    if (isCaptureName(file))
      torch.push_back(folder->path().string());
    else if (file.ends_with(".safetensors"))
      safetensors.push_back(folder->path().string());
    else if (file == "q.npy")
      numpy.push_back(folder->path().string());
    if (code)
      return notFound(path + ": " + code.message());
  }
  std::sort(torch.begin(), torch.end());
  std::sort(safetensors.begin(), safetensors.end());
  std::vector<std::string> all = std::move(torch);
  all.insert(all.end(), safetensors.begin(), safetensors.end());
  all.insert(all.end(), numpy.begin(), numpy.end());
  if (all.empty())
    return notFound(path + ": no captured inputs: *_input_*.pt, *.safetensors "
                           "or q.npy, k.npy, v.npy are wanted");
  return all;
}

Result<CapturedInputs> readCapturedInputs(const std::string &path) {
  CapturedInputs inputs;
  inputs.path = path;
  inputs.name = fs::path(path).stem().string();
  if (path.ends_with(".pt") || path.ends_with(".pth"))
    ATTN_CHECK(readPtInputs(inputs));
  else if (path.ends_with(".safetensors"))
    ATTN_CHECK(readSafetensorsInputs(inputs));
  else if (path.ends_with(".npy"))
    ATTN_CHECK(readNpyInputs(inputs));
  else
    return fault(path, "unknown file kind; .pt, .safetensors and q.npy are "
                       "read");
  ATTN_CHECK(checkTypes(inputs));
  Status shapes = checkAttentionShapes(inputs.query, inputs.key, inputs.value);
  if (shapes && inputs.key.dim(2) == 0)
    shapes = emptyTensor("k", inputs.key);
  if (!shapes)
    return fault(path, shapes.error().text);
  inputs.layout = memoryLayout(inputs.query);
  return inputs;
}

std::string_view memoryLayout(const HostTensor &tensor) {
  if (tensor.isContiguous())
    return "bhsd";
  return tensor.permute({0, 2, 1, 3}).isContiguous() ? "bshd" : "strided";
}

Status checkAttentionShapes(const HostTensor &query, const HostTensor &key,
                            const HostTensor &value) {
  for (auto [field, tensor] :
       {std::pair("q", &query), std::pair("k", &key), std::pair("v", &value)}) {
    if (!tensor->defined() || tensor->rank() != 4)
      return badInput(std::string(field) +
                      " wants four dimensions: batch, heads, rows, dim");
    // There may be no keys: each query row then sees none.
    for (unsigned i = 0; i < 4; ++i)
      if (tensor->dim(i) == 0 && !(i == 2 && tensor != &query))
        return emptyTensor(field, *tensor);
  }
  struct Rule {
    const char *what;
    bool holds;
    int64_t left, right;
    const char *wanted;
  };
  const Rule rules[] = {
      {"k batch", key.dim(0) == query.dim(0), key.dim(0), query.dim(0),
       "q's batch"},
      {"v batch", value.dim(0) == query.dim(0), value.dim(0), query.dim(0),
       "q's batch"},
      {"v heads", value.dim(1) == key.dim(1), value.dim(1), key.dim(1),
       "k's heads"},
      {"v length", value.dim(2) == key.dim(2), value.dim(2), key.dim(2),
       "k's length"},
      {"k head dim", key.dim(3) == query.dim(3), key.dim(3), query.dim(3),
       "q's head dim"},
      {"q heads", query.dim(1) % key.dim(1) == 0, query.dim(1), key.dim(1),
       "a multiple of k's heads"},
  };
  for (const Rule &rule : rules)
    if (!rule.holds)
      return badInput(
          std::string(rule.what) + " is " + std::to_string(rule.left) + "; " +
          rule.wanted + ", " + std::to_string(rule.right) + ", is wanted (q " +
          shapeText(query.shape()) + ", k " + shapeText(key.shape()) + ", v " +
          shapeText(value.shape()) + ")");
  return success();
}

} // namespace attn_jit::rt
