// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Code objects that are cut or altered must not reach a loader that trusts
// their headers.
#include "runtime/ElfImage.h"
#include "TestDevice.h"

#include <elf.h>

using namespace attn_jit::rt;
using namespace attn_jit::rt::test;

namespace {

class CodeObject : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    if (amdImage(GetParam()).empty())
      GTEST_SKIP() << "this build made no " << GetParam() << " image";
    bytes.assign(amdImage(GetParam()).begin(), amdImage(GetParam()).end());
    std::memcpy(&header, bytes.data(), sizeof header);
  }
  Status check(std::span<const std::byte> image) {
    return checkElfImage(image, EM_AMDGPU, "an AMD code object (hsaco)");
  }
  /// The check after `change` to a fresh header.
  template <typename Change> std::string refusal(Change change) {
    Elf64_Ehdr own = header;
    change(own);
    std::vector<std::byte> image = bytes;
    std::memcpy(image.data(), &own, sizeof own);
    const Error error = errorOf(check(image));
    EXPECT_EQ(error.exitCode(), 2);
    EXPECT_HAS(error.text, "an AMD code object (hsaco) is needed");
    return error.text;
  }

  std::vector<std::byte> bytes;
  Elf64_Ehdr header;
};

TEST_P(CodeObject, IsWholeAtItsFullLengthOnly) {
  must(check(bytes));
  for (size_t size = 0; size < bytes.size(); ++size)
    ASSERT_FALSE(check(std::span(bytes).first(size))) << size;
}

TEST_P(CodeObject, TablesAndEntriesStayInside) {
  EXPECT_HAS(refusal([](Elf64_Ehdr &h) { h.e_phoff = ~0ull - 8; }),
             "program headers");
  EXPECT_HAS(refusal([](Elf64_Ehdr &h) { h.e_phentsize = 8; }),
             "program headers");
  EXPECT_HAS(refusal([](Elf64_Ehdr &h) { h.e_phnum = 0; }), "nothing to load");
  EXPECT_HAS(refusal([](Elf64_Ehdr &h) { h.e_shoff = ~0ull - 8; }),
             "section headers");
  EXPECT_HAS(refusal([](Elf64_Ehdr &h) { h.e_shnum = 0xfeff; }),
             "section headers");
  EXPECT_HAS(refusal([](Elf64_Ehdr &h) { h.e_shnum = 0; }), "section headers");
  EXPECT_HAS(refusal([](Elf64_Ehdr &h) { h.e_shstrndx = h.e_shnum; }),
             "section headers");
  EXPECT_HAS(refusal([](Elf64_Ehdr &h) { h.e_machine = EM_X86_64; }),
             "an object for machine 62");
  const size_t last =
      header.e_shoff + size_t(header.e_shnum - 1) * sizeof(Elf64_Shdr);
  Elf64_Shdr section;
  std::memcpy(&section, bytes.data() + last, sizeof section);
  section.sh_size = ~0ull;
  std::memcpy(bytes.data() + last, &section, sizeof section);
  EXPECT_HAS(errorOf(check(bytes)).text, "truncated file (section ");
}

INSTANTIATE_TEST_SUITE_P(Chips, CodeObject,
                         testing::Values("gfx90a", "gfx942", "gfx1100"),
                         [](const auto &info) {
                           return std::string(info.param);
                         });

} // namespace
