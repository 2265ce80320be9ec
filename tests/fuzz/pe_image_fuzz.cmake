dumpsim_fuzz(pe_image SOURCE ${CMAKE_CURRENT_LIST_DIR}/pe_image_fuzz.cpp DEPENDS loader)
