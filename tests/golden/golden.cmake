# cmake -DDUMPSIM=… -DFILTERS=… -DSCENARIO=… -DGOLDEN=… -DTRACE=… [-DACCEPT=ON] -P golden.cmake: the trace of a scenario,
# byte for byte what GOLDEN says.
execute_process(COMMAND ${DUMPSIM} run --quiet --digests --trace text --trace-file ${TRACE} --replace
                        --filter-path ${FILTERS} ${SCENARIO} RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "exit code ${code}:\n${output}")
endif()
if(ACCEPT)
  configure_file(${TRACE} ${GOLDEN} COPYONLY)
  return()
endif()
execute_process(COMMAND diff -u ${GOLDEN} ${TRACE} RESULT_VARIABLE code OUTPUT_VARIABLE output)
if(NOT code EQUAL 0)
  string(SUBSTRING "${output}" 0 4000 output)
  message(FATAL_ERROR "the trace is another than in ${GOLDEN}:\n${output}")
endif()
