// SPDX-License-Identifier: Apache-2.0
//
// The Win32 names of the same scalar types: drivers that share source with an application include this one.
#ifndef WDK_WINDEF_H
#define WDK_WINDEF_H

#include "ntdef.h"

#ifndef MAX_PATH
#define MAX_PATH 260
#endif
#define WINAPI
#define CALLBACK
#define APIENTRY

typedef int BOOL, *PBOOL, *LPBOOL;
typedef unsigned char BYTE, *PBYTE, *LPBYTE;
typedef unsigned short WORD, *PWORD, *LPWORD;
typedef ULONG DWORD, *PDWORD, *LPDWORD;
typedef LONG* LPLONG;
typedef int* LPINT;
typedef float* PFLOAT;
typedef UINT_PTR WPARAM;
typedef LONG_PTR LPARAM, LRESULT;

#define MAKEWORD(low, high) ((WORD)(((BYTE)((DWORD_PTR)(low)&0xff)) | ((WORD)((BYTE)((DWORD_PTR)(high)&0xff))) << 8))
#define MAKELONG(low, high) \
  ((LONG)(((WORD)((DWORD_PTR)(low)&0xffff)) | ((DWORD)((WORD)((DWORD_PTR)(high)&0xffff))) << 16))
#define LOWORD(number) ((WORD)((DWORD_PTR)(number)&0xffff))
#define HIWORD(number) ((WORD)((DWORD_PTR)(number) >> 16))
#define LOBYTE(number) ((BYTE)((DWORD_PTR)(number)&0xff))
#define HIBYTE(number) ((BYTE)((DWORD_PTR)(number) >> 8))

WDK_STATIC_ASSERT(sizeof(BOOL) == 4 && sizeof(WORD) == 2 && sizeof(DWORD) == 4, "Win32 types");

#endif  // WDK_WINDEF_H
