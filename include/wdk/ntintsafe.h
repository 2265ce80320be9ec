// SPDX-License-Identifier: Apache-2.0
// The name that drivers should use; the functions are the same.
#include "intsafe.h"
