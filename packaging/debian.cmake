# SPDX-License-Identifier: Apache-2.0
# `cpack` in the build folder makes .deb files: the program with everything `dumpsim run` and `dumpsim cc` need, the shared
# library, and what one builds filters' tests with.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR "dumpsim")
set(DUMPSIM_PACKAGE_CONTACT "The dumpsim authors <dumpsim@localhost>" CACHE STRING "Who maintains the .deb files")
set(CPACK_PACKAGE_CONTACT ${DUMPSIM_PACKAGE_CONTACT})
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program library development)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
  WORLD_EXECUTE)

set(version "${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME dumpsim)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "simulator of the Windows crash-dump stack
 Loads Windows crash-dump filter drivers in user mode, crashes a simulated
 machine, pushes its memory through them the way crashdmp.sys does, and
 judges what reached the disk.")
# `dumpsim cc` calls compilers: gcc for most, the others for other ways to build.
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS gcc)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "clang, lld, gcc-mingw-w64-x86-64, gdb")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libdumpsim0)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "simulator of the Windows crash-dump stack (shared library)
 What embedders of dumpsim and unit tests of dump filters are linked with.")
# Before 1.0 a minor version may break: what was built against one needs that one.
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/shlibs CONTENT "libdumpsim 0 libdumpsim0 (>= ${PROJECT_VERSION})\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_SOURCE_DIR}/debian/triggers ${CMAKE_CURRENT_BINARY_DIR}/shlibs)

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libdumpsim-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "simulator of the Windows crash-dump stack (development files)
 Headers and the CMake package with which filters are built and tested:
 find_package(dumpsim) and dumpsim_add_filter().")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libdumpsim0 (= ${version}), dumpsim (= ${version})")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS "cmake (>= 3.25), g++, libgtest-dev, libgmock-dev")

set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/debian/compress.cmake)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_BINARY_DIR}/debian_depends.cmake)
configure_file(debian/depends.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/debian_depends.cmake @ONLY)

# What Debian's policy asks of every package.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(changelog ${CMAKE_CURRENT_BINARY_DIR}/changelog.Debian)
configure_file(debian/changelog.in ${changelog} @ONLY)
set(folders program dumpsim library libdumpsim0 development libdumpsim-dev)
while(folders)
  list(POP_FRONT folders component folder)
  install(FILES debian/copyright ${changelog} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${folder} COMPONENT ${component} EXCLUDE_FROM_ALL)
endwhile()
install(FILES debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME dumpsim
  COMPONENT program EXCLUDE_FROM_ALL)
include(CPack)
