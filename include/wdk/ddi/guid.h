// SPDX-License-Identifier: Apache-2.0
//
// GUID and DEFINE_GUID. The macro is outside the guard on purpose: including initguid.h first turns the declarations
// of later headers into definitions, as with the real kit.
#ifndef WDK_DDI_GUID_H
#define WDK_DDI_GUID_H

#include "types.h"

#ifndef GUID_DEFINED
#define GUID_DEFINED
typedef struct _GUID {
  ULONG Data1;
  USHORT Data2;
  USHORT Data3;
  UCHAR Data4[8];
} GUID;
#endif
typedef GUID *PGUID, *LPGUID;
typedef const GUID *PCGUID, *LPCGUID;

#ifdef __cplusplus
typedef const GUID& REFGUID;
extern "C++" {
WDK_INLINE bool operator==(const GUID& a, const GUID& b) {
  return __builtin_memcmp(&a, &b, sizeof(GUID)) == 0;
}
WDK_INLINE bool operator!=(const GUID& a, const GUID& b) {
  return !(a == b);
}
WDK_INLINE bool IsEqualGUID(const GUID& a, const GUID& b) {
  return a == b;
}
}
#else
typedef const GUID* REFGUID;
#define IsEqualGUID(a, b) (__builtin_memcmp((a), (b), sizeof(GUID)) == 0)
#endif
#define InlineIsEqualGUID(a, b) IsEqualGUID(a, b)

#endif  // WDK_DDI_GUID_H

#undef DEFINE_GUID
#undef WDK_GUID_DEFINED
#ifdef INITGUID
#ifdef __cplusplus
#define WDK_GUID_DEFINED extern "C"
#else
#define WDK_GUID_DEFINED
#endif
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)            \
  EXTERN_C const GUID name __attribute__((__weak__, __visibility__("hidden"))); \
  WDK_GUID_DEFINED const GUID name                                              \
      __attribute__((__weak__, __visibility__("hidden"))) = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) \
  EXTERN_C const GUID name __attribute__((__visibility__("hidden")))
#endif
