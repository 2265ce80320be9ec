dumpsim_fuzz(disk_layout SOURCE disk_layout_fuzz.cpp DEPENDS disk)
