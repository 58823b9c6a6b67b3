# The `portable` target: one relocatable folder <build>/attn-jit with bin/, lib/, templates/ and
# licences/. Whatever the binaries need beyond libc, libz and libzstd lies in lib/, found by
# $ORIGIN; so LLVM is linked once, into libattn-jit.so, and bin/attn-jit is a small front of it.
add_custom_target(portable
  COMMAND ${CMAKE_COMMAND}
    -D SOURCE=${PROJECT_SOURCE_DIR} -D FOLDER=${PROJECT_BINARY_DIR}/attn-jit
    -D EXECUTABLE=$<TARGET_FILE:attn-jit> -D LIBRARY=$<TARGET_FILE:attn-jit-c>
    -P ${PROJECT_SOURCE_DIR}/scripts/cmake/MakePortable.cmake
  DEPENDS attn-jit attn-jit-c USES_TERMINAL VERBATIM)
