// SPDX-License-Identifier: Apache-2.0
// Sources spell it both ways, and file names here have a case.
#include "intsafe.h"
