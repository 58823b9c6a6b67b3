# The static link of the portable build: MLIR and LLVM archives and LLD in one image that needs
# libc, libz and libzstd. ld.lld resolves archives in any order, so no dependency graph is kept.
if(NOT LLD_PROGRAM OR NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
  message(FATAL_ERROR "ATTN_JIT_PORTABLE needs clang and ld.lld: the archives are cyclic")
endif()
set(ATTN_LLVM_TARGETS NVPTX AMDGPU X86)

# What ends up in the image is what something refers to; naming an archive here costs nothing.
string(TOLOWER "${ATTN_LLVM_TARGETS}" components)
attn_llvm_config(llvm_archives --link-static --libfiles ${components}
  passes lto dtlto option linker irreader debuginfodwarf symbolize orcjit windowsdriver textapi)
separate_arguments(llvm_archives UNIX_COMMAND "${llvm_archives}")
list(FILTER llvm_archives EXCLUDE REGEX Polly) # named by the distribution, not shipped by it
file(GLOB mlir_archives ${ATTN_LLVM_LIBRARY_DIR}/libMLIR*.a)
list(FILTER mlir_archives EXCLUDE REGEX "libMLIR(CAPI|Test|.*Test[A-Z]|RegisterAll|ExecutionEngine|JitRunner)")
target_link_libraries(attn-mlir INTERFACE
  ${ATTN_LLVM_LIBRARY_DIR}/liblldELF.a ${ATTN_LLVM_LIBRARY_DIR}/liblldCommon.a
  ${mlir_archives} ${llvm_archives} z zstd dl m)

# RELR relocations need glibc 2.36, which is what this folder promises anyway, and save 3 MB of 99.
target_link_options(attn-mlir INTERFACE
  LINKER:--gc-sections LINKER:-O2 LINKER:--as-needed
  LINKER:-z,pack-relative-relocs LINKER:--exclude-libs,ALL LINKER:--strip-all)

# LLD initialises every target of the distribution, and LTO asks for Polly's plug-in. Empty
# definitions keep the unused back ends out.
attn_llvm_config(built --targets-built)
separate_arguments(built)
list(REMOVE_ITEM built ${ATTN_LLVM_TARGETS})
set(absent "// Stands in for back ends that this image does not carry.
#include <llvm/Plugins/PassPlugin.h>
extern \"C\" {\n")
foreach(target IN LISTS built)
  foreach(part Target TargetInfo TargetMC AsmPrinter AsmParser Disassembler)
    string(APPEND absent "void LLVMInitialize${target}${part}() {}\n")
  endforeach()
endforeach()
foreach(part AsmParser Disassembler)
  string(APPEND absent "void LLVMInitializeNVPTX${part}() {}\n")
endforeach()
string(APPEND absent "}
llvm::PassPluginLibraryInfo getPollyPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, \"Polly\", \"none\", [](llvm::PassBuilder &) {}, nullptr};
}\n")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/llvm-absent.cpp CONTENT "${absent}" @ONLY)
add_library(attn-llvm-absent STATIC ${PROJECT_BINARY_DIR}/llvm-absent.cpp)
target_include_directories(attn-llvm-absent SYSTEM PRIVATE ${ATTN_LLVM_INCLUDE_DIR})
target_link_libraries(attn-mlir INTERFACE attn-llvm-absent)
