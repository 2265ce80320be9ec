dumpsim_fuzz(elf_image SOURCE ${CMAKE_CURRENT_LIST_DIR}/elf_image_fuzz.cpp DEPENDS loader)
