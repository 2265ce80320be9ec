# SPDX-License-Identifier: Apache-2.0
# The import libraries of the kernel for Windows linkers, from its export table. An outside project finds them made.
set(kernel_definition ${CMAKE_BINARY_DIR}/lib/ntoskrnl.def)
add_custom_command(OUTPUT ${kernel_definition}
  COMMAND ${CMAKE_COMMAND} -D TABLE=${PROJECT_SOURCE_DIR}/simulator/kernel/exports.def -D OUTPUT=${kernel_definition}
          -P ${PROJECT_SOURCE_DIR}/cmake/kernel_def.cmake
  DEPENDS ${PROJECT_SOURCE_DIR}/simulator/kernel/exports.def ${PROJECT_SOURCE_DIR}/cmake/kernel_def.cmake
  VERBATIM COMMENT "Listing the kernel's exports for Windows linkers")
dumpsim_sys_import_library(ntoskrnl ${kernel_definition})

