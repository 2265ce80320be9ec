// SPDX-License-Identifier: Apache-2.0
//
// AES-XTS (IEEE 1619) over 512-byte data units, for code that has nothing beneath it: no allocation, no library, no
// state but the expanded key, every IRQL. In a file of its own and on standard types, so that a unit test on any
// machine can hold it against OpenSSL.
//
// Two implementations of one result, chosen when the key is expanded: AES-NI, eight blocks in flight, and portable C.
// The portable one looks bytes up in the S-box (two tables of 256 bytes), so its timing can tell a local observer with
// a shared cache something about the key. During a crash no one else runs; for other uses prefer AES-NI.
#ifndef AES_XTS_CIPHER_H
#define AES_XTS_CIPHER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AES_XTS_DATA_UNIT 512
#define AES_XTS_MAX_ROUNDS 14

typedef enum _AES_XTS_IMPLEMENTATION {
  AesXtsBest = 0,      // AES-NI where the processor has it
  AesXtsPortable = 1,  // always the portable twin
} AES_XTS_IMPLEMENTATION;

// Round keys in the order in which they are used, 16 bytes each. Wipe with a memset that the compiler may not drop.
typedef struct _AES_XTS_KEY {
  uint8_t Encrypt[(AES_XTS_MAX_ROUNDS + 1) * 16];  // first half of the key
  uint8_t Decrypt[(AES_XTS_MAX_ROUNDS + 1) * 16];  // the same for the equivalent inverse cipher
  uint8_t Tweak[(AES_XTS_MAX_ROUNDS + 1) * 16];    // second half of the key
  uint32_t Rounds;                                 // 10 or 14
  uint32_t UsesAesNi;
} AES_XTS_KEY;

// Nonzero when this processor has AES-NI.
int AesXtsHasAesNi(void);

// Expands `KeyBytes` bytes of key: 32 for AES-128-XTS, 64 for AES-256-XTS; the first half encrypts the data, the second
// the tweaks. Returns 0 and leaves `Key` alone when the length is neither.
int AesXtsExpandKey(AES_XTS_KEY* Key, const uint8_t* KeyMaterial, size_t KeyBytes,
                    AES_XTS_IMPLEMENTATION Implementation);

// `From` and `To` may be the same buffer but must not overlap otherwise. `Bytes` is a multiple of 16; a data unit
// shorter than 512 bytes may only be the last. Data units are numbered from `FirstDataUnit` on.
void AesXtsEncrypt(const AES_XTS_KEY* Key, uint64_t FirstDataUnit, const uint8_t* From, uint8_t* To, size_t Bytes);
void AesXtsDecrypt(const AES_XTS_KEY* Key, uint64_t FirstDataUnit, const uint8_t* From, uint8_t* To, size_t Bytes);

#ifdef __cplusplus
}
#endif

#endif  // AES_XTS_CIPHER_H
