# Builds dump filters the way a driver author would: freestanding, against include/wdk and an import library, nothing else.
