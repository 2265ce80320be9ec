# SPDX-License-Identifier: Apache-2.0
# Builds real Windows drivers (.sys, PE32+) from the sources that filters are made of, with the two compilers that do so
# on Linux: mingw-w64's gcc, and clang with lld-link, which makes what Microsoft's compiler would. Either is used
# where it is found; a build of dumpsim needs neither.
include_guard(DIRECTORY)
cmake_policy(VERSION 3.25)  # of this file alone, whatever an outside project asks for
include(${CMAKE_CURRENT_LIST_DIR}/DumpsimKeywords.cmake)

find_program(DUMPSIM_MINGW_CC x86_64-w64-mingw32-gcc DOC "mingw-w64's C compiler for x64")
find_program(DUMPSIM_MINGW_DLLTOOL x86_64-w64-mingw32-dlltool DOC "mingw-w64's maker of import libraries")
find_program(DUMPSIM_SYS_LLD_LINK NAMES lld-link lld-link-14 lld-link-15 lld-link-16 DOC "LLVM's linker for Windows")
find_program(DUMPSIM_SYS_LLVM_DLLTOOL NAMES llvm-dlltool llvm-dlltool-14 llvm-dlltool-15 llvm-dlltool-16
  DOC "LLVM's maker of import libraries")

set(DUMPSIM_SYS_KINDS)
if(DUMPSIM_MINGW_CC AND DUMPSIM_MINGW_DLLTOOL)
  list(APPEND DUMPSIM_SYS_KINDS mingw)
endif()
if(DUMPSIM_WINDOWS_CC AND DUMPSIM_SYS_LLD_LINK AND DUMPSIM_SYS_LLVM_DLLTOOL)
  list(APPEND DUMPSIM_SYS_KINDS clang)
endif()

# As for the other ways to build a filter; no __GNUC__ for clang, so that headers take it for Microsoft's compiler.
set(DUMPSIM_SYS_COMMON -fno-strict-aliasing -fwrapv -fno-stack-protector -fno-optimize-sibling-calls -Wall -Wextra
  -Wno-unknown-pragmas -Wno-multichar -Wno-missing-field-initializers)
set(DUMPSIM_SYS_OPTIONS_mingw -ffunction-sections -fdata-sections -fno-ident
  ${DUMPSIM_SYS_COMMON})
set(DUMPSIM_SYS_OPTIONS_clang --target=x86_64-pc-windows-msvc -fms-extensions -fms-compatibility
  -fms-compatibility-version=19.29 -ffreestanding -fasynchronous-unwind-tables -fno-builtin-bcmp -nostdlibinc -gcodeview
  -Wno-ignored-pragma-intrinsic -Wno-ignored-pragma-optimize ${DUMPSIM_SYS_COMMON})
set(DUMPSIM_SYS_LINK_OPTIONS_mingw -nostdlib -shared -Wl,--subsystem,native -Wl,--entry,DriverEntry -Wl,--dynamicbase
  -Wl,--gc-sections -Wl,--no-insert-timestamp -Wl,--exclude-all-symbols)
set(DUMPSIM_SYS_LINK_OPTIONS_clang /nologo /driver /subsystem:native /machine:x64 /nodefaultlib /entry:DriverEntry
  /dynamicbase /debug /Brepro)

# dumpsim_sys_import_library(name definition [DEPENDS …]): import libraries from a module definition file, one per linker,
# for IMPORTS of dumpsim_add_sys.
function(dumpsim_sys_import_library name definition)
  cmake_parse_arguments(LIBRARY "" "" "DEPENDS" ${ARGN})
  dumpsim_check_arguments(dumpsim_sys_import_library LIBRARY)
  set(dlltool_mingw ${DUMPSIM_MINGW_DLLTOOL})
  set(dlltool_clang ${DUMPSIM_SYS_LLVM_DLLTOOL})
  foreach(kind IN LISTS DUMPSIM_SYS_KINDS)
    set(folder ${CMAKE_BINARY_DIR}/lib/sys-${kind})
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(OUTPUT ${folder}/${name}.lib
      COMMAND ${dlltool_${kind}} -m i386:x86-64 -d ${definition} -l ${folder}/${name}.lib
      DEPENDS ${definition} ${LIBRARY_DEPENDS} VERBATIM COMMENT "Making the import library of ${name} (${kind})")
    add_custom_target(dumpsim_sys_import_${name}_${kind} DEPENDS ${folder}/${name}.lib)
  endforeach()
endfunction()

# dumpsim_add_sys(name SOURCES … [KINDS mingw|clang …] [IMPORTS libraries beside ntoskrnl …] [DEFINITIONS …]
#                 [OPTIONS …] [LINK_mingw …] [LINK_clang …] [OUTPUT_DIRECTORY folder])
# name-mingw.sys (target sys_name_mingw) and name-clang.sys (target sys_name_clang), in build/filters unless told
# otherwise. The sources see include/wdk and their own folder. GNU ld finds DriverEntry with C linkage alone. A kind whose
# compiler is missing is left out; those that are there stand in DUMPSIM_SYS_KINDS. LINK_kind goes to that linker.
function(dumpsim_add_sys name)
  dumpsim_check_package("dumpsim_add_sys(${name})")
  dumpsim_check_name("dumpsim_add_sys(${name})" "${name}")
  set(values OUTPUT_DIRECTORY)
  set(lists SOURCES KINDS IMPORTS DEFINITIONS OPTIONS LINK_mingw LINK_clang)
  cmake_parse_arguments(SYS "" "${values}" "${lists}" ${ARGN})
  dumpsim_check_keywords("dumpsim_add_sys(${name})" SYS KEYWORDS ${values} ${lists}
    FILES SOURCES FREE DEFINITIONS OPTIONS LINK_mingw LINK_clang)
  if(NOT SYS_SOURCES)
    message(FATAL_ERROR "dumpsim_add_sys(${name}): no SOURCES")
  endif()
  if(NOT SYS_OUTPUT_DIRECTORY)
    set(SYS_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/filters)
  endif()
  get_filename_component(SYS_OUTPUT_DIRECTORY ${SYS_OUTPUT_DIRECTORY} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_BINARY_DIR})
  if(NOT SYS_KINDS)
    set(SYS_KINDS mingw clang)
  endif()
  file(MAKE_DIRECTORY ${SYS_OUTPUT_DIRECTORY})
  set(c_mingw ${DUMPSIM_MINGW_CC})
  set(cxx_mingw ${DUMPSIM_MINGW_CC})  # compiles C++ where g++-mingw-w64 is installed
  set(c_clang ${DUMPSIM_WINDOWS_CC})
  set(cxx_clang ${DUMPSIM_WINDOWS_CC})
  set(includes_mingw ${DUMPSIM_FILTER_INCLUDE})
  set(includes_clang ${DUMPSIM_FILTER_INCLUDE} ${DUMPSIM_FILTER_INCLUDE}/crt)
  list(TRANSFORM SYS_DEFINITIONS REPLACE "^-D" "")
  list(TRANSFORM SYS_DEFINITIONS PREPEND -D)
  foreach(kind IN LISTS SYS_KINDS)
    if(NOT kind IN_LIST DUMPSIM_SYS_KINDS)
      continue()
    endif()
    set(target sys_${name}_${kind})
    dumpsim_guest_objects(objects ${target} SOURCES ${SYS_SOURCES} INCLUDES ${includes_${kind}} C ${c_${kind}}
      CXX ${cxx_${kind}} WORD "Windows driver, ${kind}"
      OPTIONS ${DUMPSIM_SYS_OPTIONS_${kind}} ${SYS_DEFINITIONS} ${SYS_OPTIONS})
    set(libraries)
    set(library_targets)
    foreach(library IN LISTS SYS_IMPORTS ITEMS ntoskrnl)
      # Made by a target of this build, or come with the package.
      if(TARGET dumpsim_sys_import_${library}_${kind})
        list(APPEND libraries ${CMAKE_BINARY_DIR}/lib/sys-${kind}/${library}.lib)
        list(APPEND library_targets dumpsim_sys_import_${library}_${kind})
      elseif(EXISTS ${DUMPSIM_KIT_LIBRARIES}/sys-${kind}/${library}.lib)
        list(APPEND libraries ${DUMPSIM_KIT_LIBRARIES}/sys-${kind}/${library}.lib)
      else()
        message(FATAL_ERROR "dumpsim_add_sys(${name}): there is no import library ${library} for ${kind} in "
                            "${DUMPSIM_KIT_LIBRARIES}: dumpsim was built where that compiler was missing; leave the kind "
                            "out with KINDS, or name the library with dumpsim_sys_import_library()")
      endif()
    endforeach()
    set(image ${SYS_OUTPUT_DIRECTORY}/${name}-${kind}.sys)
    if(kind STREQUAL "mingw")
      set(link ${DUMPSIM_MINGW_CC} ${DUMPSIM_SYS_LINK_OPTIONS_mingw} -o ${image} ${objects} ${libraries} -lgcc
        ${SYS_LINK_mingw})
    else()
      set(link ${DUMPSIM_SYS_LLD_LINK} ${DUMPSIM_SYS_LINK_OPTIONS_clang} /out:${image} ${objects} ${libraries}
        ${SYS_LINK_clang})
    endif()
    add_custom_command(OUTPUT ${image} COMMAND ${link} DEPENDS ${objects} ${library_targets} ${libraries}
      VERBATIM COMMENT "Linking driver ${name}-${kind}.sys")
    add_custom_target(${target} ALL DEPENDS ${image})
    set_target_properties(${target} PROPERTIES DUMPSIM_IMAGE ${image})
  endforeach()
endfunction()
