# SPDX-License-Identifier: Apache-2.0
# The third way to build a filter from source: clang with Windows' data model (long of 32 bits, wchar_t of 16, __declspec,
# __try, Microsoft's inline assembly) into an ELF shared library, for sources that the other two would misread. Where
# clang is not installed the variants are left out, and the configure says so; a build of dumpsim does not need it.
include_guard(DIRECTORY)
cmake_policy(VERSION 3.25)  # of this file alone, whatever an outside project asks for

find_program(DUMPSIM_WINDOWS_CC NAMES clang clang-14 clang-15 clang-16 clang-17 clang-18 clang-19
             DOC "A clang that builds filters with Windows' data model")
if(DUMPSIM_WINDOWS_CC)
  set(DUMPSIM_HAVE_WINDOWS TRUE)
else()
  set(DUMPSIM_HAVE_WINDOWS FALSE)
  message(STATUS "No clang: filters are not built with Windows' data model (CONVENTION windows)")
endif()

# The environment is "itanium", not "msvc": the data model, the calling convention and the extensions are the same, but
# names are mangled as on Linux. Microsoft's mangling puts an @ into them, which ELF linkers read as a version.
# Position independent by -Xclang, because the driver knows no such thing for Windows. No system headers: those in reach
# are of another data model. __ELF__, because what follows of it is true here and clang does not say so for Windows.
set(DUMPSIM_WINDOWS_OPTIONS --target=x86_64-pc-windows-itanium-elf -Xclang -mrelocation-model -Xclang pic -Xclang -pic-level
  -Xclang 2 -fms-extensions -fms-compatibility -fms-compatibility-version=19.29 -fgnuc-version=0 -mms-bitfields
  -ffreestanding -fno-builtin-bcmp -nostdlibinc -D__ELF__=1 -gdwarf-4 -fno-strict-aliasing -fwrapv -fno-stack-protector
  -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fno-optimize-sibling-calls -fasynchronous-unwind-tables
  -ffunction-sections -fdata-sections -Wall -Wextra -Wno-unknown-pragmas -Wno-ignored-pragma-intrinsic
  -Wno-ignored-pragma-optimize -Wno-multichar -Wno-missing-field-initializers)
# Linked by the binutils alone: a compiler driver for Windows would look for another linker.
set(DUMPSIM_WINDOWS_LINK_OPTIONS -shared -z defs -z noexecstack -z now --gc-sections -Bsymbolic --build-id)

# dumpsim_add_windows_filter(name target image SOURCES … [DEFINITIONS …] [OPTIONS …]): what dumpsim_add_filter does for
# CONVENTION windows.
function(dumpsim_add_windows_filter name target image)
  cmake_parse_arguments(FILTER "" "" "SOURCES;DEFINITIONS;OPTIONS" ${ARGN})
  dumpsim_check_arguments(dumpsim_add_windows_filter FILTER)
  set(definitions ${FILTER_DEFINITIONS})
  list(TRANSFORM definitions REPLACE "^-D" "")
  list(TRANSFORM definitions PREPEND -D)
  dumpsim_guest_objects(objects ${target} SOURCES ${FILTER_SOURCES} INCLUDES ${DUMPSIM_FILTER_INCLUDE}
    ${DUMPSIM_FILTER_INCLUDE}/crt C ${DUMPSIM_WINDOWS_CC} CXX ${DUMPSIM_WINDOWS_CC} WORD "Windows data model"
    OPTIONS ${DUMPSIM_WINDOWS_OPTIONS} ${definitions} ${FILTER_OPTIONS})
  add_custom_command(OUTPUT ${image}
    COMMAND ${CMAKE_LINKER} ${DUMPSIM_WINDOWS_LINK_OPTIONS} --version-script=${DUMPSIM_FILTER_EXPORTS} -o ${image} ${objects} $<TARGET_FILE:dumpsim::ms_crt>
            --no-as-needed $<TARGET_FILE:dumpsim::import_microsoft>
    DEPENDS ${objects} $<TARGET_FILE:dumpsim::ms_crt> $<TARGET_FILE:dumpsim::import_microsoft> ${DUMPSIM_FILTER_EXPORTS}
    VERBATIM COMMENT "Linking filter ${name}-windows.so (Windows data model)")
  add_custom_target(${target} ALL DEPENDS ${image})
  set_target_properties(${target} PROPERTIES DUMPSIM_IMAGE ${image})
endfunction()
