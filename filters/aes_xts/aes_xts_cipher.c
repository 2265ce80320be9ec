// SPDX-License-Identifier: Apache-2.0
//
// See aes_xts_cipher.h. Written from FIPS 197 and IEEE 1619. The AES-NI half uses the sixteen XMM registers only, which
// x64 kernel code may use at every IRQL without saving anything (AVX would need KeSaveExtendedProcessorState, and that
// is not to be had at HIGH_LEVEL). GCC and Clang want -maes for this file. Not __attribute__((target("aes"))): GCC 12
// with -mabi=ms compiles a function with that attribute to take its arguments in the System V registers.
#include "aes_xts_cipher.h"

#include <cpuid.h>
#include <emmintrin.h>
#include <wmmintrin.h>

#define AES_BLOCK 16
#define PIPELINE 8
// Loops over the pipeline must unroll, or the eight states live in memory instead of in registers.
#define UNROLL _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((__always_inline__))

// clang-format off
static const uint8_t SBox[256] = {
    0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76,
    0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0,
    0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
    0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75,
    0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84,
    0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
    0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8,
    0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5, 0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2,
    0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
    0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb,
    0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79,
    0xe7, 0xc8, 0x37, 0x6d, 0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
    0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a,
    0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e,
    0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
    0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb, 0x16,
};

static const uint8_t InverseSBox[256] = {
    0x52, 0x09, 0x6a, 0xd5, 0x30, 0x36, 0xa5, 0x38, 0xbf, 0x40, 0xa3, 0x9e, 0x81, 0xf3, 0xd7, 0xfb,
    0x7c, 0xe3, 0x39, 0x82, 0x9b, 0x2f, 0xff, 0x87, 0x34, 0x8e, 0x43, 0x44, 0xc4, 0xde, 0xe9, 0xcb,
    0x54, 0x7b, 0x94, 0x32, 0xa6, 0xc2, 0x23, 0x3d, 0xee, 0x4c, 0x95, 0x0b, 0x42, 0xfa, 0xc3, 0x4e,
    0x08, 0x2e, 0xa1, 0x66, 0x28, 0xd9, 0x24, 0xb2, 0x76, 0x5b, 0xa2, 0x49, 0x6d, 0x8b, 0xd1, 0x25,
    0x72, 0xf8, 0xf6, 0x64, 0x86, 0x68, 0x98, 0x16, 0xd4, 0xa4, 0x5c, 0xcc, 0x5d, 0x65, 0xb6, 0x92,
    0x6c, 0x70, 0x48, 0x50, 0xfd, 0xed, 0xb9, 0xda, 0x5e, 0x15, 0x46, 0x57, 0xa7, 0x8d, 0x9d, 0x84,
    0x90, 0xd8, 0xab, 0x00, 0x8c, 0xbc, 0xd3, 0x0a, 0xf7, 0xe4, 0x58, 0x05, 0xb8, 0xb3, 0x45, 0x06,
    0xd0, 0x2c, 0x1e, 0x8f, 0xca, 0x3f, 0x0f, 0x02, 0xc1, 0xaf, 0xbd, 0x03, 0x01, 0x13, 0x8a, 0x6b,
    0x3a, 0x91, 0x11, 0x41, 0x4f, 0x67, 0xdc, 0xea, 0x97, 0xf2, 0xcf, 0xce, 0xf0, 0xb4, 0xe6, 0x73,
    0x96, 0xac, 0x74, 0x22, 0xe7, 0xad, 0x35, 0x85, 0xe2, 0xf9, 0x37, 0xe8, 0x1c, 0x75, 0xdf, 0x6e,
    0x47, 0xf1, 0x1a, 0x71, 0x1d, 0x29, 0xc5, 0x89, 0x6f, 0xb7, 0x62, 0x0e, 0xaa, 0x18, 0xbe, 0x1b,
    0xfc, 0x56, 0x3e, 0x4b, 0xc6, 0xd2, 0x79, 0x20, 0x9a, 0xdb, 0xc0, 0xfe, 0x78, 0xcd, 0x5a, 0xf4,
    0x1f, 0xdd, 0xa8, 0x33, 0x88, 0x07, 0xc7, 0x31, 0xb1, 0x12, 0x10, 0x59, 0x27, 0x80, 0xec, 0x5f,
    0x60, 0x51, 0x7f, 0xa9, 0x19, 0xb5, 0x4a, 0x0d, 0x2d, 0xe5, 0x7a, 0x9f, 0x93, 0xc9, 0x9c, 0xef,
    0xa0, 0xe0, 0x3b, 0x4d, 0xae, 0x2a, 0xf5, 0xb0, 0xc8, 0xeb, 0xbb, 0x3c, 0x83, 0x53, 0x99, 0x61,
    0x17, 0x2b, 0x04, 0x7e, 0xba, 0x77, 0xd6, 0x26, 0xe1, 0x69, 0x14, 0x63, 0x55, 0x21, 0x0c, 0x7d,
};
// clang-format on

static uint32_t Load32(const uint8_t* Bytes) {
  return (uint32_t)Bytes[0] | (uint32_t)Bytes[1] << 8 | (uint32_t)Bytes[2] << 16 | (uint32_t)Bytes[3] << 24;
}

static void Store32(uint8_t* Bytes, uint32_t Word) {
  Bytes[0] = (uint8_t)Word;
  Bytes[1] = (uint8_t)(Word >> 8);
  Bytes[2] = (uint8_t)(Word >> 16);
  Bytes[3] = (uint8_t)(Word >> 24);
}

static uint64_t Load64(const uint8_t* Bytes) {
  return Load32(Bytes) | (uint64_t)Load32(Bytes + 4) << 32;
}

static void Store64(uint8_t* Bytes, uint64_t Word) {
  Store32(Bytes, (uint32_t)Word);
  Store32(Bytes + 4, (uint32_t)(Word >> 32));
}

static uint32_t RotateLeft(uint32_t Word, unsigned Bits) {
  return Word << Bits | Word >> (32 - Bits);
}

// Four bytes times x in the field of AES, side by side, without a branch.
static uint32_t TimesX(uint32_t Word) {
  return ((Word & 0x7f7f7f7fu) << 1) ^ (((Word >> 7) & 0x01010101u) * 0x1bu);
}

// One column, its first byte lowest.
static uint32_t MixColumn(uint32_t Word) {
  uint32_t Doubled = TimesX(Word);
  uint32_t Tripled = Doubled ^ Word;
  return Doubled ^ RotateLeft(Tripled, 24) ^ RotateLeft(Word, 16) ^ RotateLeft(Word, 8);
}

static uint32_t InverseMixColumn(uint32_t Word) {
  uint32_t X2 = TimesX(Word);
  uint32_t X4 = TimesX(X2);
  uint32_t X8 = TimesX(X4);
  uint32_t X9 = X8 ^ Word;
  return (X8 ^ X4 ^ X2) ^ RotateLeft(X9 ^ X2, 24) ^ RotateLeft(X9 ^ X4, 16) ^ RotateLeft(X9, 8);
}

static uint32_t SubstituteWord(uint32_t Word) {
  return (uint32_t)SBox[Word & 255] | (uint32_t)SBox[Word >> 8 & 255] << 8 | (uint32_t)SBox[Word >> 16 & 255] << 16 |
         (uint32_t)SBox[Word >> 24] << 24;
}

static void ExpandEncryptionKey(uint8_t* RoundKeys, const uint8_t* KeyMaterial, unsigned KeyWords, unsigned Rounds) {
  uint32_t Constant = 1;
  for (unsigned i = 0; i < 4 * (Rounds + 1); ++i) {
    if (i < KeyWords) {
      Store32(RoundKeys + 4 * i, Load32(KeyMaterial + 4 * i));
      continue;
    }
    uint32_t Word = Load32(RoundKeys + 4 * (i - 1));
    if (i % KeyWords == 0) {
      Word = SubstituteWord(RotateLeft(Word, 24)) ^ Constant;
      Constant = TimesX(Constant);
    } else if (KeyWords > 6 && i % KeyWords == 4) {
      Word = SubstituteWord(Word);
    }
    Store32(RoundKeys + 4 * i, Load32(RoundKeys + 4 * (i - KeyWords)) ^ Word);
  }
}

// The equivalent inverse cipher of FIPS 197, 5.3.5: round keys backwards, the inner ones through InvMixColumns, which
// is what the AESDEC instruction wants too.
static void ExpandDecryptionKey(uint8_t* RoundKeys, const uint8_t* EncryptionKeys, unsigned Rounds) {
  for (unsigned Round = 0; Round <= Rounds; ++Round) {
    for (unsigned Column = 0; Column < 4; ++Column) {
      uint32_t Word = Load32(EncryptionKeys + AES_BLOCK * (Rounds - Round) + 4 * Column);
      if (Round != 0 && Round != Rounds) Word = InverseMixColumn(Word);
      Store32(RoundKeys + AES_BLOCK * Round + 4 * Column, Word);
    }
  }
}

static void EncryptBlock(const uint8_t* RoundKeys, unsigned Rounds, uint8_t* Block) {
  uint32_t State[4], Next[4];
  UNROLL for (unsigned i = 0; i < 4; ++i) State[i] = Load32(Block + 4 * i) ^ Load32(RoundKeys + 4 * i);
  for (unsigned Round = 1; Round <= Rounds; ++Round) {
    UNROLL for (unsigned i = 0; i < 4; ++i) {
      uint32_t Word = (uint32_t)SBox[State[i] & 255] | (uint32_t)SBox[State[(i + 1) & 3] >> 8 & 255] << 8 |
                      (uint32_t)SBox[State[(i + 2) & 3] >> 16 & 255] << 16 |
                      (uint32_t)SBox[State[(i + 3) & 3] >> 24] << 24;
      if (Round != Rounds) Word = MixColumn(Word);
      Next[i] = Word ^ Load32(RoundKeys + AES_BLOCK * Round + 4 * i);
    }
    UNROLL for (unsigned i = 0; i < 4; ++i) State[i] = Next[i];
  }
  for (unsigned i = 0; i < 4; ++i) Store32(Block + 4 * i, State[i]);
}

static void DecryptBlock(const uint8_t* RoundKeys, unsigned Rounds, uint8_t* Block) {
  uint32_t State[4], Next[4];
  UNROLL for (unsigned i = 0; i < 4; ++i) State[i] = Load32(Block + 4 * i) ^ Load32(RoundKeys + 4 * i);
  for (unsigned Round = 1; Round <= Rounds; ++Round) {
    UNROLL for (unsigned i = 0; i < 4; ++i) {
      uint32_t Word = (uint32_t)InverseSBox[State[i] & 255] |
                      (uint32_t)InverseSBox[State[(i + 3) & 3] >> 8 & 255] << 8 |
                      (uint32_t)InverseSBox[State[(i + 2) & 3] >> 16 & 255] << 16 |
                      (uint32_t)InverseSBox[State[(i + 1) & 3] >> 24] << 24;
      if (Round != Rounds) Word = InverseMixColumn(Word);
      Next[i] = Word ^ Load32(RoundKeys + AES_BLOCK * Round + 4 * i);
    }
    UNROLL for (unsigned i = 0; i < 4; ++i) State[i] = Next[i];
  }
  for (unsigned i = 0; i < 4; ++i) Store32(Block + 4 * i, State[i]);
}

// One data unit or the beginning of one: each block between two xors with a tweak that doubles in GF(2^128).
static void PortableUnit(const AES_XTS_KEY* Key, int Decrypt, uint64_t DataUnit, const uint8_t* From, uint8_t* To,
                         size_t Bytes) {
  uint8_t Tweak[AES_BLOCK] = {0};
  uint64_t Low, High;
  Store64(Tweak, DataUnit);
  EncryptBlock(Key->Tweak, Key->Rounds, Tweak);
  Low = Load64(Tweak);
  High = Load64(Tweak + 8);
  for (size_t i = 0; i < Bytes; i += AES_BLOCK) {
    uint8_t Block[AES_BLOCK];
    uint64_t Carry = High >> 63;
    Store64(Block, Load64(From + i) ^ Low);
    Store64(Block + 8, Load64(From + i + 8) ^ High);
    if (Decrypt) {
      DecryptBlock(Key->Decrypt, Key->Rounds, Block);
    } else {
      EncryptBlock(Key->Encrypt, Key->Rounds, Block);
    }
    Store64(To + i, Load64(Block) ^ Low);
    Store64(To + i + 8, Load64(Block + 8) ^ High);
    High = High << 1 | Low >> 63;
    Low = Low << 1 ^ (Carry * 0x87);
  }
}

INLINE __m128i RoundKey(const uint8_t* RoundKeys, unsigned Round) {
  return _mm_loadu_si128((const __m128i*)(const void*)(RoundKeys + AES_BLOCK * Round));
}

INLINE __m128i DoubleTweak(__m128i Tweak) {
  // The sign of the highest bit of each half, moved to where its carry goes: 0x87 for the low half, 1 for the high one.
  __m128i Signs = _mm_shuffle_epi32(_mm_srai_epi32(Tweak, 31), _MM_SHUFFLE(0, 1, 0, 3));
  return _mm_xor_si128(_mm_add_epi64(Tweak, Tweak), _mm_and_si128(Signs, _mm_set_epi32(0, 1, 0, 0x87)));
}

// The first tweaks of eight data units at once: one block per data unit would otherwise wait for its fourteen rounds
// alone.
static void AesNiFirstTweaks(const AES_XTS_KEY* Key, uint64_t FirstDataUnit, __m128i Tweaks[PIPELINE]) {
  __m128i State[PIPELINE];
  __m128i Round = RoundKey(Key->Tweak, 0);
  UNROLL for (unsigned i = 0; i < PIPELINE; ++i) {
    State[i] = _mm_xor_si128(_mm_set_epi64x(0, (long long)(FirstDataUnit + i)), Round);
  }
  for (unsigned r = 1; r < Key->Rounds; ++r) {
    Round = RoundKey(Key->Tweak, r);
    UNROLL for (unsigned i = 0; i < PIPELINE; ++i) State[i] = _mm_aesenc_si128(State[i], Round);
  }
  Round = RoundKey(Key->Tweak, Key->Rounds);
  UNROLL for (unsigned i = 0; i < PIPELINE; ++i) Tweaks[i] = _mm_aesenclast_si128(State[i], Round);
}

// Eight blocks of one data unit; returns the tweak of the block after them.
INLINE __m128i AesNiEightBlocks(const uint8_t* RoundKeys, unsigned Rounds, int Decrypt, __m128i Tweak,
                                const uint8_t* From, uint8_t* To) {
  __m128i State[PIPELINE], Tweaks[PIPELINE];
  __m128i Round = RoundKey(RoundKeys, 0);
  UNROLL for (unsigned i = 0; i < PIPELINE; ++i) {
    Tweaks[i] = Tweak;
    State[i] = _mm_xor_si128(_mm_loadu_si128((const __m128i*)(const void*)(From + AES_BLOCK * i)), Tweak);
    State[i] = _mm_xor_si128(State[i], Round);
    Tweak = DoubleTweak(Tweak);
  }
  for (unsigned r = 1; r < Rounds; ++r) {
    Round = RoundKey(RoundKeys, r);
    UNROLL for (unsigned i = 0; i < PIPELINE; ++i) {
      State[i] = Decrypt ? _mm_aesdec_si128(State[i], Round) : _mm_aesenc_si128(State[i], Round);
    }
  }
  Round = RoundKey(RoundKeys, Rounds);
  UNROLL for (unsigned i = 0; i < PIPELINE; ++i) {
    State[i] = Decrypt ? _mm_aesdeclast_si128(State[i], Round) : _mm_aesenclast_si128(State[i], Round);
    _mm_storeu_si128((__m128i*)(void*)(To + AES_BLOCK * i), _mm_xor_si128(State[i], Tweaks[i]));
  }
  return Tweak;
}

INLINE __m128i AesNiOneBlock(const uint8_t* RoundKeys, unsigned Rounds, int Decrypt, __m128i Tweak, const uint8_t* From,
                             uint8_t* To) {
  __m128i State = _mm_xor_si128(_mm_loadu_si128((const __m128i*)(const void*)From), Tweak);
  State = _mm_xor_si128(State, RoundKey(RoundKeys, 0));
  for (unsigned r = 1; r < Rounds; ++r) {
    State = Decrypt ? _mm_aesdec_si128(State, RoundKey(RoundKeys, r)) : _mm_aesenc_si128(State, RoundKey(RoundKeys, r));
  }
  State = Decrypt ? _mm_aesdeclast_si128(State, RoundKey(RoundKeys, Rounds))
                  : _mm_aesenclast_si128(State, RoundKey(RoundKeys, Rounds));
  _mm_storeu_si128((__m128i*)(void*)To, _mm_xor_si128(State, Tweak));
  return DoubleTweak(Tweak);
}

INLINE void AesNiUnits(const AES_XTS_KEY* Key, const uint8_t* RoundKeys, int Decrypt, uint64_t DataUnit,
                       const uint8_t* From, uint8_t* To, size_t Bytes) {
  __m128i Tweaks[PIPELINE];
  for (unsigned Unit = 0; Bytes != 0; ++Unit) {
    size_t UnitBytes = Bytes < AES_XTS_DATA_UNIT ? Bytes : AES_XTS_DATA_UNIT;
    size_t i = 0;
    __m128i Tweak;
    if (Unit % PIPELINE == 0) AesNiFirstTweaks(Key, DataUnit + Unit, Tweaks);
    Tweak = Tweaks[Unit % PIPELINE];
    for (; i + PIPELINE * AES_BLOCK <= UnitBytes; i += PIPELINE * AES_BLOCK) {
      Tweak = AesNiEightBlocks(RoundKeys, Key->Rounds, Decrypt, Tweak, From + i, To + i);
    }
    for (; i < UnitBytes; i += AES_BLOCK) {
      Tweak = AesNiOneBlock(RoundKeys, Key->Rounds, Decrypt, Tweak, From + i, To + i);
    }
    From += UnitBytes;
    To += UnitBytes;
    Bytes -= UnitBytes;
  }
}

// Two instances, so that the direction is a constant in each.
static void AesNiEncrypt(const AES_XTS_KEY* Key, uint64_t DataUnit, const uint8_t* From, uint8_t* To, size_t Bytes) {
  AesNiUnits(Key, Key->Encrypt, 0, DataUnit, From, To, Bytes);
}

static void AesNiDecrypt(const AES_XTS_KEY* Key, uint64_t DataUnit, const uint8_t* From, uint8_t* To, size_t Bytes) {
  AesNiUnits(Key, Key->Decrypt, 1, DataUnit, From, To, Bytes);
}

static void PortableUnits(const AES_XTS_KEY* Key, int Decrypt, uint64_t DataUnit, const uint8_t* From, uint8_t* To,
                          size_t Bytes) {
  while (Bytes != 0) {
    size_t UnitBytes = Bytes < AES_XTS_DATA_UNIT ? Bytes : AES_XTS_DATA_UNIT;
    PortableUnit(Key, Decrypt, DataUnit++, From, To, UnitBytes);
    From += UnitBytes;
    To += UnitBytes;
    Bytes -= UnitBytes;
  }
}

int AesXtsHasAesNi(void) {
  unsigned Eax = 0, Ebx = 0, Ecx = 0, Edx = 0;
  return __get_cpuid(1, &Eax, &Ebx, &Ecx, &Edx) && (Ecx & bit_AES) != 0;
}

int AesXtsExpandKey(AES_XTS_KEY* Key, const uint8_t* KeyMaterial, size_t KeyBytes,
                    AES_XTS_IMPLEMENTATION Implementation) {
  unsigned KeyWords = (unsigned)KeyBytes / 8;  // of each half
  if (KeyBytes != 32 && KeyBytes != 64) return 0;
  Key->Rounds = KeyWords + 6;
  Key->UsesAesNi = Implementation == AesXtsBest && AesXtsHasAesNi();
  ExpandEncryptionKey(Key->Encrypt, KeyMaterial, KeyWords, Key->Rounds);
  ExpandEncryptionKey(Key->Tweak, KeyMaterial + KeyBytes / 2, KeyWords, Key->Rounds);
  ExpandDecryptionKey(Key->Decrypt, Key->Encrypt, Key->Rounds);
  return 1;
}

void AesXtsEncrypt(const AES_XTS_KEY* Key, uint64_t FirstDataUnit, const uint8_t* From, uint8_t* To, size_t Bytes) {
  if (Key->UsesAesNi) {
    AesNiEncrypt(Key, FirstDataUnit, From, To, Bytes);
  } else {
    PortableUnits(Key, 0, FirstDataUnit, From, To, Bytes);
  }
}

void AesXtsDecrypt(const AES_XTS_KEY* Key, uint64_t FirstDataUnit, const uint8_t* From, uint8_t* To, size_t Bytes) {
  if (Key->UsesAesNi) {
    AesNiDecrypt(Key, FirstDataUnit, From, To, Bytes);
  } else {
    PortableUnits(Key, 1, FirstDataUnit, From, To, Bytes);
  }
}
