// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the rows of a stored fragment go: side by side from one row of a head,
// or, with `plus`, each to its own.
#ifndef ATTN_JIT_CODEGEN_LOWER_STOREROWS_H
#define ATTN_JIT_CODEGEN_LOWER_STOREROWS_H

#include "codegen/lower/Constants.h"
#include "codegen/lower/DirectTensor.h"
#include "codegen/lower/GpuTarget.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace attn_jit {

class StoreRows {
public:
  StoreRows(const GpuTarget &target, mlir::OpBuilder &b, tile::StoreOp op,
            tile::StoreOp::Adaptor adaptor)
      : b(b), loc(op.getLoc()), adaptor(adaptor),
        element(op.getValue().getType().getElementType()),
        ofOneHead(tensorOf(adaptor.getHead())) {
    row = adaptor.getRow();
    if (!adaptor.getRows())
      row = sum(row, target.laneRow(b, loc));
  }

  struct Place {
    DirectTensor tensor; ///< of the row's head
    mlir::Value row;
    mlir::Value isInside; ///< before the limit
  };

  /// Of row slot `slot` of this thread, whose number in the fragment is
  /// `slotRow`.
  Place of(int64_t slot, int64_t slotRow) {
    Place place{ofOneHead, {}, {}};
    if (adaptor.getRows()) {
      place.row = sum(row, extracted(adaptor.getRows(), slot));
      place.tensor =
          tensorOf(sum(adaptor.getHead(), extracted(adaptor.getHeads(), slot)));
    } else {
      place.row = sum(row, i32Constant(b, loc, slotRow));
    }
    place.isInside = isBefore(b, loc, place.row, adaptor.getLimit());
    return place;
  }

  mlir::Value isPresent() { return ofOneHead.isPresent(b); }

private:
  DirectTensor tensorOf(mlir::Value head) {
    return DirectTensor(b, loc, adaptor.getTarget(), element,
                        adaptor.getBatch(), head);
  }
  mlir::Value sum(mlir::Value x, mlir::Value y) {
    return mlir::arith::AddIOp::create(b, loc, x, y);
  }
  mlir::Value extracted(mlir::Value vector, int64_t i) {
    return mlir::vector::ExtractOp::create(b, loc, vector, i);
  }

  mlir::OpBuilder &b;
  mlir::Location loc;
  tile::StoreOp::Adaptor adaptor;
  mlir::Type element;
  DirectTensor ofOneHead;
  mlir::Value row;
};

} // namespace attn_jit

#endif
