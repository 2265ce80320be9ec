/* SPDX-License-Identifier: Apache-2.0
 * Types as portable crypto code of the field declares them: 32 bits are an unsigned long, which is true on Windows and
 * nowhere else. */
#ifndef LLP64_CIPHER_H
#define LLP64_CIPHER_H

typedef unsigned char u8;
typedef unsigned long u32;
typedef unsigned __int64 u64;

typedef struct {
  u32 keys[44];
  long rounds;
} Llp64Key;

/* The key schedule and the stream are those of XTEA in counter mode. */
void Llp64Schedule(Llp64Key* key, const u32 words[4]);
void Llp64Mask(const Llp64Key* key, u64 offset, u8* bytes, u32 count);

#endif
