// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The function round an attn.forward, which says how a launch binds the op: a
// kernel is built from the op and the names of the arguments alone, so
// whatever else the function would compute is refused here.
#include "dialect/Elementwise.h"
#include "dialect/attn/Attn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace attn_jit;
using namespace attn_jit::attn;
using llvm::Error;

/// What a manifest binds beside kLaunchScalars (docs/manifest.md, "pointer");
/// strides have a dot, which no captured name may have.
static constexpr llvm::StringLiteral kTensors[] = {"q", "k",   "v",
                                                   "o", "lse", "workspace"};

namespace {
class DescriptionFunction {
public:
  explicit DescriptionFunction(ForwardOp op)
      : op(op), function(cast<func::FuncOp>(op->getParentOp())) {
    live.insert(op);
    for (size_t next = 0; next < live.size(); ++next)
      live[next]->walk([&](Operation *reader) {
        for (Value operand : reader->getOperands())
          if (Operation *source = operand.getDefiningOp();
              source && !op->isProperAncestor(source))
            live.insert(source);
      });
  }

  Error verify() {
    if (!llvm::hasSingleElement(function.getBody()))
      return inputError("description: {0} blocks given, allowed: 1",
                        function.getBody().getBlocks().size());
    static constexpr llvm::StringLiteral kOperands[] = {"q", "k", "v", "scale"};
    for (auto [name, operand] : llvm::zip_equal(kOperands, op.getOperands()))
      if (Error error = verifyOperand(name, operand))
        return error;
    llvm::StringSet<> names;
    for (BlockArgument argument : function.getArguments())
      if (Error error = verifyCaptured(argument, names))
        return error;
    if (Error error = verifyResults())
      return error;
    return verifyBeside();
  }

private:
  StringRef nameOf(BlockArgument argument) {
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      kArgName);
    return name ? name.getValue() : StringRef();
  }

  Error verifyOperand(StringRef name, Value operand) {
    auto argument = dyn_cast<BlockArgument>(operand);
    if (!argument)
      return inputError("{0}: the result of '{1}' given, allowed: the "
                        "argument of attn.arg \"{0}\"",
                        name, operand.getDefiningOp()->getName());
    if (nameOf(argument) != name)
      return inputError("{0}: the argument of attn.arg \"{1}\" given, "
                        "allowed: that of attn.arg \"{0}\"",
                        name, nameOf(argument));
    if (!operand.hasOneUse() && llvm::any_of(operand.getUses(), [&](auto &use) {
          return use.getOwner() != op && isLive(use.getOwner());
        }))
      return inputError("{0}: used beside the op, allowed: a captured scalar "
                        "of another name",
                        name);
    return Error::success();
  }

  Error verifyCaptured(BlockArgument argument, llvm::StringSet<> &names) {
    if (llvm::is_contained(op->getOperands(), argument))
      return Error::success();
    StringRef name = nameOf(argument);
    auto isWord = [](char c) { return llvm::isAlnum(c) || c == '_'; };
    if (name.empty() || llvm::isDigit(name[0]) || !llvm::all_of(name, isWord))
      return inputError("argument {0}: attn.arg \"{1}\" given, allowed: a name "
                        "of letters, digits and _",
                        argument.getArgNumber(), name);
    if (llvm::is_contained(kTensors, name) ||
        llvm::is_contained(kLaunchScalars, name))
      return inputError(
          "argument {0}: attn.arg \"{1}\" given, which the launch "
          "binds itself; allowed: none of {2}, {3}",
          argument.getArgNumber(), name, llvm::join(ArrayRef(kTensors), ", "),
          llvm::join(ArrayRef(kLaunchScalars), ", "));
    if (!names.insert(name).second)
      return inputError("argument {0}: attn.arg \"{1}\" given twice",
                        argument.getArgNumber(), name);
    if (!argument.getType().isInteger(32) && !argument.getType().isF32())
      return inputError("argument \"{0}\": {1} given, allowed: i32, f32", name,
                        argument.getType());
    return Error::success();
  }

  Error verifyResults() {
    for (Operation *user : op->getUsers())
      if (!isa<func::ReturnOp>(user))
        return inputError("result: used by '{0}', allowed: 'func.return'",
                          user->getName());
    for (Value value : function.front().getTerminator()->getOperands())
      if (value.getDefiningOp() != op)
        return inputError("func.return: another value given, allowed: the "
                          "results of attn.forward");
    return Error::success();
  }

  /// What stands beside the op is arithmetic on captured scalars, which the
  /// kernel computes too, or nothing that anyone needs.
  Error verifyBeside() {
    for (Operation &beside : function.front().without_terminator()) {
      if (&beside == op || (isMemoryEffectFree(&beside) && !isLive(&beside)))
        continue;
      if (auto reason = whyNotElementwise(beside, "the function"))
        return inputError("'{0}' {1}", beside.getName(), *reason);
    }
    return Error::success();
  }

  /// Whether the op depends on `user`, or `user` is within it.
  bool isLive(Operation *user) {
    return op->isAncestor(user) || live.contains(user);
  }

  ForwardOp op;
  func::FuncOp function;
  llvm::SetVector<Operation *> live; ///< what the op is computed from
};
} // namespace

Error attn_jit::attn::verifyFunction(ForwardOp op) {
  return DescriptionFunction(op).verify();
}
