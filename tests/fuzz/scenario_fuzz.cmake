dumpsim_fuzz(scenario SOURCE scenario_fuzz.cpp DEPENDS scenario)
