# SPDX-License-Identifier: Apache-2.0
# Debian's libdw-dev ships no CMake package: find headers and library, and offer LibDw::dw.
find_path(LibDw_INCLUDE_DIR elfutils/libdwfl.h)
find_library(LibDw_LIBRARY dw)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibDw REQUIRED_VARS LibDw_LIBRARY LibDw_INCLUDE_DIR)
if(LibDw_FOUND AND NOT TARGET LibDw::dw)
  add_library(LibDw::dw UNKNOWN IMPORTED)
  set_target_properties(LibDw::dw PROPERTIES IMPORTED_LOCATION "${LibDw_LIBRARY}"
                                             INTERFACE_INCLUDE_DIRECTORIES "${LibDw_INCLUDE_DIR}")
endif()
mark_as_advanced(LibDw_INCLUDE_DIR LibDw_LIBRARY)
