dumpsim_fuzz(dump SOURCE ${CMAKE_CURRENT_LIST_DIR}/dump_fuzz.cpp DEPENDS dumpfile)
