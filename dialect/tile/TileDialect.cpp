// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the tile dialect, and the text and verifiers of its types.
#include "dialect/tile/Tile.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn_jit::tile;

#include "dialect/tile/TileDialect.cpp.inc"
#include "dialect/tile/TileEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/tile/TileAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialect/tile/TileTypes.cpp.inc"

void TileDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/tile/TileAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/tile/TileTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/tile/TileOps.cpp.inc"
      >();
}

namespace {
/// The enum's keyword, or an error that lists what is allowed.
template <typename Enum>
FailureOr<Enum> parseKeywordAs(AsmParser &parser,
                               std::optional<Enum> (*symbolize)(StringRef),
                               StringRef allowed) {
  StringRef word;
  SMLoc where = parser.getCurrentLocation();
  if (parser.parseKeyword(&word))
    return failure();
  if (auto value = symbolize(word))
    return *value;
  parser.emitError(where) << "'" << word << "' is not one of " << allowed;
  return failure();
}

/// What has a size in bytes, so that it can stand in memory.
bool isMemoryElement(Type type) {
  return type.isF32() || type.isF16() || type.isBF16() || type.isInteger(32) ||
         type.isInteger(8) || isa<Float8E4M3FNType, Float8E5M2Type>(type);
}

bool isFragmentElement(Type type) {
  return isMemoryElement(type) || type.isInteger(1);
}
} // namespace

//===-- frag --------------------------------------------------------------===//

FragType FragType::withElement(Type element) const {
  return get(getContext(), getShape(), element, getLayout());
}

FragType FragType::rowsOf(FragLayout layout) const {
  return get(getContext(), getShape().take_front(1), getElementType(), layout);
}

Type FragType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  if (parser.parseLess() ||
      parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(element) || parser.parseComma())
    return {};
  auto layout = parseKeywordAs<FragLayout>(parser, symbolizeFragLayout,
                                           "acc, lhs, row, partial");
  if (failed(layout) || parser.parseGreater())
    return {};
  return parser.getChecked<FragType>(parser.getContext(), shape, element,
                                     *layout);
}

void FragType::print(AsmPrinter &printer) const {
  printer << '<';
  printer.printDimensionList(getShape());
  printer << 'x' << getElementType() << ", " << stringifyFragLayout(getLayout())
          << '>';
}

LogicalResult FragType::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<int64_t> shape, Type element,
                               FragLayout layout) {
  bool matrix = layout == FragLayout::Acc || layout == FragLayout::Lhs;
  if (shape.size() != (matrix ? 2 : 1))
    return emitError() << "a fragment with layout "
                       << stringifyFragLayout(layout) << " has "
                       << (matrix ? "2 dimensions" : "1 dimension") << ", not "
                       << shape.size();
  if (llvm::any_of(shape, [](int64_t n) { return n <= 0; }))
    return emitError() << "a fragment has no empty dimension";
  if (!isFragmentElement(element))
    return emitError() << "a fragment cannot hold elements of type " << element;
  return success();
}

//===-- shared ------------------------------------------------------------===//

Type SharedType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  int64_t swizzle = 0, panel = 0;
  SMLoc where = parser.getCurrentLocation();
  if (parser.parseLess() ||
      parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(element) || parser.parseComma() ||
      parser.parseKeyword("swizzle") || parser.parseInteger(swizzle))
    return {};
  if (shape.size() != 2) {
    parser.emitError(where)
        << "a shared tile has 2 dimensions, not " << shape.size();
    return {};
  }
  panel = shape[0];
  if (succeeded(parser.parseOptionalComma()) &&
      (parser.parseKeyword("panel") || parser.parseInteger(panel)))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<SharedType>(parser.getContext(), shape[0], shape[1],
                                       element, swizzle, panel);
}

void SharedType::print(AsmPrinter &printer) const {
  printer << '<' << getRows() << 'x' << getCols() << 'x' << getElementType()
          << ", swizzle " << getSwizzle();
  if (getPanelRows() != getRows())
    printer << ", panel " << getPanelRows();
  printer << '>';
}

LogicalResult SharedType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t rows, int64_t cols, Type element,
                                 int64_t swizzle, int64_t panelRows) {
  if (rows <= 0 || cols <= 0)
    return emitError() << "a shared tile has no empty dimension";
  if (!isMemoryElement(element))
    return emitError() << "a shared tile cannot hold elements of type "
                       << element;
  if (!llvm::is_contained({0, 32, 64, 128}, swizzle))
    return emitError() << "swizzle is 0, 32, 64 or 128 bytes, not " << swizzle;
  if (panelRows < rows)
    return emitError() << "a panel of " << panelRows << " rows cannot hold "
                       << rows << " rows";
  return success();
}

//===-- pipe, global ------------------------------------------------------===//

LogicalResult PipeType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t stages, SharedType slot,
                               Transport transport) {
  if (stages < 1 || stages > 16)
    return emitError() << "a pipe has 1 to 16 stages, not " << stages;
  if (slot.getPanelRows() != slot.getRows())
    return emitError() << "a stage of " << slot.getRows()
                       << " rows has panels of as many rows, not "
                       << slot.getPanelRows();
  return success();
}

LogicalResult MailType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t stages, int64_t values) {
  if (stages < 1 || stages > 16 || values < 1 || values > 16)
    return emitError() << "mail has 1 to 16 stages of 1 to 16 numbers, not "
                       << stages << " of " << values;
  return success();
}

Type GlobalType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  SMLoc where = parser.getCurrentLocation();
  if (parser.parseLess() ||
      parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(element) || parser.parseComma())
    return {};
  if (shape.size() != 1) {
    parser.emitError(where) << "a global tensor names its columns alone";
    return {};
  }
  auto access = parseKeywordAs<Access>(parser, symbolizeAccess, "bulk, direct");
  if (failed(access) || parser.parseGreater())
    return {};
  return parser.getChecked<GlobalType>(parser.getContext(), shape[0], element,
                                       *access);
}

void GlobalType::print(AsmPrinter &printer) const {
  printer << '<' << getCols() << 'x' << getElementType() << ", "
          << stringifyAccess(getAccess()) << '>';
}

LogicalResult GlobalType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t cols, Type element, Access access) {
  if (cols <= 0)
    return emitError() << "a global tensor has no empty rows";
  if (!isMemoryElement(element))
    return emitError() << "a global tensor cannot hold elements of type "
                       << element;
  return success();
}
