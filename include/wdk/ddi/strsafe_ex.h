// SPDX-License-Identifier: Apache-2.0
//
// The Ex forms of the bounded string routines, and those that work on counted strings. Included by ntstrsafe.h. [doc]
#ifndef WDK_DDI_STRSAFE_EX_H
#define WDK_DDI_STRSAFE_EX_H

#define STRSAFE_IGNORE_NULLS 0x00000100
#define STRSAFE_FILL_BEHIND_NULL 0x00000200
#define STRSAFE_FILL_ON_FAILURE 0x00000400
#define STRSAFE_NULL_ON_FAILURE 0x00000800
#define STRSAFE_NO_TRUNCATION 0x00001000
#define STRSAFE_VALID_FLAGS 0x00001FFF
#define STRSAFE_FILL_BYTE(Byte) ((ULONG)((Byte)&0x000000FF) | STRSAFE_FILL_BEHIND_NULL)
#define STRSAFE_FAILURE_BYTE(Byte) ((ULONG)((Byte)&0x000000FF) | STRSAFE_FILL_ON_FAILURE)

WDK_EXTERN_C_BEGIN

// What the Ex routines do at their end: where the text stops, how much room is left, and what Flags ask for.
WDK_INLINE NTSTATUS wdk_strsafe_end_A(CHAR* Destination, SIZE_T Size, SIZE_T Length, NTSTATUS Status, CHAR** End,
                                      SIZE_T* Remaining, ULONG Flags) {
  if (NT_SUCCESS(Status)) {
    if ((Flags & STRSAFE_FILL_BEHIND_NULL) != 0 && Size - Length > 1) {
      memset(Destination + Length + 1, (int)(Flags & 0xFF), (Size - Length - 1) * sizeof(CHAR));
    }
  } else if (Size > 0) {
    if ((Flags & STRSAFE_FILL_ON_FAILURE) != 0) {
      memset(Destination, (int)(Flags & 0xFF), Size * sizeof(CHAR));
      Length = (Flags & 0xFF) == 0 ? 0 : Size - 1;
      Destination[Length] = 0;
    }
    if ((Flags & (STRSAFE_NULL_ON_FAILURE | STRSAFE_NO_TRUNCATION)) != 0) {
      Destination[0] = 0;
      Length = 0;
    }
  }
  if (NT_SUCCESS(Status) || Status == STATUS_BUFFER_OVERFLOW) {
    if (End != NULL) {
      *End = Destination + Length;
    }
    if (Remaining != NULL) {
      *Remaining = Size - Length;
    }
  }
  return Status;
}

WDK_INLINE NTSTATUS RtlStringCchCopyNExA(CHAR* Destination, SIZE_T Size, const CHAR* Source, SIZE_T Count, CHAR** End,
                                         SIZE_T* Remaining, ULONG Flags) {
  SIZE_T Length = 0;
  NTSTATUS Status;
  if ((Flags & ~STRSAFE_VALID_FLAGS) != 0 || Size > NTSTRSAFE_MAX_CCH || Count > NTSTRSAFE_MAX_LENGTH) {
    return STATUS_INVALID_PARAMETER;
  }
  if ((Flags & STRSAFE_IGNORE_NULLS) != 0) {
    if (Source == NULL) {
      Count = 0;
    }
    if (Destination == NULL && Size == 0) {
      Status = Count == 0 || Source[0] == 0 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
      if (End != NULL) {
        *End = NULL;
      }
      if (Remaining != NULL) {
        *Remaining = 0;
      }
      return Status;
    }
  }
  Status = RtlStringCchCopyNA(Destination, Size, Count == 0 ? Destination : Source, Count);
  if (Status != STATUS_INVALID_PARAMETER) {
    RtlStringCchLengthA(Destination, Size, &Length);
  }
  return wdk_strsafe_end_A(Destination, Size, Length, Status, End, Remaining, Flags);
}

WDK_INLINE NTSTATUS RtlStringCchCopyExA(CHAR* Destination, SIZE_T Size, const CHAR* Source, CHAR** End,
                                        SIZE_T* Remaining, ULONG Flags) {
  return RtlStringCchCopyNExA(Destination, Size, Source, NTSTRSAFE_MAX_LENGTH, End, Remaining, Flags);
}

WDK_INLINE NTSTATUS RtlStringCchCatNExA(CHAR* Destination, SIZE_T Size, const CHAR* Source, SIZE_T Count, CHAR** End,
                                        SIZE_T* Remaining, ULONG Flags) {
  SIZE_T Length = 0;
  NTSTATUS Status;
  if ((Flags & ~STRSAFE_VALID_FLAGS) != 0 || Size > NTSTRSAFE_MAX_CCH || Count > NTSTRSAFE_MAX_LENGTH) {
    return STATUS_INVALID_PARAMETER;
  }
  if ((Flags & STRSAFE_IGNORE_NULLS) != 0 && Source == NULL) {
    Count = 0;
  }
  if ((Flags & STRSAFE_IGNORE_NULLS) != 0 && Destination == NULL && Size == 0) {
    return RtlStringCchCopyNExA(Destination, Size, Source, Count, End, Remaining, Flags);
  }
  Status = RtlStringCchLengthA(Destination, Size, &Length);
  if (!NT_SUCCESS(Status)) {
    return Status;
  }
  if (Count != 0) {
    const SIZE_T Before = Length;
    Status = RtlStringCchCopyNA(Destination + Length, Size - Length, Source, Count);
    if (Status == STATUS_BUFFER_OVERFLOW && (Flags & STRSAFE_NO_TRUNCATION) != 0) {
      Destination[Before] = 0;
      Flags &= ~(ULONG)STRSAFE_NO_TRUNCATION;
    }
    RtlStringCchLengthA(Destination, Size, &Length);
  }
  return wdk_strsafe_end_A(Destination, Size, Length, Status, End, Remaining, Flags);
}

WDK_INLINE NTSTATUS RtlStringCchCatExA(CHAR* Destination, SIZE_T Size, const CHAR* Source, CHAR** End,
                                       SIZE_T* Remaining, ULONG Flags) {
  return RtlStringCchCatNExA(Destination, Size, Source, NTSTRSAFE_MAX_LENGTH, End, Remaining, Flags);
}

WDK_INLINE NTSTATUS wdk_strsafe_bytes_A(NTSTATUS Status, SIZE_T Size, SIZE_T* Remaining) {
  if (Remaining != NULL && (NT_SUCCESS(Status) || Status == STATUS_BUFFER_OVERFLOW)) {
    *Remaining = *Remaining * sizeof(CHAR) + Size % sizeof(CHAR);
  }
  return Status;
}

WDK_INLINE NTSTATUS RtlStringCbCopyNExA(CHAR* Destination, SIZE_T Size, const CHAR* Source, SIZE_T Count, CHAR** End,
                                        SIZE_T* Remaining, ULONG Flags) {
  return wdk_strsafe_bytes_A(
      RtlStringCchCopyNExA(Destination, Size / sizeof(CHAR), Source, Count / sizeof(CHAR), End, Remaining, Flags), Size,
      Remaining);
}
WDK_INLINE NTSTATUS RtlStringCbCopyExA(CHAR* Destination, SIZE_T Size, const CHAR* Source, CHAR** End,
                                       SIZE_T* Remaining, ULONG Flags) {
  return wdk_strsafe_bytes_A(RtlStringCchCopyExA(Destination, Size / sizeof(CHAR), Source, End, Remaining, Flags), Size,
                             Remaining);
}
WDK_INLINE NTSTATUS RtlStringCbCatNExA(CHAR* Destination, SIZE_T Size, const CHAR* Source, SIZE_T Count, CHAR** End,
                                       SIZE_T* Remaining, ULONG Flags) {
  return wdk_strsafe_bytes_A(
      RtlStringCchCatNExA(Destination, Size / sizeof(CHAR), Source, Count / sizeof(CHAR), End, Remaining, Flags), Size,
      Remaining);
}
WDK_INLINE NTSTATUS RtlStringCbCatExA(CHAR* Destination, SIZE_T Size, const CHAR* Source, CHAR** End, SIZE_T* Remaining,
                                      ULONG Flags) {
  return wdk_strsafe_bytes_A(RtlStringCchCatExA(Destination, Size / sizeof(CHAR), Source, End, Remaining, Flags), Size,
                             Remaining);
}

#if WDK_DRIVER_BUILD
WDK_INLINE NTSTATUS RtlStringCchVPrintfExA(CHAR* Destination, SIZE_T Size, CHAR** End, SIZE_T* Remaining, ULONG Flags,
                                           const CHAR* Format, va_list Arguments) {
  SIZE_T Length = 0;
  NTSTATUS Status;
  if ((Flags & ~STRSAFE_VALID_FLAGS) != 0) {
    return STATUS_INVALID_PARAMETER;
  }
  Status = RtlStringCchVPrintfA(Destination, Size, Format, Arguments);
  if (Status != STATUS_INVALID_PARAMETER) {
    RtlStringCchLengthA(Destination, Size, &Length);
  }
  return wdk_strsafe_end_A(Destination, Size, Length, Status, End, Remaining, Flags);
}
WDK_INLINE NTSTATUS RtlStringCbVPrintfExA(CHAR* Destination, SIZE_T Size, CHAR** End, SIZE_T* Remaining, ULONG Flags,
                                          const CHAR* Format, va_list Arguments) {
  return wdk_strsafe_bytes_A(
      RtlStringCchVPrintfExA(Destination, Size / sizeof(CHAR), End, Remaining, Flags, Format, Arguments), Size,
      Remaining);
}
static __inline__ __attribute__((__unused__)) NTSTATUS RtlStringCchPrintfExA(CHAR* Destination, SIZE_T Size, CHAR** End,
                                                                             SIZE_T* Remaining, ULONG Flags,
                                                                             const CHAR* Format, ...) {
  NTSTATUS Status;
  va_list Arguments;
  va_start(Arguments, Format);
  Status = RtlStringCchVPrintfExA(Destination, Size, End, Remaining, Flags, Format, Arguments);
  va_end(Arguments);
  return Status;
}
static __inline__ __attribute__((__unused__)) NTSTATUS RtlStringCbPrintfExA(CHAR* Destination, SIZE_T Size, CHAR** End,
                                                                            SIZE_T* Remaining, ULONG Flags,
                                                                            const CHAR* Format, ...) {
  NTSTATUS Status;
  va_list Arguments;
  va_start(Arguments, Format);
  Status = RtlStringCbVPrintfExA(Destination, Size, End, Remaining, Flags, Format, Arguments);
  va_end(Arguments);
  return Status;
}
#endif  // WDK_DRIVER_BUILD

// What the Ex routines do at their end: where the text stops, how much room is left, and what Flags ask for.
WDK_INLINE NTSTATUS wdk_strsafe_end_W(WCHAR* Destination, SIZE_T Size, SIZE_T Length, NTSTATUS Status, WCHAR** End,
                                      SIZE_T* Remaining, ULONG Flags) {
  if (NT_SUCCESS(Status)) {
    if ((Flags & STRSAFE_FILL_BEHIND_NULL) != 0 && Size - Length > 1) {
      memset(Destination + Length + 1, (int)(Flags & 0xFF), (Size - Length - 1) * sizeof(WCHAR));
    }
  } else if (Size > 0) {
    if ((Flags & STRSAFE_FILL_ON_FAILURE) != 0) {
      memset(Destination, (int)(Flags & 0xFF), Size * sizeof(WCHAR));
      Length = (Flags & 0xFF) == 0 ? 0 : Size - 1;
      Destination[Length] = 0;
    }
    if ((Flags & (STRSAFE_NULL_ON_FAILURE | STRSAFE_NO_TRUNCATION)) != 0) {
      Destination[0] = 0;
      Length = 0;
    }
  }
  if (NT_SUCCESS(Status) || Status == STATUS_BUFFER_OVERFLOW) {
    if (End != NULL) {
      *End = Destination + Length;
    }
    if (Remaining != NULL) {
      *Remaining = Size - Length;
    }
  }
  return Status;
}

WDK_INLINE NTSTATUS RtlStringCchCopyNExW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source, SIZE_T Count,
                                         WCHAR** End, SIZE_T* Remaining, ULONG Flags) {
  SIZE_T Length = 0;
  NTSTATUS Status;
  if ((Flags & ~STRSAFE_VALID_FLAGS) != 0 || Size > NTSTRSAFE_MAX_CCH || Count > NTSTRSAFE_MAX_LENGTH) {
    return STATUS_INVALID_PARAMETER;
  }
  if ((Flags & STRSAFE_IGNORE_NULLS) != 0) {
    if (Source == NULL) {
      Count = 0;
    }
    if (Destination == NULL && Size == 0) {
      Status = Count == 0 || Source[0] == 0 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
      if (End != NULL) {
        *End = NULL;
      }
      if (Remaining != NULL) {
        *Remaining = 0;
      }
      return Status;
    }
  }
  Status = RtlStringCchCopyNW(Destination, Size, Count == 0 ? Destination : Source, Count);
  if (Status != STATUS_INVALID_PARAMETER) {
    RtlStringCchLengthW(Destination, Size, &Length);
  }
  return wdk_strsafe_end_W(Destination, Size, Length, Status, End, Remaining, Flags);
}

WDK_INLINE NTSTATUS RtlStringCchCopyExW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source, WCHAR** End,
                                        SIZE_T* Remaining, ULONG Flags) {
  return RtlStringCchCopyNExW(Destination, Size, Source, NTSTRSAFE_MAX_LENGTH, End, Remaining, Flags);
}

WDK_INLINE NTSTATUS RtlStringCchCatNExW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source, SIZE_T Count, WCHAR** End,
                                        SIZE_T* Remaining, ULONG Flags) {
  SIZE_T Length = 0;
  NTSTATUS Status;
  if ((Flags & ~STRSAFE_VALID_FLAGS) != 0 || Size > NTSTRSAFE_MAX_CCH || Count > NTSTRSAFE_MAX_LENGTH) {
    return STATUS_INVALID_PARAMETER;
  }
  if ((Flags & STRSAFE_IGNORE_NULLS) != 0 && Source == NULL) {
    Count = 0;
  }
  if ((Flags & STRSAFE_IGNORE_NULLS) != 0 && Destination == NULL && Size == 0) {
    return RtlStringCchCopyNExW(Destination, Size, Source, Count, End, Remaining, Flags);
  }
  Status = RtlStringCchLengthW(Destination, Size, &Length);
  if (!NT_SUCCESS(Status)) {
    return Status;
  }
  if (Count != 0) {
    const SIZE_T Before = Length;
    Status = RtlStringCchCopyNW(Destination + Length, Size - Length, Source, Count);
    if (Status == STATUS_BUFFER_OVERFLOW && (Flags & STRSAFE_NO_TRUNCATION) != 0) {
      Destination[Before] = 0;
      Flags &= ~(ULONG)STRSAFE_NO_TRUNCATION;
    }
    RtlStringCchLengthW(Destination, Size, &Length);
  }
  return wdk_strsafe_end_W(Destination, Size, Length, Status, End, Remaining, Flags);
}

WDK_INLINE NTSTATUS RtlStringCchCatExW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source, WCHAR** End,
                                       SIZE_T* Remaining, ULONG Flags) {
  return RtlStringCchCatNExW(Destination, Size, Source, NTSTRSAFE_MAX_LENGTH, End, Remaining, Flags);
}

WDK_INLINE NTSTATUS wdk_strsafe_bytes_W(NTSTATUS Status, SIZE_T Size, SIZE_T* Remaining) {
  if (Remaining != NULL && (NT_SUCCESS(Status) || Status == STATUS_BUFFER_OVERFLOW)) {
    *Remaining = *Remaining * sizeof(WCHAR) + Size % sizeof(WCHAR);
  }
  return Status;
}

WDK_INLINE NTSTATUS RtlStringCbCopyNExW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source, SIZE_T Count, WCHAR** End,
                                        SIZE_T* Remaining, ULONG Flags) {
  return wdk_strsafe_bytes_W(
      RtlStringCchCopyNExW(Destination, Size / sizeof(WCHAR), Source, Count / sizeof(WCHAR), End, Remaining, Flags),
      Size, Remaining);
}
WDK_INLINE NTSTATUS RtlStringCbCopyExW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source, WCHAR** End,
                                       SIZE_T* Remaining, ULONG Flags) {
  return wdk_strsafe_bytes_W(RtlStringCchCopyExW(Destination, Size / sizeof(WCHAR), Source, End, Remaining, Flags),
                             Size, Remaining);
}
WDK_INLINE NTSTATUS RtlStringCbCatNExW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source, SIZE_T Count, WCHAR** End,
                                       SIZE_T* Remaining, ULONG Flags) {
  return wdk_strsafe_bytes_W(
      RtlStringCchCatNExW(Destination, Size / sizeof(WCHAR), Source, Count / sizeof(WCHAR), End, Remaining, Flags),
      Size, Remaining);
}
WDK_INLINE NTSTATUS RtlStringCbCatExW(WCHAR* Destination, SIZE_T Size, const WCHAR* Source, WCHAR** End,
                                      SIZE_T* Remaining, ULONG Flags) {
  return wdk_strsafe_bytes_W(RtlStringCchCatExW(Destination, Size / sizeof(WCHAR), Source, End, Remaining, Flags), Size,
                             Remaining);
}

#if WDK_DRIVER_BUILD
WDK_INLINE NTSTATUS RtlStringCchVPrintfExW(WCHAR* Destination, SIZE_T Size, WCHAR** End, SIZE_T* Remaining, ULONG Flags,
                                           const WCHAR* Format, va_list Arguments) {
  SIZE_T Length = 0;
  NTSTATUS Status;
  if ((Flags & ~STRSAFE_VALID_FLAGS) != 0) {
    return STATUS_INVALID_PARAMETER;
  }
  Status = RtlStringCchVPrintfW(Destination, Size, Format, Arguments);
  if (Status != STATUS_INVALID_PARAMETER) {
    RtlStringCchLengthW(Destination, Size, &Length);
  }
  return wdk_strsafe_end_W(Destination, Size, Length, Status, End, Remaining, Flags);
}
WDK_INLINE NTSTATUS RtlStringCbVPrintfExW(WCHAR* Destination, SIZE_T Size, WCHAR** End, SIZE_T* Remaining, ULONG Flags,
                                          const WCHAR* Format, va_list Arguments) {
  return wdk_strsafe_bytes_W(
      RtlStringCchVPrintfExW(Destination, Size / sizeof(WCHAR), End, Remaining, Flags, Format, Arguments), Size,
      Remaining);
}
static __inline__ __attribute__((__unused__)) NTSTATUS RtlStringCchPrintfExW(WCHAR* Destination, SIZE_T Size,
                                                                             WCHAR** End, SIZE_T* Remaining,
                                                                             ULONG Flags, const WCHAR* Format, ...) {
  NTSTATUS Status;
  va_list Arguments;
  va_start(Arguments, Format);
  Status = RtlStringCchVPrintfExW(Destination, Size, End, Remaining, Flags, Format, Arguments);
  va_end(Arguments);
  return Status;
}
static __inline__ __attribute__((__unused__)) NTSTATUS RtlStringCbPrintfExW(WCHAR* Destination, SIZE_T Size,
                                                                            WCHAR** End, SIZE_T* Remaining, ULONG Flags,
                                                                            const WCHAR* Format, ...) {
  NTSTATUS Status;
  va_list Arguments;
  va_start(Arguments, Format);
  Status = RtlStringCbVPrintfExW(Destination, Size, End, Remaining, Flags, Format, Arguments);
  va_end(Arguments);
  return Status;
}
#endif  // WDK_DRIVER_BUILD

// Counted strings. They need no terminator and get none.
WDK_INLINE NTSTATUS RtlUnicodeStringValidate(PCUNICODE_STRING Source) {
  if (Source == NULL || Source->Length % sizeof(WCHAR) != 0 || Source->MaximumLength % sizeof(WCHAR) != 0 ||
      Source->Length > Source->MaximumLength || (Source->Buffer == NULL && Source->MaximumLength != 0)) {
    return STATUS_INVALID_PARAMETER;
  }
  return STATUS_SUCCESS;
}

WDK_INLINE NTSTATUS RtlUnicodeStringInit(PUNICODE_STRING Destination, const WCHAR* Source) {
  SIZE_T Length = 0;
  if (Source != NULL && !NT_SUCCESS(RtlStringCchLengthW(Source, NTSTRSAFE_UNICODE_STRING_MAX_CCH, &Length))) {
    return STATUS_INVALID_PARAMETER;
  }
  Destination->Length = (USHORT)(Length * sizeof(WCHAR));
  Destination->MaximumLength = (USHORT)(Source == NULL ? 0 : (Length + 1) * sizeof(WCHAR));
  Destination->Buffer = (PWCH)(ULONG_PTR)Source;
  return STATUS_SUCCESS;
}

// Puts Count characters behind the first Before of the destination.
WDK_INLINE NTSTATUS wdk_counted_put(PUNICODE_STRING Destination, SIZE_T Before, const WCHAR* Source, SIZE_T Count) {
  const SIZE_T Room = Destination->MaximumLength / sizeof(WCHAR) - Before;
  const SIZE_T Fits = Count < Room ? Count : Room;
  if (Fits != 0) {
    memmove(Destination->Buffer + Before, Source, Fits * sizeof(WCHAR));
  }
  Destination->Length = (USHORT)((Before + Fits) * sizeof(WCHAR));
  return Fits == Count ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

WDK_INLINE SIZE_T wdk_counted_length(const WCHAR* Source, SIZE_T Limit) {
  SIZE_T Length = 0;
  while (Length < Limit && Source[Length] != 0) {
    Length++;
  }
  return Length;
}

WDK_INLINE NTSTATUS RtlUnicodeStringCopy(PUNICODE_STRING Destination, PCUNICODE_STRING Source) {
  if (!NT_SUCCESS(RtlUnicodeStringValidate(Destination)) || !NT_SUCCESS(RtlUnicodeStringValidate(Source))) {
    return STATUS_INVALID_PARAMETER;
  }
  return wdk_counted_put(Destination, 0, Source->Buffer, Source->Length / sizeof(WCHAR));
}

WDK_INLINE NTSTATUS RtlUnicodeStringCopyString(PUNICODE_STRING Destination, const WCHAR* Source) {
  if (!NT_SUCCESS(RtlUnicodeStringValidate(Destination)) || Source == NULL) {
    return STATUS_INVALID_PARAMETER;
  }
  return wdk_counted_put(Destination, 0, Source, wdk_counted_length(Source, NTSTRSAFE_MAX_LENGTH));
}

WDK_INLINE NTSTATUS RtlUnicodeStringCchCopyStringN(PUNICODE_STRING Destination, const WCHAR* Source, SIZE_T Count) {
  if (!NT_SUCCESS(RtlUnicodeStringValidate(Destination)) || Source == NULL || Count > NTSTRSAFE_MAX_LENGTH) {
    return STATUS_INVALID_PARAMETER;
  }
  return wdk_counted_put(Destination, 0, Source, wdk_counted_length(Source, Count));
}

WDK_INLINE NTSTATUS RtlUnicodeStringCbCopyStringN(PUNICODE_STRING Destination, const WCHAR* Source, SIZE_T Count) {
  return RtlUnicodeStringCchCopyStringN(Destination, Source, Count / sizeof(WCHAR));
}

WDK_INLINE NTSTATUS RtlUnicodeStringCat(PUNICODE_STRING Destination, PCUNICODE_STRING Source) {
  if (!NT_SUCCESS(RtlUnicodeStringValidate(Destination)) || !NT_SUCCESS(RtlUnicodeStringValidate(Source))) {
    return STATUS_INVALID_PARAMETER;
  }
  return wdk_counted_put(Destination, Destination->Length / sizeof(WCHAR), Source->Buffer,
                         Source->Length / sizeof(WCHAR));
}

WDK_INLINE NTSTATUS RtlUnicodeStringCatString(PUNICODE_STRING Destination, const WCHAR* Source) {
  if (!NT_SUCCESS(RtlUnicodeStringValidate(Destination)) || Source == NULL) {
    return STATUS_INVALID_PARAMETER;
  }
  return wdk_counted_put(Destination, Destination->Length / sizeof(WCHAR), Source,
                         wdk_counted_length(Source, NTSTRSAFE_MAX_LENGTH));
}

WDK_INLINE NTSTATUS RtlStringCchCopyUnicodeString(WCHAR* Destination, SIZE_T Size, PCUNICODE_STRING Source) {
  SIZE_T Count;
  NTSTATUS Status = STATUS_SUCCESS;
  if (Size == 0 || Size > NTSTRSAFE_MAX_CCH || !NT_SUCCESS(RtlUnicodeStringValidate(Source))) {
    return STATUS_INVALID_PARAMETER;
  }
  Count = Source->Length / sizeof(WCHAR);
  if (Count > Size - 1) {
    Count = Size - 1;
    Status = STATUS_BUFFER_OVERFLOW;
  }
  if (Count != 0) {
    memcpy(Destination, Source->Buffer, Count * sizeof(WCHAR));
  }
  Destination[Count] = 0;
  return Status;
}

WDK_INLINE NTSTATUS RtlStringCbCopyUnicodeString(WCHAR* Destination, SIZE_T Size, PCUNICODE_STRING Source) {
  return RtlStringCchCopyUnicodeString(Destination, Size / sizeof(WCHAR), Source);
}

#if WDK_DRIVER_BUILD
WDK_INLINE NTSTATUS RtlUnicodeStringVPrintf(PUNICODE_STRING Destination, const WCHAR* Format, va_list Arguments) {
  const SIZE_T Room = Destination == NULL ? 0 : Destination->MaximumLength / sizeof(WCHAR);
  int Written;
  if (!NT_SUCCESS(RtlUnicodeStringValidate(Destination)) || Format == NULL) {
    return STATUS_INVALID_PARAMETER;
  }
  Written = _vsnwprintf(Destination->Buffer, Room, Format, Arguments);
  if (Written < 0 || (SIZE_T)Written > Room) {
    Destination->Length = (USHORT)(Room * sizeof(WCHAR));
    return STATUS_BUFFER_OVERFLOW;
  }
  Destination->Length = (USHORT)((SIZE_T)Written * sizeof(WCHAR));
  return STATUS_SUCCESS;
}

static __inline__ __attribute__((__unused__)) NTSTATUS RtlUnicodeStringPrintf(PUNICODE_STRING Destination,
                                                                              const WCHAR* Format, ...) {
  NTSTATUS Status;
  va_list Arguments;
  va_start(Arguments, Format);
  Status = RtlUnicodeStringVPrintf(Destination, Format, Arguments);
  va_end(Arguments);
  return Status;
}
#endif  // WDK_DRIVER_BUILD

WDK_EXTERN_C_END

#endif  // WDK_DDI_STRSAFE_EX_H
