dumpsim_fuzz(unwind SOURCE ${CMAKE_CURRENT_LIST_DIR}/unwind_fuzz.cpp DEPENDS machine)
