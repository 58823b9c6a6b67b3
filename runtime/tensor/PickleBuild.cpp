// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the pickle machine builds: containers, the globals it knows, storages
// and tensors. Invariant: a global outside the table is refused by name before
// anything happens with it.

#include "runtime/tensor/ByteSource.h"
#include "runtime/tensor/PickleMachine.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace attn_jit::rt {
namespace {

using Kind = PtValue::Kind;
using Role = PickleNode::Role;
constexpr uint32_t maxHeight = 64;
constexpr uint64_t maxValues = uint64_t(1) << 20;

struct GlobalRow {
  std::string_view name;
  Role role;
  DType dtype = DType::F32;
};
constexpr GlobalRow globals[] = {
    {"torch._utils._rebuild_tensor_v2", Role::RebuildTensor},
    {"collections.OrderedDict", Role::OrderedDict},
    {"torch.Size", Role::Size},
    {"torch.DoubleStorage", Role::StorageType, DType::F64},
    {"torch.FloatStorage", Role::StorageType, DType::F32},
    {"torch.HalfStorage", Role::StorageType, DType::F16},
    {"torch.BFloat16Storage", Role::StorageType, DType::BF16},
    {"torch.LongStorage", Role::StorageType, DType::I64},
    {"torch.IntStorage", Role::StorageType, DType::I32},
    {"torch.ShortStorage", Role::StorageType, DType::I16},
    {"torch.CharStorage", Role::StorageType, DType::I8},
    {"torch.ByteStorage", Role::StorageType, DType::U8},
    {"torch.BoolStorage", Role::StorageType, DType::Bool},
    {"torch.float64", Role::Data, DType::F64},
    {"torch.float32", Role::Data, DType::F32},
    {"torch.float16", Role::Data, DType::F16},
    {"torch.bfloat16", Role::Data, DType::BF16},
    {"torch.int64", Role::Data, DType::I64},
    {"torch.int32", Role::Data, DType::I32},
    {"torch.int16", Role::Data, DType::I16},
    {"torch.int8", Role::Data, DType::I8},
    {"torch.uint8", Role::Data, DType::U8},
    {"torch.bool", Role::Data, DType::Bool},
};

/// Every value of the machine is a node.
const PickleNode &node(const PtRef &value) {
  return static_cast<const PickleNode &>(*value);
}

bool hashable(const PickleNode &node) {
  return !node.tainted && node.kind != Kind::List && node.kind != Kind::Dict &&
         node.kind != Kind::Set && node.kind != Kind::Tensor;
}

/// A tuple of integers, as sizes and strides are; nothing else.
std::optional<std::vector<int64_t>> integers(const PtValue &value) {
  if (value.kind != Kind::Tuple && value.kind != Kind::List)
    return std::nullopt;
  std::vector<int64_t> result;
  for (const PtRef &item : value.items) {
    if (item->kind != Kind::Int)
      return std::nullopt;
    result.push_back(item->integer);
  }
  return result;
}

} // namespace

Status PickleMachine::push(PtValue value) {
  if (++created > maxValues)
    return fault("the pickle holds more than " + std::to_string(maxValues) +
                 " values");
  auto node = std::make_shared<PickleNode>();
  static_cast<PtValue &>(*node) = std::move(value);
  return push(std::move(node));
}

Status PickleMachine::pushInteger(int64_t integer) {
  PtValue value;
  value.kind = Kind::Int;
  value.integer = integer;
  return push(std::move(value));
}

Status PickleMachine::pushDecimal(std::string_view digits) {
  int64_t value = 0;
  auto parsed =
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
    return fault("integer " + inQuotes(digits) +
                 " is malformed or wider than 64 bits");
  return pushInteger(value);
}

Status PickleMachine::pushLong(std::string_view bytes) {
  if (bytes.size() > 8)
    return fault("an integer of " + std::to_string(bytes.size()) +
                 " bytes; 8 at most are read");
  uint64_t bits =
      !bytes.empty() && uint8_t(bytes.back()) >= 0x80 ? ~uint64_t(0) : 0;
  for (size_t i = bytes.size(); i-- > 0;)
    bits = bits << 8 | uint8_t(bytes[i]);
  return pushInteger(int64_t(bits));
}

Status PickleMachine::pushText(Kind kind, std::string_view text) {
  PtValue value;
  value.kind = kind;
  value.text = text;
  return push(std::move(value));
}

Status PickleMachine::attach(PickleNode &parent, const NodeRef &child) {
  parent.height = std::max(parent.height, child->height + 1);
  parent.weight += child->weight; // both at most maxValues: no overflow
  if (parent.height > maxHeight)
    return fault("values nest deeper than " + std::to_string(maxHeight));
  if (parent.weight > maxValues)
    return fault("a value is larger than " + std::to_string(maxValues) +
                 " when written out");
  // Only the arguments of a call may hold a storage or a function.
  if (child->tainted && parent.kind != Kind::Tuple)
    return fault("a function or storage stands where data should");
  parent.tainted |= child->tainted;
  child->attached = true;
  parent.items.push_back(child);
  return success();
}

Status PickleMachine::pushContainer(Kind kind,
                                    const std::vector<NodeRef> &items) {
  PtValue value;
  value.kind = kind;
  ATTN_CHECK(push(std::move(value)));
  if (kind != Kind::Tuple)
    return extendTop(kind, items);
  for (const NodeRef &item : items)
    ATTN_CHECK(attach(*stack.back(), item));
  return success();
}

Status PickleMachine::extendTop(Kind kind, const std::vector<NodeRef> &items) {
  if (stack.size() <= floor())
    return fault("the pickle takes from an empty stack");
  PickleNode &top = *stack.back();
  if (top.kind != kind || top.role != Role::Data)
    return fault("the pickle adds to something of another kind");
  if (top.attached)
    return fault("a container changes after it was stored: cyclic values are "
                 "not read");
  if (kind == Kind::Dict && items.size() % 2 != 0)
    return fault("a dict has a key without a value");
  for (size_t i = 0; i < items.size(); ++i) {
    bool isKey = kind == Kind::Set || (kind == Kind::Dict && i % 2 == 0);
    if (isKey && !hashable(*items[i]))
      return fault("a dict key or set item is a container");
    if (items[i].get() == &top)
      return fault("a container holds itself: cyclic values are not read");
    ATTN_CHECK(attach(top, items[i]));
  }
  return success();
}

Status PickleMachine::pushGlobal(std::string_view module,
                                 std::string_view symbol) {
  std::string name = std::string(module) + "." + std::string(symbol);
  for (const GlobalRow &row : globals) {
    if (name != row.name)
      continue;
    PtValue value;
    value.kind = Kind::DType;
    value.dtype = row.dtype;
    ATTN_CHECK(push(std::move(value)));
    stack.back()->role = row.role;
    stack.back()->tainted = row.role != Role::Data;
    return success();
  }
  return fault("refused global " + inQuotes(name) +
               ": only tensors, containers, strings and numbers are read");
}

/// ('storage', storage type, key, location, number of elements)
Status PickleMachine::persistentLoad() {
  ATTN_TRY(NodeRef id, pop());
  const auto &parts = id->items;
  if (id->kind != Kind::Tuple || parts.size() != 5 ||
      parts[0]->kind != Kind::String || parts[0]->text != "storage" ||
      node(parts[1]).role != Role::StorageType ||
      parts[2]->kind != Kind::String || parts[3]->kind != Kind::String ||
      parts[4]->kind != Kind::Int)
    return fault("a persistent id is not ('storage', type, key, location, "
                 "elements)");
  DType type = parts[1]->dtype;
  int64_t count = parts[4]->integer;
  ATTN_TRY(auto storage, loadStorage(parts[2]->text, byteSize(type)));
  uint64_t bytes = 0;
  if (count < 0 ||
      __builtin_mul_overflow(uint64_t(count), uint64_t(byteSize(type)),
                             &bytes) ||
      bytes > storage->size())
    return fault("storage " + inQuotes(parts[2]->text) + " claims " +
                 std::to_string(count) + " elements of " +
                 std::string(name(type)) + ", its record has " +
                 std::to_string(storage->size()) + " bytes");
  PtValue value;
  value.kind = Kind::DType;
  value.dtype = type;
  ATTN_CHECK(push(std::move(value)));
  stack.back()->role = Role::StorageRef;
  stack.back()->tainted = true;
  stack.back()->storage = std::move(storage);
  return success();
}

Status PickleMachine::reduce() {
  ATTN_TRY(auto call, popMany(2));
  const PickleNode &arguments = *call[1];
  if (arguments.kind != Kind::Tuple)
    return fault("the arguments of a call are no tuple");
  switch (call[0]->role) {
  case Role::RebuildTensor:
    return rebuildTensor(arguments);
  case Role::OrderedDict:
    if (!arguments.items.empty())
      return fault("collections.OrderedDict is called with arguments");
    return pushContainer(Kind::Dict, {});
  case Role::Size: {
    if (arguments.items.size() != 1 || !integers(*arguments.items[0]))
      return fault("torch.Size is called with something but a tuple of "
                   "integers");
    PtValue value;
    value.kind = Kind::Tuple;
    ATTN_CHECK(push(std::move(value)));
    PickleNode &size = *stack.back();
    const PickleNode &sizes = node(arguments.items[0]);
    size.items = sizes.items;
    size.height = sizes.height;
    size.weight = sizes.weight;
    return success();
  }
  default:
    return fault("the pickle calls something that is no function");
  }
}

/// (storage, offset, size, stride, requires_grad, hooks[, metadata])
Status PickleMachine::rebuildTensor(const PickleNode &arguments) {
  const auto &items = arguments.items;
  if (items.size() < 6 || items.size() > 7)
    return fault("_rebuild_tensor_v2 has " + std::to_string(items.size()) +
                 " arguments; 6 or 7 are known");
  const PickleNode &storage = node(items[0]);
  auto shape = integers(*items[2]), strides = integers(*items[3]);
  if (storage.role != Role::StorageRef || items[1]->kind != Kind::Int ||
      !shape || !strides)
    return fault("_rebuild_tensor_v2 is not called with (storage, offset, "
                 "size, stride, ...)");
  auto tensor =
      HostTensor::view(storage.storage, storage.dtype, std::move(*shape),
                       std::move(*strides), items[1]->integer);
  if (!tensor)
    return fault("tensor: " + tensor.error().text);
  PtValue value;
  value.kind = Kind::Tensor;
  value.tensor = std::move(*tensor);
  return push(std::move(value));
}

} // namespace attn_jit::rt
