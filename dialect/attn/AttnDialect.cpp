// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the attn dialect and the text of its attributes.
#include "dialect/attn/Attn.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn_jit::attn;

#include "dialect/attn/AttnDialect.cpp.inc"
#include "dialect/attn/AttnEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/attn/AttnAttrs.cpp.inc"

void AttnDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/attn/AttnAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/attn/AttnOps.cpp.inc"
      >();
}

ScheduleAttr ScheduleAttr::get(MLIRContext *context,
                               const attn_jit::Schedule &schedule) {
  return get(context, StringRef(schedule.str()));
}

attn_jit::Schedule ScheduleAttr::getSchedule() const {
  return llvm::cantFail(attn_jit::Schedule::parseComplete(getText()));
}

Attribute ScheduleAttr::parse(AsmParser &parser, Type) {
  StringRef word;
  std::string text;
  SMLoc where = parser.getCurrentLocation();
  auto field = [&]() -> ParseResult {
    if (parser.parseKeyword(&word) || parser.parseEqual())
      return failure();
    text += text.back() == '<' ? "" : ", ";
    text += (word + "=").str();
    int64_t number;
    if (auto parsed = parser.parseOptionalInteger(number); parsed.has_value()) {
      text += std::to_string(number);
      return *parsed;
    }
    if (parser.parseKeyword(&word))
      return failure();
    text += word;
    return success();
  };
  if (parser.parseLess() || parser.parseKeyword(&word))
    return {};
  text = (word + "<").str();
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater,
                                     field) ||
      parser.parseGreater())
    return {};
  text += ">";
  auto schedule = attn_jit::Schedule::parseComplete(text);
  if (!schedule) {
    parser.emitError(where) << llvm::toString(schedule.takeError());
    return {};
  }
  return get(parser.getContext(), *schedule);
}

void ScheduleAttr::print(AsmPrinter &printer) const {
  printer << '<' << getText() << '>';
}
