// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One relocatable object to one shared object, by LLD inside this process. No
// linker need be installed; what LLD prints is the text of the error.
#ifndef ATTN_JIT_CODEGEN_LOWER_LINK_H
#define ATTN_JIT_CODEGEN_LOWER_LINK_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace attn_jit {

/// The bytes of a shared object made of `object` alone; a symbol that it leaves
/// undefined is an error. May be called from any thread; links run one at a
/// time, as LLD keeps global state.
llvm::Expected<std::string> linkShared(llvm::StringRef object);

} // namespace attn_jit

#endif
