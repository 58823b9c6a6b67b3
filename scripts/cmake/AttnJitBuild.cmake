# What every room of the build shares: warnings, sanitizers, ccache, linker, include root.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without these, ccache refuses every unit that uses a precompiled header.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
find_program(LLD_PROGRAM NAMES ld.lld-22 ld.lld)
if(LLD_PROGRAM)
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    add_link_options(-fuse-ld=lld)
  endif()
endif()

# Shared libraries lie in lib/ beside the folder of the executables, in the build as where installed.
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_INSTALL_RPATH $ORIGIN/../lib)
if(ATTN_JIT_PORTABLE)
  # The old tag also covers what the carried libraries need themselves.
  set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
  add_link_options(LINKER:--disable-new-dtags)
else()
  set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON) # where LLVM lies
endif()
# What kernels are kept by: which compiler made them.
add_link_options(LINKER:--build-id=sha1)
if(NOT ATTN_JIT_SANITIZE) # whose own symbols come with the executable
  string(APPEND CMAKE_SHARED_LINKER_FLAGS " -Wl,-z,defs")
endif()

add_library(attn-jit-build INTERFACE)
target_include_directories(attn-jit-build INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(attn-jit-build INTERFACE -Wall -Wextra -Wno-unused-parameter
  -fvisibility-inlines-hidden -ffunction-sections -fdata-sections)
option(ATTN_JIT_WERROR "Warnings of our own code are errors" OFF)
if(ATTN_JIT_WERROR)
  target_compile_options(attn-jit-build INTERFACE -Werror)
endif()
if(ATTN_JIT_SANITIZE)
  target_compile_options(attn-jit-build INTERFACE
    -fsanitize=${ATTN_JIT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(attn-jit-build INTERFACE -fsanitize=${ATTN_JIT_SANITIZE})
endif()
