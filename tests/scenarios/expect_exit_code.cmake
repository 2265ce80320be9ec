# cmake -DEXPECTED=n "-DCOMMAND=program;argument;…" -P expect_exit_code.cmake: WILL_FAIL takes any failure, a crash of ours too.
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT code STREQUAL EXPECTED)
  message(FATAL_ERROR "expected exit code ${EXPECTED}, got ${code}:\n${output}")
endif()
