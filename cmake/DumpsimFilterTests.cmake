# SPDX-License-Identifier: Apache-2.0
# The tests that dumpsim_add_filter() registers: scenarios, GoogleTest binaries, the battery. Each kind in a function of
# its own, the same here and in an outside project.
include_guard(GLOBAL)
cmake_policy(VERSION 3.25)  # of this file alone, whatever an outside project asks for

# Says, when the top of the project has been read, that a `ctest` there would see none of the tests below. Once.
function(dumpsim_expect_testing)
  get_property(asked GLOBAL PROPERTY DUMPSIM_TESTING_ASKED)
  if(asked OR DEFINED DUMPSIM_TESTS)
    return()
  endif()
  set_property(GLOBAL PROPERTY DUMPSIM_TESTING_ASKED TRUE)
  cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL dumpsim_warn_without_testing)
endfunction()

function(dumpsim_warn_without_testing)
  if(NOT CMAKE_TESTING_ENABLED)
    message(WARNING "The tests of dumpsim_add_filter() are not seen by ctest in ${CMAKE_BINARY_DIR}: call enable_testing() in "
                    "${CMAKE_SOURCE_DIR}/CMakeLists.txt, before add_subdirectory()")
  endif()
endfunction()

# dumpsim_add_scenario_tests(name folder files…): a test name.FILE for each scenario (FILE without .toml), with the images of `folder`. Its
# exit code says whether everything came out as expected.
function(dumpsim_add_scenario_tests name folder)
  foreach(scenario IN LISTS ARGN)
    get_filename_component(absolute ${scenario} ABSOLUTE)
    get_filename_component(stem ${scenario} NAME_WLE)
    add_test(NAME ${name}.${stem}
      COMMAND $<TARGET_FILE:dumpsim::program> run --quiet --trace none --filter-path ${folder} ${absolute})
    set_tests_properties(${name}.${stem} PROPERTIES TIMEOUT 120)
  endforeach()
endfunction()

# dumpsim_add_battery_tests(name images…): a test name.battery (name.battery-ms, …) for each image: what a filter has to
# survive, without a scenario of its own.
function(dumpsim_add_battery_tests name)
  foreach(image IN LISTS ARGN)
    get_filename_component(stem ${image} NAME_WE)
    string(LENGTH ${name} length)
    string(SUBSTRING ${stem} ${length} -1 way)
    set(test ${name}.battery${way})
    add_test(NAME ${test} COMMAND $<TARGET_FILE:dumpsim::program> try --no-files ${image})
    set_tests_properties(${test} PROPERTIES TIMEOUT 300)
  endforeach()
endfunction()

# dumpsim_add_unit_test(name image SOURCES … [LIBRARIES …]): GoogleTest sources into name_test, one test of CTest each.
function(dumpsim_add_unit_test name image)
  cmake_parse_arguments(TEST "" "" "SOURCES;LIBRARIES" ${ARGN})
  get_filename_component(folder ${image} DIRECTORY)
  if(COMMAND dumpsim_test)  # in dumpsim's own tree, with its warnings and sanitizers
    dumpsim_test(${name}_test SOURCES ${TEST_SOURCES} LIBRARIES dumpsim::dumpsim ${TEST_LIBRARIES})
  else()
    find_package(GTest 1.12 REQUIRED)
    include(GoogleTest)
    add_executable(${name}_test ${TEST_SOURCES})
    target_compile_features(${name}_test PRIVATE cxx_std_20)
    target_link_libraries(${name}_test PRIVATE dumpsim::dumpsim ${TEST_LIBRARIES} GTest::gmock_main)
    gtest_discover_tests(${name}_test DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 120)
  endif()
  target_compile_definitions(${name}_test PRIVATE DUMPSIM_FILTER="${image}" DUMPSIM_FILTERS="${folder}")
endfunction()
