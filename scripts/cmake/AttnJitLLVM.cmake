# MLIR, LLVM and LLD 22 for the compiler rooms: headers, one precompiled header, TableGen, and the
# two ways to link. A room says `attn_mlir_library(name sources...)` and nothing else about LLVM.
#
# The exported CMake targets of the distribution are not used: its MLIR archives name libLLVM.so as
# a dependency, so a static link through them would carry LLVM twice.
find_program(ATTN_LLVM_CONFIG NAMES llvm-config-22 PATHS /usr/lib/llvm-22/bin REQUIRED)
function(attn_llvm_config output)
  execute_process(COMMAND ${ATTN_LLVM_CONFIG} ${ARGN} OUTPUT_VARIABLE text
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(${output} "${text}" PARENT_SCOPE)
endfunction()
attn_llvm_config(ATTN_LLVM_VERSION --version)
if(NOT ATTN_LLVM_VERSION VERSION_GREATER_EQUAL 22 OR NOT ATTN_LLVM_VERSION VERSION_LESS 23)
  message(FATAL_ERROR "LLVM 22 is needed; ${ATTN_LLVM_CONFIG} is ${ATTN_LLVM_VERSION}")
endif()
attn_llvm_config(ATTN_LLVM_INCLUDE_DIR --includedir)
attn_llvm_config(ATTN_LLVM_LIBRARY_DIR --libdir)
attn_llvm_config(ATTN_LLVM_BIN_DIR --bindir)
find_program(ATTN_MLIR_TBLGEN mlir-tblgen HINTS ${ATTN_LLVM_BIN_DIR} REQUIRED NO_DEFAULT_PATH)

add_library(attn-mlir INTERFACE)
target_include_directories(attn-mlir SYSTEM INTERFACE ${ATTN_LLVM_INCLUDE_DIR})
target_include_directories(attn-mlir INTERFACE ${PROJECT_BINARY_DIR})
target_link_libraries(attn-mlir INTERFACE attn-jit-build)
if(ATTN_JIT_PORTABLE)
  include(AttnJitStaticLLVM)
else()
  target_link_libraries(attn-mlir INTERFACE
    ${ATTN_LLVM_LIBRARY_DIR}/liblldELF.a ${ATTN_LLVM_LIBRARY_DIR}/liblldCommon.a
    ${ATTN_LLVM_LIBRARY_DIR}/libMLIR.so ${ATTN_LLVM_LIBRARY_DIR}/libLLVM.so z zstd)
endif()

# Exceptions are off where LLVM is; its headers assume so. RTTI stays on, as the distribution has it.
set(ATTN_MLIR_COMPILE_OPTIONS -fno-exceptions)

# The one precompiled header. Every unit that reuses it must share its flags, which is why targets
# come through attn_use_mlir(). It holds nothing of ours, so editing the project never rebuilds it.
option(ATTN_JIT_PCH "Precompile the MLIR and LLVM headers; OFF checks that units include what they use" ON)
set(ATTN_PCH_HEADERS
  <mlir/Conversion/LLVMCommon/Pattern.h>
  <mlir/Conversion/LLVMCommon/TypeConverter.h>
  <mlir/Dialect/Arith/IR/Arith.h>
  <mlir/Dialect/Func/IR/FuncOps.h>
  <mlir/Dialect/LLVMIR/LLVMDialect.h>
  <mlir/Dialect/LLVMIR/NVVMDialect.h>
  <mlir/Dialect/LLVMIR/ROCDLDialect.h>
  <mlir/Dialect/Math/IR/Math.h>
  <mlir/Dialect/SCF/IR/SCF.h>
  <mlir/Dialect/Vector/IR/VectorOps.h>
  <mlir/IR/Builders.h>
  <mlir/IR/DialectImplementation.h>
  <mlir/IR/IRMapping.h>
  <mlir/IR/Matchers.h>
  <mlir/IR/Verifier.h>
  <mlir/Parser/Parser.h>
  <mlir/Pass/PassManager.h>
  <mlir/Pass/PassRegistry.h>
  <mlir/Transforms/DialectConversion.h>
  <mlir/Transforms/GreedyPatternRewriteDriver.h>
  <llvm/ADT/TypeSwitch.h>)
if(ATTN_JIT_PCH)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/attn-pch.cpp CONTENT "// Holds the precompiled header.\n")
  add_library(attn-pch STATIC ${PROJECT_BINARY_DIR}/attn-pch.cpp)
  target_link_libraries(attn-pch PRIVATE attn-mlir)
  target_compile_options(attn-pch PRIVATE ${ATTN_MLIR_COMPILE_OPTIONS})
  target_precompile_headers(attn-pch PRIVATE ${ATTN_PCH_HEADERS})
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    # A time stamp inside the header would make every ccache key new.
    list(APPEND ATTN_MLIR_COMPILE_OPTIONS "SHELL:-Xclang -fno-pch-timestamp")
    target_compile_options(attn-pch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

# attn_use_mlir(target): what a target that includes MLIR headers needs.
function(attn_use_mlir target)
  target_link_libraries(${target} PUBLIC attn-mlir)
  target_compile_options(${target} PRIVATE ${ATTN_MLIR_COMPILE_OPTIONS})
  if(ATTN_JIT_PCH)
    target_precompile_headers(${target} REUSE_FROM attn-pch)
    # An executable would compile with -fPIE, which the -fPIC header refuses.
    get_target_property(type ${target} TYPE)
    if(type STREQUAL EXECUTABLE)
      set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${target} PRIVATE -fPIC)
    endif()
  endif()
endfunction()

function(attn_mlir_library target)
  add_library(${target} STATIC ${ARGN})
  attn_use_mlir(${target})
endfunction()

function(attn_mlir_executable target)
  add_executable(${target} ${ARGN})
  attn_use_mlir(${target})
endfunction()

# attn_mlir_tablegen(Ops.h.inc Ops.td --gen-op-decls): one generated file beside this folder's build
# files, included as "<room>/Ops.h.inc"; attn_mlir_tablegen_target(name) then collects them, and
# libraries name it in add_dependencies().
function(attn_mlir_tablegen output source)
  set(result ${CMAKE_CURRENT_BINARY_DIR}/${output})
  get_filename_component(td ${source} ABSOLUTE)
  get_filename_component(folder ${result} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${result}
    COMMAND ${ATTN_MLIR_TBLGEN} ${ARGN} -I ${PROJECT_SOURCE_DIR} -I ${CMAKE_CURRENT_SOURCE_DIR}
            -I ${ATTN_LLVM_INCLUDE_DIR} ${td} -o ${result} -d ${result}.d --write-if-changed
    COMMAND ${CMAKE_COMMAND} -E touch ${result}.stamp
    DEPENDS ${td} ${ATTN_MLIR_TBLGEN} DEPFILE ${result}.d
    COMMENT "TableGen ${output}" VERBATIM)
  set_property(DIRECTORY APPEND PROPERTY ATTN_TABLEGEN_OUTPUTS ${result})
endfunction()

function(attn_mlir_tablegen_target target)
  get_property(outputs DIRECTORY PROPERTY ATTN_TABLEGEN_OUTPUTS)
  add_custom_target(${target} DEPENDS ${outputs})
endfunction()
