// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The opcodes of pickle protocols 0 to 5 that make data, and the stack they
// work on. Invariant: each step reads inside the pickle and pops inside the
// stack, or the whole read fails.

#include "runtime/tensor/SafeUnpickler.h"

#include "runtime/tensor/PickleMachine.h"

#include <bit>
#include <charconv>
#include <cstdio>

namespace attn_jit::rt {

using Kind = PtValue::Kind;
constexpr uint64_t maxStack = uint64_t(1) << 20;

Result<std::string_view> PickleMachine::take(uint64_t count) {
  if (count > pickle.size() - at)
    return fault("the pickle is truncated");
  std::string_view text(reinterpret_cast<const char *>(pickle.data()) + at,
                        count);
  at += count;
  return text;
}

Result<uint64_t> PickleMachine::takeUnsigned(unsigned count) {
  ATTN_TRY(auto bytes, take(count));
  uint64_t value = 0;
  for (unsigned i = 0; i < count; ++i)
    value |= uint64_t(uint8_t(bytes[i])) << (8 * i);
  return value;
}

Result<std::string_view> PickleMachine::takeLine() {
  std::string_view rest(reinterpret_cast<const char *>(pickle.data()) + at,
                        pickle.size() - at);
  size_t length = rest.find('\n');
  if (length == rest.npos)
    return fault("the pickle is truncated");
  at += length + 1;
  return rest.substr(0, length);
}

Result<std::string_view> PickleMachine::takeCounted(unsigned lengthBytes) {
  ATTN_TRY(uint64_t length, takeUnsigned(lengthBytes));
  return take(length);
}

Status PickleMachine::push(NodeRef node) {
  if (stack.size() >= maxStack)
    return fault("the pickle's stack is too deep");
  stack.push_back(std::move(node));
  return success();
}

Result<NodeRef> PickleMachine::pop() {
  if (stack.size() <= floor())
    return fault("the pickle takes from an empty stack");
  NodeRef node = std::move(stack.back());
  stack.pop_back();
  return node;
}

Result<std::vector<NodeRef>> PickleMachine::popToMark() {
  if (marks.empty())
    return fault("the pickle has no mark");
  std::vector<NodeRef> items(stack.begin() + marks.back(), stack.end());
  stack.resize(marks.back());
  marks.pop_back();
  return items;
}

Result<std::vector<NodeRef>> PickleMachine::popMany(size_t count) {
  if (stack.size() - floor() < count)
    return fault("the pickle takes from an empty stack");
  std::vector<NodeRef> items(stack.end() - count, stack.end());
  stack.resize(stack.size() - count);
  return items;
}

Status PickleMachine::remember(uint64_t slot) {
  if (stack.size() <= floor())
    return fault("the pickle takes from an empty stack");
  memo[slot] = stack.back();
  return success();
}

Status PickleMachine::recall(uint64_t slot) {
  auto found = memo.find(slot);
  if (found == memo.end())
    return fault("the pickle recalls slot " + std::to_string(slot) +
                 ", which it never filled");
  return push(found->second);
}

Result<bool> PickleMachine::stepStack(uint8_t opcode) {
  uint64_t slot = 0;
  switch (opcode) {
  case 0x80: { // PROTO
    ATTN_TRY(uint64_t version, takeUnsigned(1));
    if (version > 5)
      return fault("pickle protocol " + std::to_string(version) +
                   " is unknown; 0 to 5 are read");
    return true;
  }
  case 0x95: // FRAME: only a hint for buffering
    ATTN_CHECK(takeUnsigned(8));
    return true;
  case '(':
    if (marks.size() >= maxStack)
      return fault("the pickle's stack is too deep");
    marks.push_back(stack.size());
    return true;
  case '0':
    // Python lets POP take a mark as well.
    if (stack.size() == floor() && !marks.empty())
      marks.pop_back();
    else
      ATTN_CHECK(pop());
    return true;
  case '1':
    ATTN_CHECK(popToMark());
    return true;
  case '2': {
    ATTN_TRY(NodeRef node, pop());
    ATTN_CHECK(push(node));
    ATTN_CHECK(push(node));
    return true;
  }
  case 'q':
  case 'r': {
    ATTN_TRY(slot, takeUnsigned(opcode == 'q' ? 1 : 4));
    ATTN_CHECK(remember(slot));
    return true;
  }
  case 0x94: // MEMOIZE
    ATTN_CHECK(remember(memo.size()));
    return true;
  case 'h':
  case 'j': {
    ATTN_TRY(slot, takeUnsigned(opcode == 'h' ? 1 : 4));
    ATTN_CHECK(recall(slot));
    return true;
  }
  case 'p':
  case 'g': {
    ATTN_TRY(auto line, takeLine());
    auto parsed = std::from_chars(line.data(), line.data() + line.size(), slot);
    if (parsed.ec != std::errc() || parsed.ptr != line.data() + line.size())
      return fault("the pickle has a malformed memo slot");
    ATTN_CHECK(opcode == 'p' ? remember(slot) : recall(slot));
    return true;
  }
  }
  return false;
}

Result<bool> PickleMachine::stepNumber(uint8_t opcode) {
  PtValue value;
  switch (opcode) {
  case 'N':
    ATTN_CHECK(push(value));
    return true;
  case 0x88:
  case 0x89:
    value.kind = Kind::Bool;
    value.boolean = opcode == 0x88;
    ATTN_CHECK(push(value));
    return true;
  case 'K':
  case 'M': {
    ATTN_TRY(uint64_t bits, takeUnsigned(opcode == 'K' ? 1 : 2));
    ATTN_CHECK(pushInteger(int64_t(bits)));
    return true;
  }
  case 'J': {
    ATTN_TRY(uint64_t bits, takeUnsigned(4));
    ATTN_CHECK(pushInteger(int32_t(uint32_t(bits))));
    return true;
  }
  case 0x8a:   // LONG1
  case 0x8b: { // LONG4
    ATTN_TRY(auto bytes, takeCounted(opcode == 0x8a ? 1 : 4));
    ATTN_CHECK(pushLong(bytes));
    return true;
  }
  case 'I':
  case 'L': {
    ATTN_TRY(auto line, takeLine());
    if (opcode == 'L' && line.ends_with('L'))
      line.remove_suffix(1);
    if (opcode == 'I' && (line == "00" || line == "01")) {
      value.kind = Kind::Bool;
      value.boolean = line == "01";
      ATTN_CHECK(push(value));
      return true;
    }
    ATTN_CHECK(pushDecimal(line));
    return true;
  }
  case 'F': {
    ATTN_TRY(auto line, takeLine());
    value.kind = Kind::Float;
    auto parsed =
        std::from_chars(line.data(), line.data() + line.size(), value.number);
    if (parsed.ec != std::errc() || parsed.ptr != line.data() + line.size())
      return fault("the pickle has a malformed float");
    ATTN_CHECK(push(value));
    return true;
  }
  case 'G': {
    ATTN_TRY(uint64_t bits, takeUnsigned(8));
    value.kind = Kind::Float;
    value.number = std::bit_cast<double>(__builtin_bswap64(bits));
    ATTN_CHECK(push(value));
    return true;
  }
  }
  return false;
}

Result<bool> PickleMachine::stepText(uint8_t opcode) {
  Kind kind = Kind::String;
  unsigned lengthBytes = 0;
  switch (opcode) {
  case 'X': // BINUNICODE
    lengthBytes = 4;
    break;
  case 0x8c: // SHORT_BINUNICODE
    lengthBytes = 1;
    break;
  case 0x8d: // BINUNICODE8
    lengthBytes = 8;
    break;
  case 'U': // SHORT_BINSTRING, Python 2's str
    lengthBytes = 1;
    break;
  case 'T':
    lengthBytes = 4;
    break;
  case 'C': // SHORT_BINBYTES
    lengthBytes = 1, kind = Kind::Bytes;
    break;
  case 'B':
    lengthBytes = 4, kind = Kind::Bytes;
    break;
  case 0x8e: // BINBYTES8
    lengthBytes = 8, kind = Kind::Bytes;
    break;
  case 'S':
  case 'V': {
    ATTN_TRY(auto line, takeLine());
    if (line.find('\\') != line.npos)
      return fault("escapes in a protocol 0 string are not read");
    if (opcode == 'S') {
      if (line.size() < 2 || line.front() != line.back() ||
          (line.front() != '\'' && line.front() != '"'))
        return fault("the pickle has a malformed string");
      line = line.substr(1, line.size() - 2);
    }
    ATTN_CHECK(pushText(kind, line));
    return true;
  }
  default:
    return false;
  }
  ATTN_TRY(auto text, takeCounted(lengthBytes));
  ATTN_CHECK(pushText(kind, text));
  return true;
}

Result<bool> PickleMachine::stepContainer(uint8_t opcode) {
  switch (opcode) {
  case ']':
    ATTN_CHECK(pushContainer(Kind::List, {}));
    return true;
  case '}':
    ATTN_CHECK(pushContainer(Kind::Dict, {}));
    return true;
  case ')':
    ATTN_CHECK(pushContainer(Kind::Tuple, {}));
    return true;
  case 0x8f: // EMPTY_SET
    ATTN_CHECK(pushContainer(Kind::Set, {}));
    return true;
  case 't':
  case 'l':
  case 'd':
  case 0x91: { // FROZENSET
    ATTN_TRY(auto items, popToMark());
    Kind kind = opcode == 't'   ? Kind::Tuple
                : opcode == 'l' ? Kind::List
                : opcode == 'd' ? Kind::Dict
                                : Kind::Set;
    ATTN_CHECK(pushContainer(kind, items));
    return true;
  }
  case 0x85: // TUPLE1 to TUPLE3
  case 0x86:
  case 0x87: {
    ATTN_TRY(auto items, popMany(opcode - 0x84));
    ATTN_CHECK(pushContainer(Kind::Tuple, items));
    return true;
  }
  case 'a':
  case 's': {
    ATTN_TRY(auto items, popMany(opcode == 'a' ? 1 : 2));
    ATTN_CHECK(extendTop(opcode == 'a' ? Kind::List : Kind::Dict, items));
    return true;
  }
  case 'e':
  case 'u':
  case 0x90: { // ADDITEMS
    ATTN_TRY(auto items, popToMark());
    Kind kind = opcode == 'e'   ? Kind::List
                : opcode == 'u' ? Kind::Dict
                                : Kind::Set;
    ATTN_CHECK(extendTop(kind, items));
    return true;
  }
  }
  return false;
}

Result<bool> PickleMachine::stepCall(uint8_t opcode) {
  switch (opcode) {
  case 'c':
  case 'i': { // INST: a global that is called at once
    ATTN_TRY(auto module, takeLine());
    ATTN_TRY(auto symbol, takeLine());
    ATTN_CHECK(pushGlobal(module, symbol));
    if (opcode == 'i')
      return fault("a class instance is not read");
    return true;
  }
  case 0x93: { // STACK_GLOBAL
    ATTN_TRY(auto names, popMany(2));
    if (names[0]->kind != Kind::String || names[1]->kind != Kind::String)
      return fault("the pickle names a global by something that is no string");
    ATTN_CHECK(pushGlobal(names[0]->text, names[1]->text));
    return true;
  }
  case 'Q':
    ATTN_CHECK(persistentLoad());
    return true;
  case 'R':
    ATTN_CHECK(reduce());
    return true;
  }
  return false;
}

Result<PtRef> PickleMachine::run() {
  using Step = Result<bool> (PickleMachine::*)(uint8_t);
  constexpr Step steps[] = {
      &PickleMachine::stepStack, &PickleMachine::stepNumber,
      &PickleMachine::stepText, &PickleMachine::stepContainer,
      &PickleMachine::stepCall};
  for (;;) {
    start = at;
    ATTN_TRY(uint64_t opcode, takeUnsigned(1));
    if (opcode == '.')
      break;
    bool known = false;
    for (Step step : steps) {
      ATTN_TRY(known, (this->*step)(uint8_t(opcode)));
      if (known)
        break;
    }
    if (!known) {
      // BUILD, NEWOBJ, OBJ, extension and buffer codes make objects of classes.
      char code[8];
      std::snprintf(code, sizeof code, "0x%02x", unsigned(opcode));
      return fault(std::string("pickle opcode ") + code +
                   " is refused: it makes no plain data");
    }
  }
  if (stack.size() != 1 || !marks.empty())
    return fault("the pickle ends with " + std::to_string(stack.size()) +
                 " values on its stack");
  if (stack.back()->tainted)
    return fault("the pickle's result is not plain data");
  return PtRef(stack.back());
}

Result<PtRef> safeUnpickle(std::span<const std::byte> pickle,
                           const StorageLoader &loadStorage) {
  return PickleMachine(pickle, loadStorage).run();
}

} // namespace attn_jit::rt
