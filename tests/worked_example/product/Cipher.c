// SPDX-License-Identifier: Apache-2.0
// Where the product has its cryptography. This is none: ARX rounds over a counter, to have something that depends on
// the key and the data unit.
#include "Cipher.h"

static uint32 Load(const uint8* bytes) {
  return bytes[0] | (uint32)bytes[1] << 8 | (uint32)bytes[2] << 16 | (uint32)bytes[3] << 24;
}

void VaultEncryptUnits(const uint8* masterKey, uint8* data, uint64 firstUnit, uint32 unitCount) {
  uint32 unit, word, round;
  for (unit = 0; unit < unitCount; ++unit) {
    for (word = 0; word < VAULT_SECTOR_SIZE / 4; ++word, data += 4) {
      uint32 a = (uint32)(firstUnit + unit), b = (uint32)((firstUnit + unit) >> 32) ^ word;
      for (round = 0; round < 8; ++round) {
        a += Load(masterKey + 4 * (round % 8)) ^ b;
        b = _rotl(b, 13) ^ a;
      }
      data[0] ^= (uint8)a;
      data[1] ^= (uint8)(a >> 8);
      data[2] ^= (uint8)(a >> 16);
      data[3] ^= (uint8)(a >> 24);
    }
  }
}
