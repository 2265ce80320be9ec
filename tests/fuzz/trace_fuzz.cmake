dumpsim_fuzz(trace SOURCE trace_fuzz.cpp DEPENDS trace)
