// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a description to its canonical attn module. The module is written as
// text and parsed, so that a description by flags and one by hand take the same
// way.
#include "dialect/Description.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace attn_jit;
using llvm::Expected;

void attn_jit::loadDescriptionDialects(MLIRContext &context) {
  context.loadDialect<attn::AttnDialect, arith::ArithDialect, func::FuncDialect,
                      math::MathDialect>();
}

static StringRef elementText(ElementKind element) {
  switch (element) {
  case ElementKind::F32:
    return "f32";
  case ElementKind::F16:
    return "f16";
  case ElementKind::BF16:
    return "bf16";
  }
  llvm_unreachable("element kinds are all above");
}

Expected<attn::ForwardOp> attn_jit::findForward(ModuleOp module) {
  SmallVector<attn::ForwardOp> found;
  module.walk([&](attn::ForwardOp op) { found.push_back(op); });
  if (found.size() != 1)
    return inputError("description: {0} attn.forward ops given, allowed: 1",
                      found.size());
  if (!isa<func::FuncOp>(found[0]->getParentOp()))
    return inputError("description: attn.forward must stand in a func.func");
  for (Operation &beside : module.getOps())
    if (&beside != found[0]->getParentOp())
      return inputError("description: '{0}' given beside the function of the "
                        "attn.forward, allowed: one function",
                        beside.getName());
  if (llvm::Error error = attn::verifyFunction(found[0]))
    return error;
  return found[0];
}

llvm::Error attn_jit::checkNesting(StringRef text) {
  constexpr int64_t kMostOpen = 100;
  int64_t open = 0, signs = 0, line = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i], next = i + 1 < text.size() ? text[i + 1] : 0;
    line += c == '\n';
    if (c == '/' && next == '/') {
      i = std::min(text.find('\n', i), text.size()) - 1;
      continue;
    }
    if (c == '"') { // closed by its line's end at the latest
      while (++i < text.size() && text[i] != '"' && text[i] != '\n')
        i += text[i] == '\\';
      line += i < text.size() && text[i] == '\n';
    }
    // Arrows and comparisons are no brackets.
    if (c == '-' && next == '>')
      ++i;
    else if (StringRef("([{").contains(c) || (c == '<' && next != '='))
      ++open;
    else if (StringRef(")]}").contains(c) || (c == '>' && next != '='))
      open = std::max<int64_t>(open - 1, 0);
    // A sign is as good as a bracket in an affine expression.
    if (!llvm::isSpace(c))
      signs = c == '-' && next != '>' ? signs + 1 : 0;
    if (open + signs > kMostOpen)
      return inputError("line {0}: more than {1} brackets open, allowed: {1}",
                        line, kMostOpen);
  }
  return llvm::Error::success();
}

Expected<OwningOpRef<ModuleOp>> attn_jit::parseModule(StringRef text,
                                                      MLIRContext &context) {
  if (llvm::Error error = checkNesting(text))
    return inputError("description: {0}", llvm::toString(std::move(error)));
  loadDescriptionDialects(context);
  std::string firstError;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (firstError.empty())
      firstError = diagnostic.str();
    return success();
  });
  auto module = parseSourceString<ModuleOp>(text, ParserConfig(&context));
  if (!module)
    return inputError("description: {0}", firstError);
  PassManager passes(&context);
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  if (failed(passes.run(*module)))
    return inputError("description: {0}", firstError);
  Expected<attn::ForwardOp> forward = findForward(*module);
  if (!forward)
    return forward.takeError();
  return module;
}

static std::string maskText(const AttentionDescription &description) {
  static constexpr llvm::StringLiteral kCausal =
      "^bb0(%b: i32, %h: i32, %q: i32, %kv: i32):\n"
      "  %seen = arith.cmpi sge, %q, %kv : i32\n"
      "  attn.yield %seen : i1\n";
  if (description.causal)
    return kCausal.str();
  return description.mask;
}

Expected<OwningOpRef<ModuleOp>>
attn_jit::buildModule(const AttentionDescription &description,
                      MLIRContext &context) {
  for (auto [name, dim] :
       {std::pair{"d", description.headDim}, {"dv", description.valueDim}})
    if (dim < 1 || dim > 1024)
      return inputError("{0}: {1} given, allowed: 1 to 1024", name, dim);
  if (description.causal && !description.mask.empty())
    return inputError(
        "mask: given beside causal; write the mask as one region");
  if (description.precision != attn::Precision::IEEE &&
      description.element != ElementKind::F32)
    return inputError("precision: {0} given, allowed with {1}: {2}",
                      attn::stringifyPrecision(description.precision),
                      elementText(description.element),
                      attn::stringifyPrecision(attn::Precision::IEEE));
  auto tensor = [&](int64_t dim) {
    return llvm::formatv("tensor<?x?x?x{0}x{1}, #attn.layout<{2}>>", dim,
                         elementText(description.element),
                         attn::stringifyLayout(description.layout))
        .str();
  };
  std::string q = tensor(description.headDim), v = tensor(description.valueDim);
  std::string lse = description.lse ? ", tensor<?x?x?xf32>" : "";
  std::string mask = maskText(description);
  auto region = [](StringRef keyword, StringRef body) {
    return body.empty() ? std::string()
                        : llvm::formatv(" {0} {{\n{1}}", keyword, body).str();
  };
  // A region's names share a scope with these, so none is a name that a user
  // would choose.
  std::string text =
      llvm::formatv(
          "func.func @attention(%$.q: {0} {{attn.arg = \"q\"}, "
          "%$.k: {0} {{attn.arg = \"k\"}, %$.v: {1} {{attn.arg = \"v\"}, "
          "%$.scale: f32 {{attn.arg = \"scale\"}) -> ({1}{2}) {{\n"
          "  %$.o{3} = attn.forward %$.q, %$.k, %$.v scale %$.scale{4}{5} "
          "{{align = #attn<align {6}>, precision = #attn<precision {8}>} : "
          "{0}, {0}, {1} -> {1}{2}\n"
          "  return %$.o{7} : {1}{2}\n}\n",
          q, v, lse, description.lse ? ":2" : "",
          region("score", description.score), region("mask", mask),
          attn::stringifyAlign(description.align),
          description.lse ? "#0, %$.o#1" : "",
          attn::stringifyPrecision(description.precision))
          .str();
  return parseModule(text, context);
}

std::string attn_jit::canonicalText(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, OpPrintingFlags().useLocalScope());
  return text;
}
