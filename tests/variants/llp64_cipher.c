/* SPDX-License-Identifier: Apache-2.0
 * A cipher whose arithmetic wraps at 32 bits of an unsigned long: with one of 64 it would compute something else, from
 * keys laid out otherwise. */
#include "llp64_cipher.h"

void Llp64Schedule(Llp64Key* key, const u32 words[4]) {
  u32 sum = 0;
  long at;
  for (at = 0; at < 32; ++at) {
    key->keys[at] = sum + words[(sum >> ((at & 1) ? 11 : 0)) & 3];
    if ((at & 1) == 0) sum += 0x9e3779b9ul;
  }
  key->rounds = sizeof(u32) * 8;
}

static u64 Encrypt(const Llp64Key* key, u64 block) {
  u32 left = (u32)block;
  u32 right = (u32)(block >> 32);
  long at;
  for (at = 0; at < key->rounds; at += 2) {
    left += (((right << 4) ^ (right >> 5)) + right) ^ key->keys[at];
    right += (((left << 4) ^ (left >> 5)) + left) ^ key->keys[at + 1];
  }
  return ((u64)right << 32) | left;
}

void Llp64Mask(const Llp64Key* key, u64 offset, u8* bytes, u32 count) {
  u32 at;
  for (at = 0; at < count; at += 8) *(u64*)(bytes + at) ^= Encrypt(key, (offset + at) / 8);
}
