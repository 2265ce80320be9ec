# SPDX-License-Identifier: Apache-2.0
# Run by CPack over what is about to be packed: Debian wants manual pages and changelogs compressed, without a time in them.
find_program(GZIP gzip REQUIRED)
file(GLOB_RECURSE files ${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/man/man?/*.? ${CPACK_TEMPORARY_DIRECTORY}/*changelog.Debian)
foreach(file IN LISTS files)
  execute_process(COMMAND ${GZIP} -9n ${file} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
