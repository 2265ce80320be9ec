# The two import libraries, made from the export table: names without a word of C, the same for every compiler and never
# sanitised.
include_guard(GLOBAL)

function(dumpsim_import_library alias output_name)
  set(target dumpsim_${alias})
  add_library(${target} SHARED ${PROJECT_SOURCE_DIR}/simulator/kernel/import_library.S)
  add_library(dumpsim::${alias} ALIAS ${target})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${output_name}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
    LINKER_LANGUAGE C
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/simulator/kernel/exports.def)
  target_link_options(${target} PRIVATE -nostdlib -Wl,--no-undefined -Wl,-soname,lib${output_name}.so)
endfunction()

dumpsim_import_library(import_system_v ntoskrnl)
dumpsim_import_library(import_microsoft ntoskrnl-ms)
set_source_files_properties(${PROJECT_SOURCE_DIR}/simulator/kernel/import_library.S
  PROPERTIES OBJECT_DEPENDS ${PROJECT_SOURCE_DIR}/simulator/kernel/exports.def)
