// SPDX-License-Identifier: Apache-2.0
#ifndef VAULT_CIPHER_H
#define VAULT_CIPHER_H

#include "Defs.h"

void VaultEncryptUnits(const uint8* masterKey, uint8* data, uint64 firstUnit, uint32 unitCount);

#endif
