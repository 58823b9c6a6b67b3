# What every room of the build shares: warnings, sanitizers, ccache, include root.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

add_library(attn-jit-build INTERFACE)
target_include_directories(attn-jit-build INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(attn-jit-build INTERFACE -Wall -Wextra -Wno-unused-parameter
  -fvisibility-inlines-hidden -ffunction-sections -fdata-sections)
if(ATTN_JIT_SANITIZE)
  target_compile_options(attn-jit-build INTERFACE
    -fsanitize=${ATTN_JIT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(attn-jit-build INTERFACE -fsanitize=${ATTN_JIT_SANITIZE})
endif()
