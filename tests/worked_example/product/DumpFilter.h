// SPDX-License-Identifier: Apache-2.0
#ifndef VAULT_DUMP_FILTER_H
#define VAULT_DUMP_FILTER_H

#include "Defs.h"
//
#include <ntdddump.h>

NTSTATUS VaultDumpFilterEntry(PFILTER_EXTENSION filterExtension, PFILTER_INITIALIZATION_DATA filterInitData);

#endif
