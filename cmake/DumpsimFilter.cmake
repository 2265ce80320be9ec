# SPDX-License-Identifier: Apache-2.0
# Builds dump filters (and the ordinary drivers beside them) the way a driver author would: against include/wdk and an
# import library, nothing else. No C library, no start files, no sanitizers: a filter is a guest of the host, not part
# of it.
#
# Installed as it is: here and in an outside project the same functions work with the same files. What they build against:
# DUMPSIM_KIT_INCLUDE (the WDK's headers), DUMPSIM_KIT_LIBRARIES (runtimes, import libraries, the map of exports); the
# targets dumpsim::crt, dumpsim::ms_crt, dumpsim::import_system_v, dumpsim::import_microsoft; for tests dumpsim::dumpsim
# and dumpsim::program.
include_guard(DIRECTORY)
cmake_policy(VERSION 3.25)  # of this file alone, whatever an outside project asks for
include(${CMAKE_CURRENT_LIST_DIR}/DumpsimKeywords.cmake)

# Microsoft's x64 convention in an ELF image is gcc -mabi=ms; Clang has no such switch, so that twin is made by gcc
# whatever compiler the host is built with, and the tests are the same in every preset.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(DUMPSIM_MICROSOFT_CC ${CMAKE_C_COMPILER})
  set(DUMPSIM_MICROSOFT_CXX ${CMAKE_CXX_COMPILER})
else()
  find_program(DUMPSIM_MICROSOFT_CC gcc DOC "A GCC that builds filters in Microsoft's x64 convention")
  find_program(DUMPSIM_MICROSOFT_CXX g++ DOC "The same for C++")
endif()

# What an outer project has set for all its targets and no filter has a run time for: sanitizers, counters of coverage.
# CMAKE_C_FLAGS of a folder cannot be changed for one target of it, and nothing takes --coverage back: GCC is told to
# count in no file.
set(DUMPSIM_FILTER_PLAIN -fno-sanitize=all)
set(DUMPSIM_FILTER_PLAIN_HOST ${DUMPSIM_FILTER_PLAIN})
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" OR CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND DUMPSIM_FILTER_PLAIN_HOST -fprofile-exclude-files=.*)
endif()

# 16-bit wchar_t; anonymous structures by tag and __declspec, as drivers use them; no aliasing rules and wrapping
# integers, as the compiler they were written for has it; a frame for every call, so that a crash tells its callers.
set(DUMPSIM_FILTER_OPTIONS -fPIC -fshort-wchar -fms-extensions -fno-strict-aliasing -fwrapv -fno-stack-protector
  -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fno-optimize-sibling-calls -ffunction-sections -fdata-sections -g
  -Wall -Wextra -Wno-unknown-pragmas -Wno-multichar -Wno-missing-field-initializers)
# What Windows' kernel has no runtime for.
set(DUMPSIM_FILTER_CXX_OPTIONS -fno-exceptions -fno-rtti -fno-threadsafe-statics)
# Exported is DriverEntry, mangled or not, and nothing else: an image's own functions bind to themselves.
set(DUMPSIM_FILTER_LINK_OPTIONS ${DUMPSIM_FILTER_PLAIN} -nostdlib -Wl,-z,defs -Wl,-z,noexecstack -Wl,-z,now -Wl,--gc-sections -Wl,-Bsymbolic
  -Wl,--build-id)
set(DUMPSIM_FILTER_EXPORTS ${DUMPSIM_KIT_LIBRARIES}/filter_exports.map)
set(DUMPSIM_FILTER_INCLUDE ${DUMPSIM_KIT_INCLUDE})
include(${CMAKE_CURRENT_LIST_DIR}/DumpsimWindows.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/DumpsimSys.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/DumpsimFilterTests.cmake)

# A folder's flags as a list, without what asks for a run time that no filter has.
function(dumpsim_guest_flags variable flags)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  list(FILTER flags EXCLUDE REGEX "^(--coverage|-fprofile-.*|-ftest-coverage|-fcoverage-.*|-fsanitize.*)$")
  set(${variable} ${flags} PARENT_SCOPE)
endfunction()

# dumpsim_guest_list(variable option values [language]): a folder's property as words of a command, each behind `option`.
# Generator expressions are CMake's to evaluate, later, and may come to nothing; only the language is not known there.
function(dumpsim_guest_list variable option values)
  if(ARGN)
    string(REPLACE "$<COMPILE_LANGUAGE:${ARGN}>" "1" values "${values}")
    string(REGEX REPLACE "\\$<COMPILE_LANGUAGE:[A-Z]+>" "0" values "${values}")
  endif()
  list(FILTER values EXCLUDE REGEX "\\$<COMPILE_LANG")
  set(said)
  if(values)
    set(values "$<FILTER:${values},EXCLUDE,^$>")
    set(said "$<$<BOOL:${values}>:${option}$<JOIN:${values},;${option}>>")
  endif()
  set(${variable} "${said}" PARENT_SCOPE)
endfunction()

# dumpsim_guest_objects(variable tag C compiler CXX compiler WORD what SOURCES … [OPTIONS …] [INCLUDES …]): compiles C and
# C++ sources with a compiler that need not be the host's; the object files are returned in `variable`. `tag` keeps
# objects of several images apart.
function(dumpsim_guest_objects variable tag)
  cmake_parse_arguments(OBJECTS "" "C;CXX;WORD" "SOURCES;OPTIONS;INCLUDES" ${ARGN})
  dumpsim_check_arguments(dumpsim_guest_objects OBJECTS)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
  list(TRANSFORM OBJECTS_INCLUDES PREPEND -I)
  # What the folder has for all its targets: an image in the host's convention gets it from CMake.
  get_directory_property(folder_includes INCLUDE_DIRECTORIES)
  get_directory_property(folder_definitions COMPILE_DEFINITIONS)
  dumpsim_guest_list(folder_includes -I "${folder_includes}")
  if(DUMPSIM_WERROR)
    list(APPEND OBJECTS_OPTIONS -Werror)
  endif()
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${tag}.dir)
  file(MAKE_DIRECTORY ${folder})
  set(objects)
  foreach(source IN LISTS OBJECTS_SOURCES)
    get_filename_component(absolute ${source} ABSOLUTE)
    get_filename_component(extension ${source} LAST_EXT)
    if(extension MATCHES "^\\.(h|hh|hpp|hxx|inc|inl)$")
      continue()
    endif()
    # Two sources may have one name in two folders.
    file(RELATIVE_PATH name ${CMAKE_CURRENT_SOURCE_DIR} ${absolute})
    string(REPLACE "../" "__/" name ${name})
    get_source_file_property(source_options ${source} COMPILE_OPTIONS)
    if(NOT source_options)
      set(source_options)
    endif()
    if(extension STREQUAL ".c")
      dumpsim_guest_flags(flags "${CMAKE_C_FLAGS_${build_type}}")
      dumpsim_guest_list(definitions -D "${folder_definitions}" C)
      set(compile ${CMAKE_C_COMPILER_LAUNCHER} ${OBJECTS_C} -std=gnu11 ${flags})
    elseif(extension MATCHES "^\\.(cpp|cc|cxx)$")
      dumpsim_guest_flags(flags "${CMAKE_CXX_FLAGS_${build_type}}")
      dumpsim_guest_list(definitions -D "${folder_definitions}" CXX)
      set(compile ${CMAKE_CXX_COMPILER_LAUNCHER} ${OBJECTS_CXX} -std=gnu++20 ${flags}
        ${DUMPSIM_FILTER_CXX_OPTIONS})
    else()
      message(FATAL_ERROR "${source}: expected a C or C++ source (.c, .cpp, .cc, .cxx)")
    endif()
    set(object ${folder}/${name}.o)
    get_filename_component(object_folder ${object} DIRECTORY)
    file(MAKE_DIRECTORY ${object_folder})
    add_custom_command(OUTPUT ${object}
      COMMAND ${compile} "${definitions}" ${OBJECTS_OPTIONS} ${source_options} "${folder_includes}" ${OBJECTS_INCLUDES} -MD
              -MF ${object}.d -MT ${object} -c ${absolute} -o ${object}
      DEPENDS ${absolute} DEPFILE ${object}.d COMMAND_EXPAND_LISTS VERBATIM COMMENT "Building ${tag} object ${name}.o (${OBJECTS_WORD})")
    list(APPEND objects ${object})
  endforeach()
  set(${variable} ${objects} PARENT_SCOPE)
endfunction()

# dumpsim_microsoft_objects(variable tag SOURCES … [OPTIONS …] [INCLUDES …]): the same with Microsoft's convention.
function(dumpsim_microsoft_objects variable tag)
  cmake_parse_arguments(OBJECTS "" "" "SOURCES;OPTIONS;INCLUDES" ${ARGN})
  dumpsim_check_arguments(dumpsim_microsoft_objects OBJECTS)
  if(NOT DUMPSIM_MICROSOFT_CC)
    message(FATAL_ERROR "${tag}: Microsoft's convention (CONVENTION microsoft) is GCC's to compile, and there is no gcc; "
                        "install g++, or set DUMPSIM_MICROSOFT_CC and DUMPSIM_MICROSOFT_CXX")
  endif()
  dumpsim_guest_objects(objects ${tag} C ${DUMPSIM_MICROSOFT_CC} CXX ${DUMPSIM_MICROSOFT_CXX} WORD "Microsoft convention"
    SOURCES ${OBJECTS_SOURCES} OPTIONS -mabi=ms ${OBJECTS_OPTIONS} INCLUDES ${OBJECTS_INCLUDES})
  set(${variable} ${objects} PARENT_SCOPE)
endfunction()

# dumpsim_add_filter(name SOURCES … [CONVENTION system-v|microsoft|windows|both|all] [DEFINITIONS …] [OPTIONS …]
#                    [OUTPUT_DIRECTORY folder] [SCENARIOS …] [TESTS …] [LIBRARIES …] [BATTERY])
# name.so in the System V convention (target filter_name), name-ms.so in Microsoft's (target filter_name_ms),
# name-windows.so in Microsoft's with Windows' data model too (target filter_name_windows, where there is a clang), in
# build/filters unless told otherwise (OUTPUT_DIRECTORY: relative to the folder's build folder). The default is system-v; both is the first two. The sources see the WDK's headers
# and their own folder.
# SCENARIOS: each is a test name.FILE, run with the filters of the output directory. TESTS: GoogleTest sources, linked
# into name_test with LIBRARIES; they find this filter's (first) image in DUMPSIM_FILTER and its folder in DUMPSIM_FILTERS.
# BATTERY: a test name.battery that runs `dumpsim try` over each image (DumpsimFilterTests.cmake).
function(dumpsim_add_filter name)
  dumpsim_check_package("dumpsim_add_filter(${name})")
  dumpsim_check_name("dumpsim_add_filter(${name})" "${name}")
  set(options BATTERY)
  set(values CONVENTION OUTPUT_DIRECTORY)
  set(lists SOURCES DEFINITIONS OPTIONS SCENARIOS TESTS LIBRARIES)
  cmake_parse_arguments(FILTER "${options}" "${values}" "${lists}" ${ARGN})
  dumpsim_check_keywords("dumpsim_add_filter(${name})" FILTER KEYWORDS ${options} ${values} ${lists}
    FILES SOURCES SCENARIOS TESTS FREE DEFINITIONS OPTIONS LIBRARIES)
  if(NOT FILTER_SOURCES)
    message(FATAL_ERROR "dumpsim_add_filter(${name}): no SOURCES")
  endif()
  if(FILTER_LIBRARIES AND NOT FILTER_TESTS)
    message(FATAL_ERROR "dumpsim_add_filter(${name}): LIBRARIES are those of TESTS, and there are none; a filter links "
                        "against the kernel alone")
  endif()
  set(ways ${FILTER_CONVENTION})
  if(NOT FILTER_CONVENTION)
    set(ways system-v)
  elseif(FILTER_CONVENTION STREQUAL "both")
    set(ways system-v microsoft)
  elseif(FILTER_CONVENTION STREQUAL "all")
    set(ways system-v microsoft windows)
  elseif(NOT FILTER_CONVENTION MATCHES "^(system-v|microsoft|windows)$")
    message(FATAL_ERROR "dumpsim_add_filter(${name}): CONVENTION ${FILTER_CONVENTION}: expected system-v, microsoft, "
                        "windows, both or all")
  endif()
  if(NOT FILTER_OUTPUT_DIRECTORY)
    set(FILTER_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/filters)
  endif()
  get_filename_component(FILTER_OUTPUT_DIRECTORY ${FILTER_OUTPUT_DIRECTORY} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_BINARY_DIR})
  file(MAKE_DIRECTORY ${FILTER_OUTPUT_DIRECTORY})
  set(images)

  if("system-v" IN_LIST ways)
    set(target filter_${name})
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU" AND "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}" MATCHES "--coverage")
      message(FATAL_ERROR "dumpsim_add_filter(${name}): a filter has no run time for the --coverage of CMAKE_C_FLAGS or "
                          "CMAKE_CXX_FLAGS, and only GCC can be told to leave it out; give it to targets of your own with "
                          "target_compile_options() and target_link_options()")
    endif()
    add_library(${target} MODULE ${FILTER_SOURCES})
    set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME ${name} SUFFIX .so
      C_STANDARD 11 C_EXTENSIONS ON CXX_STANDARD 20 CXX_EXTENSIONS ON POSITION_INDEPENDENT_CODE ON
      LIBRARY_OUTPUT_DIRECTORY $<1:${FILTER_OUTPUT_DIRECTORY}> SKIP_BUILD_RPATH ON LINK_DEPENDS ${DUMPSIM_FILTER_EXPORTS}
      DUMPSIM_IMAGE ${FILTER_OUTPUT_DIRECTORY}/${name}.so)
    list(APPEND images ${FILTER_OUTPUT_DIRECTORY}/${name}.so)
    target_include_directories(${target} PRIVATE ${DUMPSIM_FILTER_INCLUDE})
    target_compile_definitions(${target} PRIVATE ${FILTER_DEFINITIONS})
    target_compile_options(${target} PRIVATE ${DUMPSIM_FILTER_OPTIONS} ${DUMPSIM_FILTER_PLAIN_HOST}
      $<$<COMPILE_LANGUAGE:CXX>:${DUMPSIM_FILTER_CXX_OPTIONS}> $<$<BOOL:${DUMPSIM_WERROR}>:-Werror> ${FILTER_OPTIONS})
    target_link_options(${target} PRIVATE ${DUMPSIM_FILTER_LINK_OPTIONS}
      -Wl,--version-script=${DUMPSIM_FILTER_EXPORTS})
    # libgcc holds what the compiler calls for 128-bit division and its like; it is static and depends on nothing.
    target_link_libraries(${target} PRIVATE dumpsim::crt -Wl,--no-as-needed dumpsim::import_system_v -lgcc)
  endif()

  if("microsoft" IN_LIST ways)
    set(target filter_${name}_ms)
    set(definitions ${FILTER_DEFINITIONS})
    list(TRANSFORM definitions REPLACE "^-D" "")
    list(TRANSFORM definitions PREPEND -D)
    dumpsim_microsoft_objects(objects ${target} SOURCES ${FILTER_SOURCES} INCLUDES ${DUMPSIM_FILTER_INCLUDE}
      OPTIONS ${DUMPSIM_FILTER_OPTIONS} ${definitions} ${FILTER_OPTIONS})
    set(image ${FILTER_OUTPUT_DIRECTORY}/${name}-ms.so)
    add_custom_command(OUTPUT ${image}
      COMMAND ${DUMPSIM_MICROSOFT_CC} -shared ${DUMPSIM_FILTER_LINK_OPTIONS}
              -Wl,--version-script=${DUMPSIM_FILTER_EXPORTS} -o ${image} ${objects}
              $<TARGET_FILE:dumpsim::ms_crt> -Wl,--no-as-needed $<TARGET_FILE:dumpsim::import_microsoft>
      DEPENDS ${objects} $<TARGET_FILE:dumpsim::ms_crt> $<TARGET_FILE:dumpsim::import_microsoft>
              ${DUMPSIM_FILTER_EXPORTS}
      VERBATIM COMMENT "Linking filter ${name}-ms.so (Microsoft convention)")
    add_custom_target(${target} ALL DEPENDS ${image})
    set_target_properties(${target} PROPERTIES DUMPSIM_IMAGE ${image})
    list(APPEND images ${image})
  endif()

  if("windows" IN_LIST ways AND DUMPSIM_HAVE_WINDOWS)
    dumpsim_add_windows_filter(${name} filter_${name}_windows ${FILTER_OUTPUT_DIRECTORY}/${name}-windows.so
      SOURCES ${FILTER_SOURCES} DEFINITIONS ${FILTER_DEFINITIONS} OPTIONS ${FILTER_OPTIONS})
    list(APPEND images ${FILTER_OUTPUT_DIRECTORY}/${name}-windows.so)
  endif()

  if(NOT images)
    message(FATAL_ERROR "dumpsim_add_filter(${name}): CONVENTION windows takes clang, and there is none "
                        "(DUMPSIM_WINDOWS_CC): install it, or take another convention")
  endif()

  if(FILTER_SCENARIOS OR FILTER_BATTERY OR FILTER_TESTS)
    dumpsim_expect_testing()
  endif()
  if(FILTER_SCENARIOS)
    dumpsim_add_scenario_tests(${name} ${FILTER_OUTPUT_DIRECTORY} ${FILTER_SCENARIOS})
  endif()
  if(FILTER_BATTERY)
    dumpsim_add_battery_tests(${name} ${images})
  endif()
  # A build of dumpsim itself may leave its tests out.
  if(FILTER_TESTS AND (NOT DEFINED DUMPSIM_TESTS OR DUMPSIM_TESTS))
    list(GET images 0 image)
    dumpsim_add_unit_test(${name} ${image} SOURCES ${FILTER_TESTS} LIBRARIES ${FILTER_LIBRARIES})
    foreach(target IN ITEMS filter_${name} filter_${name}_ms filter_${name}_windows)
      if(TARGET ${target})
        add_dependencies(${name}_test ${target})
      endif()
    endforeach()
  endif()
endfunction()
