# SPDX-License-Identifier: Apache-2.0
# Writes a module definition file of ntoskrnl.exe from the export table: cmake -D TABLE=exports.def -D OUTPUT=… -P this.
# The wide C functions, which the table has under a name of its own for the sake of ELF images, get their real names.
file(STRINGS ${TABLE} rows REGEX "^EXPORT\\(")
set(text "LIBRARY ntoskrnl.exe\nEXPORTS\n")
foreach(row IN LISTS rows)
  string(REGEX REPLACE "^EXPORT\\(([A-Za-z0-9_]+),.*" "\\1" name "${row}")
  string(REGEX REPLACE "^dumpsim_" "" name "${name}")
  # Data, not code: no thunk.
  if(row MATCHES "\\(dumpsim_(Mm|[A-Za-z]+Type,)")
    string(APPEND name " DATA")
  endif()
  string(APPEND text "  ${name}\n")
endforeach()
# What only the loader of a .sys provides: called by compilers, never by name.
string(APPEND text "  __chkstk\n")
file(WRITE ${OUTPUT} "${text}")
