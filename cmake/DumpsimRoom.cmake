# SPDX-License-Identifier: Apache-2.0
# One way to make a room, a test binary and a fuzz target. Warnings and sanitizers are private to our own code: they are
# never exported to a user's filter.

set(DUMPSIM_WARNINGS -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wcast-qual -Wformat=2 -Wundef -Wno-missing-field-initializers)
set(DUMPSIM_C_WARNINGS -Wall -Wextra -Wshadow -Wundef -Wno-missing-field-initializers)

function(dumpsim_target_options target)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${DUMPSIM_WARNINGS}> $<$<COMPILE_LANGUAGE:C>:${DUMPSIM_C_WARNINGS}>)
  if(DUMPSIM_WERROR)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C,CXX>:-Werror>)
  endif()
  if(DUMPSIM_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${DUMPSIM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
    target_link_options(${target} PRIVATE -fsanitize=${DUMPSIM_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # GCC warns of variables that only its own instrumentation leaves unset.
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
  endif()
  if(DUMPSIM_FUZZ)
    # The rooms report which of their branches an input reaches; without this libFuzzer searches blindly.
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# The standard headers that most files include anyway, compiled once for all rooms and once for all tests. They are no
# licence to leave out an include: the tidy preset compiles without them.
set(DUMPSIM_STANDARD_HEADERS <algorithm> <array> <cassert> <cstddef> <cstdint> <cstring> <filesystem> <fstream> <functional>
  <iterator> <map> <memory> <optional> <set> <span> <string> <string_view> <utility> <vector>)

function(dumpsim_precompile target owner)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources EXCLUDE REGEX "\\.cpp$")
  set_source_files_properties(${sources} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  target_precompile_headers(${target} REUSE_FROM ${owner})
endfunction()

# The two targets that own the compiled headers: dumpsim_room_headers, dumpsim_test_headers.
function(dumpsim_precompiled_headers)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/headers.cpp CONTENT "// Only there to compile the headers with.\n")
  add_library(dumpsim_room_headers STATIC EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/headers.cpp)
  target_link_libraries(dumpsim_room_headers PRIVATE fmt::fmt)
  target_precompile_headers(dumpsim_room_headers PRIVATE ${DUMPSIM_STANDARD_HEADERS} <fmt/format.h>)
  dumpsim_target_options(dumpsim_room_headers)
  if(NOT DUMPSIM_TESTS)
    return()
  endif()
  add_executable(dumpsim_test_headers EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/headers.cpp)
  target_link_libraries(dumpsim_test_headers PRIVATE GTest::gmock_main Threads::Threads)
  target_precompile_headers(dumpsim_test_headers PRIVATE ${DUMPSIM_STANDARD_HEADERS} <gmock/gmock.h> <gtest/gtest.h>)
  dumpsim_target_options(dumpsim_test_headers)
  target_compile_options(dumpsim_test_headers PRIVATE ${DUMPSIM_TEST_OPTIONS})
endfunction()

# dumpsim_room(name SOURCES … [DEPENDS rooms below …] [LIBRARIES external …])
# Headers are included as "room/file.hpp". The neighbours are public, so that the link graph is the architecture.
function(dumpsim_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  dumpsim_check_arguments(dumpsim_room ROOM)
  add_library(dumpsim_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(dumpsim_${name} PUBLIC ${PROJECT_SOURCE_DIR}/simulator)
  foreach(neighbour IN LISTS ROOM_DEPENDS)
    target_link_libraries(dumpsim_${name} PUBLIC dumpsim_${neighbour})
  endforeach()
  target_link_libraries(dumpsim_${name} PRIVATE ${ROOM_LIBRARIES})
  dumpsim_target_options(dumpsim_${name})
  target_link_libraries(dumpsim_${name} PRIVATE fmt::fmt)
  dumpsim_precompile(dumpsim_${name} dumpsim_room_headers)
  set_property(GLOBAL APPEND PROPERTY DUMPSIM_ROOMS ${name})
  set_property(GLOBAL PROPERTY DUMPSIM_ROOM_${name}_DEPENDS ${ROOM_DEPENDS})
endfunction()

# What a test spends is in the rooms; its expectations take half the time to compile this way. Optimising what the
# sanitizers add to them would double it again: 15 s for 318 lines of tests/kernel/ke_test.cpp, 8 s without.
if(DUMPSIM_SANITIZE)
  set(DUMPSIM_TEST_OPTIONS -O0)
else()
  set(DUMPSIM_TEST_OPTIONS -O1)
endif()

# dumpsim_test(name SOURCES … [DEPENDS rooms …] [LIBRARIES …]): a GoogleTest binary; every *_test.cpp of the folder must be listed.
function(dumpsim_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  dumpsim_check_arguments(dumpsim_test TEST)
  add_executable(${name} ${TEST_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/simulator ${PROJECT_SOURCE_DIR}/include)
  foreach(neighbour IN LISTS TEST_DEPENDS)
    target_link_libraries(${name} PRIVATE dumpsim_${neighbour})
  endforeach()
  target_link_libraries(${name} PRIVATE ${TEST_LIBRARIES} GTest::gmock_main Threads::Threads)
  dumpsim_target_options(${name})
  target_compile_options(${name} PRIVATE ${DUMPSIM_TEST_OPTIONS})
  dumpsim_precompile(${name} dumpsim_test_headers)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 120)
  foreach(source IN LISTS TEST_SOURCES)
    get_filename_component(absolute ${source} ABSOLUTE)
    set_property(GLOBAL APPEND PROPERTY DUMPSIM_TEST_SOURCES ${absolute})
  endforeach()
endfunction()

# Tests that exist on disk but are registered nowhere stop the configure.
function(dumpsim_check_registered_tests)
  get_property(registered GLOBAL PROPERTY DUMPSIM_TEST_SOURCES)
  file(GLOB_RECURSE present CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*_test.cpp ${PROJECT_SOURCE_DIR}/filters/*_test.cpp)
  foreach(source IN LISTS present)
    if(NOT source IN_LIST registered)
      message(FATAL_ERROR "${source} is a test that no dumpsim_test() lists: register it or remove it")
    endif()
  endforeach()
endfunction()

# dumpsim_fuzz(name SOURCE file.cpp [DEPENDS rooms …]): LLVMFuzzerTestOneInput in file.cpp. Replays tests/fuzz/corpus/<name>/
# in every test run; with DUMPSIM_FUZZ (clang) also a libFuzzer binary `fuzz_<name>`.
function(dumpsim_fuzz name)
  cmake_parse_arguments(FUZZ "" "SOURCE" "DEPENDS" ${ARGN})
  dumpsim_check_arguments(dumpsim_fuzz FUZZ)
  add_executable(replay_${name} ${FUZZ_SOURCE} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cpp)
  set(targets replay_${name})
  if(DUMPSIM_FUZZ)
    add_executable(fuzz_${name} ${FUZZ_SOURCE})
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    list(APPEND targets fuzz_${name})
  endif()
  foreach(target IN LISTS targets)
    foreach(neighbour IN LISTS FUZZ_DEPENDS)
      target_link_libraries(${target} PRIVATE dumpsim_${neighbour})
    endforeach()
    dumpsim_target_options(${target})
  endforeach()
  add_test(NAME fuzz.${name}.replay COMMAND replay_${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
endfunction()
