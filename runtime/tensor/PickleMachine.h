// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pickle machine's state, shared by its opcodes (SafeUnpickler.cpp) and by
// what they build (PickleBuild.cpp). Invariant: a container that became a child
// is never changed again, so heights and weights stay true and no cycle can
// close.

#ifndef ATTN_JIT_RUNTIME_TENSOR_PICKLEMACHINE_H
#define ATTN_JIT_RUNTIME_TENSOR_PICKLEMACHINE_H

#include "runtime/tensor/SafeUnpickler.h"

#include <string_view>
#include <unordered_map>
#include <vector>

namespace attn_jit::rt {

/// A value under construction, or one of the things that only exist on the way
/// to a tensor.
struct PickleNode : PtValue {
  enum class Role : uint8_t {
    Data,
    RebuildTensor,
    OrderedDict,
    Size,
    StorageType,
    StorageRef
  };
  Role role = Role::Data;
  bool tainted = false;  ///< is, or holds, something that is not data
  bool attached = false; ///< is someone's child
  uint32_t height = 1;
  uint64_t weight = 1; ///< values when written out in full
  std::shared_ptr<Storage> storage;
};
using NodeRef = std::shared_ptr<PickleNode>;

class PickleMachine {
public:
  PickleMachine(std::span<const std::byte> pickle,
                const StorageLoader &loadStorage)
      : pickle(pickle), loadStorage(loadStorage) {}
  Result<PtRef> run();

private:
  // Opcodes, by what they make; each says whether the opcode is its own.
  Result<bool> stepStack(uint8_t opcode);
  Result<bool> stepNumber(uint8_t opcode);
  Result<bool> stepText(uint8_t opcode);
  Result<bool> stepContainer(uint8_t opcode);
  Result<bool> stepCall(uint8_t opcode);

  Result<std::string_view> take(uint64_t count);
  Result<uint64_t> takeUnsigned(unsigned count);
  Result<std::string_view> takeLine();
  Result<std::string_view> takeCounted(unsigned lengthBytes);

  // A pop can not reach below the newest mark.
  size_t floor() const { return marks.empty() ? 0 : marks.back(); }
  Status push(NodeRef node);
  Status push(PtValue value);
  Status pushInteger(int64_t value);
  Status pushDecimal(std::string_view digits);
  Status pushLong(std::string_view bytes);
  Status pushText(PtValue::Kind kind, std::string_view text);
  Result<NodeRef> pop();
  Result<std::vector<NodeRef>> popToMark();
  Result<std::vector<NodeRef>> popMany(size_t count);
  Status remember(uint64_t slot);
  Status recall(uint64_t slot);

  // Building.
  Status attach(PickleNode &parent, const NodeRef &child);
  Status pushContainer(PtValue::Kind kind, const std::vector<NodeRef> &items);
  /// Adds to the container on top of the stack.
  Status extendTop(PtValue::Kind kind, const std::vector<NodeRef> &items);
  Status pushGlobal(std::string_view module, std::string_view symbol);
  Status persistentLoad();
  Status reduce();
  Status rebuildTensor(const PickleNode &arguments);

  Error fault(const std::string &what) const {
    return badInput(what + " (byte " + std::to_string(start) + " of data.pkl)");
  }

  std::span<const std::byte> pickle;
  const StorageLoader &loadStorage;
  size_t at = 0, start = 0;
  std::vector<NodeRef> stack;
  std::vector<size_t> marks;
  std::unordered_map<uint64_t, NodeRef> memo;
  uint64_t created = 0;
};

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TENSOR_PICKLEMACHINE_H
