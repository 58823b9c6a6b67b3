// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bounds of an ELF image: its header, both tables, and what their entries
// take of the file.
#include "runtime/ElfImage.h"

#include <cstring>
#include <elf.h>

using namespace attn_jit::rt;

namespace {
/// Each way to be broken, as what was given.
class Walk {
public:
  explicit Walk(std::span<const std::byte> image) : image(image) {}

  /// The fault, or nothing.
  std::string check(uint16_t machine) {
    if (image.size() < sizeof header)
      return std::to_string(image.size()) + " bytes";
    std::memcpy(&header, image.data(), sizeof header);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB)
      return "no 64-bit ELF header";
    if (header.e_machine != machine)
      return "an object for machine " + std::to_string(header.e_machine);
    if (header.e_type != ET_DYN)
      return "ELF type " + std::to_string(header.e_type);
    if (std::string fault = segments(); !fault.empty())
      return fault;
    return sections();
  }

private:
  bool inside(uint64_t offset, uint64_t length) const {
    return offset <= image.size() && length <= image.size() - offset;
  }
  template <typename Entry> Entry entry(uint64_t table, unsigned index) const {
    Entry found;
    std::memcpy(&found, image.data() + table + index * sizeof found,
                sizeof found);
    return found;
  }
  std::string cut(const char *what, unsigned index, uint64_t offset,
                  uint64_t bytes) const {
    return "a truncated file (" + std::string(what) + " " +
           std::to_string(index) + " of " + std::to_string(bytes) +
           " bytes at byte " + std::to_string(offset) + " of " +
           std::to_string(image.size()) + ")";
  }

  std::string segments() const {
    if (header.e_phentsize != sizeof(Elf64_Phdr) ||
        !inside(header.e_phoff, uint64_t(header.e_phnum) * sizeof(Elf64_Phdr)))
      return "a truncated file (program headers)";
    bool loads = false;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
      const auto segment = entry<Elf64_Phdr>(header.e_phoff, i);
      if (!inside(segment.p_offset, segment.p_filesz))
        return cut("segment", i, segment.p_offset, segment.p_filesz);
      loads |= segment.p_type == PT_LOAD;
    }
    return loads ? "" : "an object with nothing to load";
  }

  /// Loaders of shared objects do without sections; loaders of code objects
  /// find symbols and notes by them.
  std::string sections() const {
    if (header.e_shoff == 0 && header.e_shnum == 0)
      return "";
    if (header.e_shnum == 0 || header.e_shentsize != sizeof(Elf64_Shdr) ||
        header.e_shstrndx >= header.e_shnum ||
        !inside(header.e_shoff, uint64_t(header.e_shnum) * sizeof(Elf64_Shdr)))
      return "a truncated file (section headers)";
    for (unsigned i = 0; i < header.e_shnum; ++i) {
      const auto section = entry<Elf64_Shdr>(header.e_shoff, i);
      if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL &&
          !inside(section.sh_offset, section.sh_size))
        return cut("section", i, section.sh_offset, section.sh_size);
    }
    return "";
  }

  std::span<const std::byte> image;
  Elf64_Ehdr header{};
};
} // namespace

Status attn_jit::rt::checkElfImage(std::span<const std::byte> image,
                                   uint16_t machine, const char *needed) {
  const std::string fault = Walk(image).check(machine);
  if (fault.empty())
    return success();
  return badInput("image: " + fault + " given, " + needed + " is needed");
}
