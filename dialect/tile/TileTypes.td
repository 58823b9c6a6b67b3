// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILE_TYPES_TD
#define TILE_TYPES_TD

include "dialect/tile/TileDialect.td"

class Tile_Type<string name, string typeMnemonic> : TypeDef<Tile_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Tile_FragType : Tile_Type<"Frag", "frag"> {
  let summary = "A matrix, or one value a row, in the registers of one unit";
  let description = [{
    `!tile.frag<64x128xf32, acc>` or, for the row layouts, `!tile.frag<64xf32, row>`.
    A `partial` fragment holds, for each row, one partial result per lane; `tile.combine`
    turns it into a `row`. Multiplying a partial sum by a row factor is legal, which is
    what lets online softmax reduce its row sum once, at the end.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType,
                        "::attn_jit::tile::FragLayout":$layout);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getRows() const { return getShape()[0]; }
    int64_t getCols() const { return getShape().size() == 2 ? getShape()[1] : 1; }
    bool isMatrix() const { return getShape().size() == 2; }
    /// The same fragment with other elements.
    FragType withElement(::mlir::Type element) const;
    /// One value for each row of this fragment, in a row layout.
    FragType rowsOf(FragLayout layout) const;
  }];
}

def Tile_PendingType : Tile_Type<"Pending", "pending"> {
  let summary = "A fragment that a matrix product is still writing";
  let description = [{
    Only `tile.wait` turns it into a usable fragment, so an early read cannot be written down.
  }];
  let parameters = (ins "::attn_jit::tile::FragType":$frag);
  let assemblyFormat = "`<` $frag `>`";
}

def Tile_SharedType : Tile_Type<"Shared", "shared"> {
  let summary = "A tile in the memory that the units of a kernel share";
  let description = [{
    `!tile.shared<128x64xf16, swizzle 128>`: rows x columns, stored as panels of `swizzle` bytes of
    columns, panel after panel, each panel XOR-swizzled in that width (0: rows stored plainly, as
    the target likes). The last panel is as wide as the others, and may hold fewer
    columns. `panel N` says that a panel has N rows: a slice keeps its parent's panels.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$cols, "::mlir::Type":$elementType,
                        "int64_t":$swizzle, "int64_t":$panelRows);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static SharedType get(int64_t rows, int64_t cols, ::mlir::Type element, int64_t swizzle) {
      return get(element.getContext(), rows, cols, element, swizzle, rows);
    }
    int64_t getRowBytes() const {
      return getCols() * getElementType().getIntOrFloatBitWidth() / 8;
    }
    /// Plain rows are one panel.
    int64_t getPanels() const {
      return getSwizzle() ? (getRowBytes() + getSwizzle() - 1) / getSwizzle() : 1;
    }
    int64_t getBytes() const {
      return getRows() * getPanels() * (getSwizzle() ? getSwizzle() : getRowBytes());
    }
  }];
}

def Tile_PipeType : Tile_Type<"Pipe", "pipe"> {
  let summary = "A ring of shared tiles between producing and consuming units";
  let description = [{
    Use i of the ring is stage `i mod stages`. The producer acquires, copies, commits; a consumer
    waits, reads, releases. `bulk`: a copy engine fills the stage and signals; the pipe is created before
    the roles, a `single_thread` role fills it, and each unit of a consumer role releases once.
    `cooperative`: all threads copy and every unit releases once; uses count from 0. Where copies end before their
    thread goes on, commit and acquire may be barriers of the workgroup.
  }];
  let parameters = (ins "int64_t":$stages, "::attn_jit::tile::SharedType":$slot,
                        "::attn_jit::tile::Transport":$transport);
  let assemblyFormat = "`<` $stages `x` $slot `,` $transport `>`";
  let genVerifyDecl = 1;
}

def Tile_MailType : Tile_Type<"Mail", "mail"> {
  let summary = "A ring of a few numbers that one thread tells whole units";
  let description = [{
    `!tile.mail<4 x 7>`: use i of the ring is stage `i mod 4` and holds seven i32. What the producer of a
    schedule works out once, its consumers need not; they may also read it again instead of keeping it.
  }];
  let parameters = (ins "int64_t":$stages, "int64_t":$values);
  let assemblyFormat = "`<` $stages `x` $values `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Bytes from stage to stage, to the barriers behind all stages, and of both.
    int64_t getStride() const { return (getValues() * 4 + 15) / 16 * 16; }
    int64_t getBarrierOffset() const { return getStages() * getStride(); }
    int64_t getBytes() const { return getBarrierOffset() + getStages() * 16; }
  }];
}

def Tile_CounterType : Tile_Type<"Counter", "counter"> {
  let summary = "A number in device memory that the workgroups of a launch share";
  let description = [{
    The argument `workspace`: four bytes of the caller's, zero before a kernel's first launch, that one launch
    at a time uses.
  }];
}

def Tile_GlobalType : Tile_Type<"Global", "global"> {
  let summary = "A tensor (batch, head, row, column) in device memory";
  let description = [{
    `!tile.global<64xf16, bulk>`: 64 contiguous columns; batch, head and row strides arrive at
    run time, inside a tensor map (`bulk`) or as 64-bit element counts (`direct`).
  }];
  let parameters = (ins "int64_t":$cols, "::mlir::Type":$elementType,
                        "::attn_jit::tile::Access":$access);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif
