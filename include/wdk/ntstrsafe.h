// SPDX-License-Identifier: Apache-2.0
//
// Bounded string routines. Each always terminates the destination; text that does not fit is cut and reported as
// STATUS_BUFFER_OVERFLOW, a size of nothing or of more than NTSTRSAFE_MAX_CCH characters is STATUS_INVALID_PARAMETER.
// Cch routines count characters, Cb routines bytes. They are inline in the kit as well. [doc]
#ifndef WDK_NTSTRSAFE_H
#define WDK_NTSTRSAFE_H

#include "ddi/crt.h"
#include "ntdef.h"
#include "ntstatus.h"

#define NTSTRSAFE_MAX_CCH 2147483647
#define NTSTRSAFE_UNICODE_STRING_MAX_CCH (0xffff / sizeof(WCHAR))
#define NTSTRSAFE_MAX_LENGTH (NTSTRSAFE_MAX_CCH - 1)

typedef PCSTR NTSTRSAFE_PCSTR;
typedef PSTR NTSTRSAFE_PSTR;
typedef PCWSTR NTSTRSAFE_PCWSTR;
typedef PWSTR NTSTRSAFE_PWSTR;

WDK_EXTERN_C_BEGIN

WDK_INLINE NTSTATUS RtlStringCchLengthA(const CHAR* Text, SIZE_T Limit, SIZE_T* Length) {
  SIZE_T Count = 0;
  if (Length != NULL) {
    *Length = 0;
  }
  if (Text == NULL || Limit > NTSTRSAFE_MAX_CCH) {
    return STATUS_INVALID_PARAMETER;
  }
  while (Count < Limit && Text[Count] != 0) {
    Count++;
  }
  if (Count == Limit) {
    return STATUS_INVALID_PARAMETER;
  }
  if (Length != NULL) {
    *Length = Count;
  }
  return STATUS_SUCCESS;
}

WDK_INLINE NTSTATUS RtlStringCchCopyNA(CHAR* Destination, SIZE_T Size, const CHAR* Source, SIZE_T Count) {
  SIZE_T Index = 0;
  if (Size == 0 || Size > NTSTRSAFE_MAX_CCH) {
    return STATUS_INVALID_PARAMETER;
  }
  if (Count > NTSTRSAFE_MAX_LENGTH) {
    Destination[0] = 0;
    return STATUS_INVALID_PARAMETER;
  }
  while (Index < Count && Source[Index] != 0) {
    if (Index == Size - 1) {
      Destination[Index] = 0;
      return STATUS_BUFFER_OVERFLOW;
    }
    Destination[Index] = Source[Index];
    Index++;
  }
  Destination[Index] = 0;
  return STATUS_SUCCESS;
}

WDK_INLINE NTSTATUS RtlStringCchCopyA(CHAR* Destination, SIZE_T Size, const CHAR* Source) {
  return RtlStringCchCopyNA(Destination, Size, Source, NTSTRSAFE_MAX_LENGTH);
}

WDK_INLINE NTSTATUS RtlStringCchCatNA(CHAR* Destination, SIZE_T Size, const CHAR* Source, SIZE_T Count) {
  SIZE_T Length = 0;
  NTSTATUS Status = RtlStringCchLengthA(Destination, Size, &Length);
  if (!NT_SUCCESS(Status)) {
    return Status;
  }
  return RtlStringCchCopyNA(Destination + Length, Size - Length, Source, Count);
}

WDK_INLINE NTSTATUS RtlStringCchCatA(CHAR* Destination, SIZE_T Size, const CHAR* Source) {
  return RtlStringCchCatNA(Destination, Size, Source, NTSTRSAFE_MAX_LENGTH);
}

WDK_INLINE NTSTATUS RtlStringCbLengthA(const CHAR* Text, SIZE_T Limit, SIZE_T* Length) {
  SIZE_T Count = 0;
  NTSTATUS Status = RtlStringCchLengthA(Text, Limit / sizeof(CHAR), &Count);
  if (Length != NULL) {
    *Length = Count * sizeof(CHAR);
  }
  return Status;
}

WDK_INLINE NTSTATUS RtlStringCbCopyNA(CHAR* Destination, SIZE_T Size, const CHAR* Source, SIZE_T Count) {
  return RtlStringCchCopyNA(Destination, Size / sizeof(CHAR), Source, Count / sizeof(CHAR));
}

WDK_INLINE NTSTATUS RtlStringCbCopyA(CHAR* Destination, SIZE_T Size, const CHAR* Source) {
  return RtlStringCchCopyA(Destination, Size / sizeof(CHAR), Source);
}

WDK_INLINE NTSTATUS RtlStringCbCatNA(CHAR* Destination, SIZE_T Size, const CHAR* Source, SIZE_T Count) {
  return RtlStringCchCatNA(Destination, Size / sizeof(CHAR), Source, Count / sizeof(CHAR));
}

WDK_INLINE NTSTATUS RtlStringCbCatA(CHAR* Destination, SIZE_T Size, const CHAR* Source) {
  return RtlStringCchCatA(Destination, Size / sizeof(CHAR), Source);
}

WDK_INLINE NTSTATUS RtlStringCchLengthW(const WCHAR* Text, SIZE_T Limit, SIZE_T* Length) {
  SIZE_T Count = 0;
  if (Length != NULL) {
    *Length = 0;
  }
  if (Text == NULL || Limit > NTSTRSAFE_MAX_CCH) {
    return STATUS_INVALID_PARAMETER;
  }
  while (Count < Limit && Text[Count] != 0) {
    Count++;
  }
  if (Count == Limit) {
    return STATUS_INVALID_PARAMETER;
  }
  if (Length != NULL) {
    *Length = Count;
  }
  return STATUS_SUCCESS;
}

WDK_INLINE NTSTATUS RtlStringCchCopyNW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source, SIZE_T Count) {
  SIZE_T Index = 0;
  if (Size == 0 || Size > NTSTRSAFE_MAX_CCH) {
    return STATUS_INVALID_PARAMETER;
  }
  if (Count > NTSTRSAFE_MAX_LENGTH) {
    Destination[0] = 0;
    return STATUS_INVALID_PARAMETER;
  }
  while (Index < Count && Source[Index] != 0) {
    if (Index == Size - 1) {
      Destination[Index] = 0;
      return STATUS_BUFFER_OVERFLOW;
    }
    Destination[Index] = Source[Index];
    Index++;
  }
  Destination[Index] = 0;
  return STATUS_SUCCESS;
}

WDK_INLINE NTSTATUS RtlStringCchCopyW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source) {
  return RtlStringCchCopyNW(Destination, Size, Source, NTSTRSAFE_MAX_LENGTH);
}

WDK_INLINE NTSTATUS RtlStringCchCatNW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source, SIZE_T Count) {
  SIZE_T Length = 0;
  NTSTATUS Status = RtlStringCchLengthW(Destination, Size, &Length);
  if (!NT_SUCCESS(Status)) {
    return Status;
  }
  return RtlStringCchCopyNW(Destination + Length, Size - Length, Source, Count);
}

WDK_INLINE NTSTATUS RtlStringCchCatW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source) {
  return RtlStringCchCatNW(Destination, Size, Source, NTSTRSAFE_MAX_LENGTH);
}

WDK_INLINE NTSTATUS RtlStringCbLengthW(const WCHAR* Text, SIZE_T Limit, SIZE_T* Length) {
  SIZE_T Count = 0;
  NTSTATUS Status = RtlStringCchLengthW(Text, Limit / sizeof(WCHAR), &Count);
  if (Length != NULL) {
    *Length = Count * sizeof(WCHAR);
  }
  return Status;
}

WDK_INLINE NTSTATUS RtlStringCbCopyNW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source, SIZE_T Count) {
  return RtlStringCchCopyNW(Destination, Size / sizeof(WCHAR), Source, Count / sizeof(WCHAR));
}

WDK_INLINE NTSTATUS RtlStringCbCopyW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source) {
  return RtlStringCchCopyW(Destination, Size / sizeof(WCHAR), Source);
}

WDK_INLINE NTSTATUS RtlStringCbCatNW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source, SIZE_T Count) {
  return RtlStringCchCatNW(Destination, Size / sizeof(WCHAR), Source, Count / sizeof(WCHAR));
}

WDK_INLINE NTSTATUS RtlStringCbCatW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source) {
  return RtlStringCchCatW(Destination, Size / sizeof(WCHAR), Source);
}

#if WDK_DRIVER_BUILD
// The kernel's formatter does not terminate text that does not fit; this does.
WDK_INLINE NTSTATUS RtlStringCchVPrintfA(CHAR* Destination, SIZE_T Size, const CHAR* Format, va_list Arguments) {
  int Written;
  if (Size == 0 || Size > NTSTRSAFE_MAX_CCH) {
    return STATUS_INVALID_PARAMETER;
  }
  Written = _vsnprintf(Destination, Size - 1, Format, Arguments);
  if (Written < 0 || (SIZE_T)Written > Size - 1) {
    Destination[Size - 1] = 0;
    return STATUS_BUFFER_OVERFLOW;
  }
  Destination[Written] = 0;
  return STATUS_SUCCESS;
}

WDK_INLINE NTSTATUS RtlStringCbVPrintfA(CHAR* Destination, SIZE_T Size, const CHAR* Format, va_list Arguments) {
  return RtlStringCchVPrintfA(Destination, Size / sizeof(CHAR), Format, Arguments);
}

static __inline__ __attribute__((__unused__)) NTSTATUS RtlStringCchPrintfA(CHAR* Destination, SIZE_T Size,
                                                                           const CHAR* Format, ...) {
  NTSTATUS Status;
  va_list Arguments;
  va_start(Arguments, Format);
  Status = RtlStringCchVPrintfA(Destination, Size, Format, Arguments);
  va_end(Arguments);
  return Status;
}

static __inline__ __attribute__((__unused__)) NTSTATUS RtlStringCbPrintfA(CHAR* Destination, SIZE_T Size,
                                                                          const CHAR* Format, ...) {
  NTSTATUS Status;
  va_list Arguments;
  va_start(Arguments, Format);
  Status = RtlStringCchVPrintfA(Destination, Size / sizeof(CHAR), Format, Arguments);
  va_end(Arguments);
  return Status;
}

// The kernel's formatter does not terminate text that does not fit; this does.
WDK_INLINE NTSTATUS RtlStringCchVPrintfW(WCHAR* Destination, SIZE_T Size, const WCHAR* Format, va_list Arguments) {
  int Written;
  if (Size == 0 || Size > NTSTRSAFE_MAX_CCH) {
    return STATUS_INVALID_PARAMETER;
  }
  Written = _vsnwprintf(Destination, Size - 1, Format, Arguments);
  if (Written < 0 || (SIZE_T)Written > Size - 1) {
    Destination[Size - 1] = 0;
    return STATUS_BUFFER_OVERFLOW;
  }
  Destination[Written] = 0;
  return STATUS_SUCCESS;
}

WDK_INLINE NTSTATUS RtlStringCbVPrintfW(WCHAR* Destination, SIZE_T Size, const WCHAR* Format, va_list Arguments) {
  return RtlStringCchVPrintfW(Destination, Size / sizeof(WCHAR), Format, Arguments);
}

static __inline__ __attribute__((__unused__)) NTSTATUS RtlStringCchPrintfW(WCHAR* Destination, SIZE_T Size,
                                                                           const WCHAR* Format, ...) {
  NTSTATUS Status;
  va_list Arguments;
  va_start(Arguments, Format);
  Status = RtlStringCchVPrintfW(Destination, Size, Format, Arguments);
  va_end(Arguments);
  return Status;
}

static __inline__ __attribute__((__unused__)) NTSTATUS RtlStringCbPrintfW(WCHAR* Destination, SIZE_T Size,
                                                                          const WCHAR* Format, ...) {
  NTSTATUS Status;
  va_list Arguments;
  va_start(Arguments, Format);
  Status = RtlStringCchVPrintfW(Destination, Size / sizeof(WCHAR), Format, Arguments);
  va_end(Arguments);
  return Status;
}
#endif  // WDK_DRIVER_BUILD

WDK_EXTERN_C_END

#include "ddi/strsafe_ex.h"

#endif  // WDK_NTSTRSAFE_H
