// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which compiler this is: the same identity makes the same bytes. Versions do
// not tell two builds of a working tree apart; the linker's build id, which is
// a digest of the code itself, does.
#include "codegen/Codegen.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/TargetParser/Host.h"

#include <elf.h>
#include <link.h>

using namespace attn_jit;

/// The description of the NT_GNU_BUILD_ID note among `bytes`, or nothing.
static llvm::ArrayRef<uint8_t> buildIdOf(llvm::ArrayRef<uint8_t> notes) {
  auto padded = [](uint64_t size) { return (size + 3) / 4 * 4; };
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes.data(), sizeof note);
    notes = notes.drop_front(sizeof note);
    const uint64_t name = padded(note.n_namesz), size = padded(note.n_descsz);
    if (name + size > notes.size())
      return {};
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
        std::memcmp(notes.data(), "GNU", 4) == 0)
      return notes.slice(name, note.n_descsz);
    notes = notes.drop_front(name + size);
  }
  return {};
}

namespace {
struct Search {
  ElfW(Addr) inside;
  std::string id;
};
} // namespace

/// Of the loaded file that holds an address.
static int findBuildId(dl_phdr_info *info, size_t, void *data) {
  auto &search = *static_cast<Search *>(data);
  llvm::ArrayRef<uint8_t> id;
  bool holds = false;
  for (ElfW(Half) i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) &header = info->dlpi_phdr[i];
    const ElfW(Addr) start = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && search.inside >= start &&
        search.inside < start + header.p_memsz)
      holds = true;
    if (header.p_type == PT_NOTE && id.empty())
      id = buildIdOf({reinterpret_cast<const uint8_t *>(start),
                      static_cast<size_t>(header.p_memsz)});
  }
  if (!holds)
    return 0;
  search.id = llvm::toHex(id, /*LowerCase=*/true);
  return 1;
}

template <typename Function>
static std::string buildIdAround(Function *inside) {
  Search search = {reinterpret_cast<ElfW(Addr)>(inside), {}};
  dl_iterate_phdr(findBuildId, &search);
  return search.id;
}

const std::string &attn_jit::compilerIdentity() {
  static const std::string identity = [] {
    // Ours, LLVM's and MLIR's: one file where they are linked into it. A
    // distribution's update of a library keeps its version and makes other
    // code.
    llvm::SmallVector<std::string> builds;
    for (std::string build : {buildIdAround(&findBuildId),
                              buildIdAround(&llvm::sys::getDefaultTargetTriple),
                              buildIdAround(&mlir::isPure)}) {
      if (build.empty())
        return std::string();
      if (!llvm::is_contained(builds, build))
        builds.push_back(std::move(build));
    }
    return llvm::formatv("attn-jit {0}, LLVM {1}, build {2}", ATTN_JIT_VERSION,
                         LLVM_VERSION_STRING, llvm::join(builds, "+"))
        .str();
  }();
  return identity;
}
