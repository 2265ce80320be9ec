# The two import libraries, made from the export table. Jump tables without a word of C: they need no C library, are
# never sanitised, and are the same for every compiler. Included by the room that fills them; a second inclusion is
# nothing.
include_guard(GLOBAL)

set(DUMPSIM_IMPORT_LIBRARY_SYSTEM_V dumpsim_import_system_v)
set(DUMPSIM_IMPORT_LIBRARY_MICROSOFT dumpsim_import_microsoft)

function(dumpsim_import_library target output_name)
  add_library(${target} SHARED ${PROJECT_SOURCE_DIR}/simulator/kernel/import_library.S)
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${output_name}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
    LINKER_LANGUAGE C
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/simulator/kernel/exports.def)
  target_link_options(${target} PRIVATE -nostdlib -Wl,--no-undefined -Wl,-soname,lib${output_name}.so)
endfunction()

dumpsim_import_library(${DUMPSIM_IMPORT_LIBRARY_SYSTEM_V} ntoskrnl)
dumpsim_import_library(${DUMPSIM_IMPORT_LIBRARY_MICROSOFT} ntoskrnl-ms)
set_source_files_properties(${PROJECT_SOURCE_DIR}/simulator/kernel/import_library.S
  PROPERTIES OBJECT_DEPENDS ${PROJECT_SOURCE_DIR}/simulator/kernel/exports.def)
