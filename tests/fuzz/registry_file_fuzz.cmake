dumpsim_fuzz(registry_file SOURCE registry_file_fuzz.cpp DEPENDS scenario)
