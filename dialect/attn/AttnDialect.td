// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ATTN_DIALECT_TD
#define ATTN_DIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/AttrTypeBase.td"

def Attn_Dialect : Dialect {
  let name = "attn";
  let cppNamespace = "::attn_jit::attn";
  let summary = "What an attention is, without how it is computed";
  let useDefaultAttributePrinterParser = 1;
}

class Attn_Attr<string name, string attrMnemonic> : AttrDef<Attn_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Attn_Layout : I32EnumAttr<"Layout", "Order of a tensor's dimensions", [
  I32EnumAttrCase<"BSHD", 0, "bshd">, // batch, row, head, head dim
  I32EnumAttrCase<"BHSD", 1, "bhsd">  // batch, head, row, head dim
]> {
  let cppNamespace = "::attn_jit::attn";
  let genSpecializedAttr = 0;
}
def Attn_LayoutAttr : EnumAttr<Attn_Dialect, Attn_Layout, "layout"> {
  let assemblyFormat = "`<` $value `>`";
}

def Attn_Align : I32EnumAttr<"Align", "Where query row 0 stands among the keys", [
  I32EnumAttrCase<"BottomRight", 0, "bottom_right">, // the last query row sees the last key
  I32EnumAttrCase<"TopLeft", 1, "top_left">          // query row 0 stands at key 0
]> {
  let cppNamespace = "::attn_jit::attn";
  let genSpecializedAttr = 0;
}
def Attn_AlignAttr : EnumAttr<Attn_Dialect, Attn_Align, "align">;

def Attn_Precision : I32EnumAttr<"Precision", "How products of f32 operands are computed", [
  I32EnumAttrCase<"IEEE", 0, "ieee">, // as exactly as f32 holds them, to 2e-6 of the output
  I32EnumAttrCase<"TF32", 1, "tf32">  // operands rounded to 10 bits of mantissa: 1e-3
]> {
  let cppNamespace = "::attn_jit::attn";
  let genSpecializedAttr = 0;
}
def Attn_PrecisionAttr : EnumAttr<Attn_Dialect, Attn_Precision, "precision">;

def Attn_ScheduleAttr : Attn_Attr<"Schedule", "schedule"> {
  let summary = "How a kernel is built: a named, versioned schedule and all its fields";
  let description = [{
    `#attn.schedule<flash_fwd_ws.v1<bm=128, bn=128, stages=2, ...>>`. The text between the outer
    brackets is the schedule's text everywhere: in IR, in records, on the command line. In IR
    every field is printed, and must be given but for one that is younger than the text: that has what was there
    before it. dialect/attn/Schedule.h has the grammar.
  }];
  let parameters = (ins StringRefParameter<"canonical text">:$text);
  let builders = [AttrBuilder<(ins "const ::attn_jit::Schedule &":$schedule)>];
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{ ::attn_jit::Schedule getSchedule() const; }];
}

#endif
