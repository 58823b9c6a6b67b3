// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A look at a host image before dlopen sees it: a truncated object would be
// mapped beyond its end and kill the process with SIGBUS.
#include "runtime/host/HostDriver.h"

#include <cstring>
#include <elf.h>

using namespace attn_jit::rt;

static Error notAnObject(const std::string &why) {
  return badInput("image: " + why +
                  ", a whole x86-64 ELF shared object is needed");
}

Status attn_jit::rt::checkSharedObject(std::span<const std::byte> image) {
  Elf64_Ehdr header;
  if (image.size() < sizeof header)
    return notAnObject(std::to_string(image.size()) + " bytes given");
  std::memcpy(&header, image.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB)
    return notAnObject("no 64-bit ELF header given");
  if (header.e_machine != EM_X86_64)
    return notAnObject("an object for machine " +
                       std::to_string(header.e_machine) + " given");
  if (header.e_type != ET_DYN)
    return notAnObject("ELF type " + std::to_string(header.e_type) + " given");

  const uint64_t size = image.size();
  auto inside = [&](uint64_t offset, uint64_t length) {
    return offset <= size && length <= size - offset;
  };
  if (header.e_phentsize != sizeof(Elf64_Phdr) ||
      !inside(header.e_phoff, uint64_t(header.e_phnum) * sizeof(Elf64_Phdr)))
    return notAnObject("a truncated file (program headers) given");
  bool loads = false;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment,
                image.data() + header.e_phoff + i * sizeof(Elf64_Phdr),
                sizeof segment);
    if (segment.p_type != PT_LOAD)
      continue;
    loads = true;
    if (!inside(segment.p_offset, segment.p_filesz))
      return notAnObject("a truncated file (segment " + std::to_string(i) +
                         " ends at byte " +
                         std::to_string(segment.p_offset + segment.p_filesz) +
                         " of " + std::to_string(size) + ") given");
  }
  if (!loads)
    return notAnObject("an object with nothing to load given");
  return success();
}
