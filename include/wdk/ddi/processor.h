// SPDX-License-Identifier: Apache-2.0
//
// What only ring 0 may do, under the names Microsoft's compiler has: control and debug registers, MSRs, ports, the
// interrupt flag. The instructions are the real ones; the simulated processor answers for them. [doc]
#ifndef WDK_DDI_PROCESSOR_H
#define WDK_DDI_PROCESSOR_H

#include "types.h"

WDK_EXTERN_C_BEGIN

#if WDK_DRIVER_BUILD
#define WDK_READ_REGISTER(name, register)                                  \
  WDK_INLINE ULONGLONG wdk_read_##name(void) {                             \
    ULONGLONG value;                                                       \
    __asm__ volatile("mov %%" register ", %0" : "=r"(value) : : "memory"); \
    return value;                                                          \
  }
#define WDK_WRITE_REGISTER(name, register)                             \
  WDK_INLINE void wdk_write_##name(ULONGLONG value) {                  \
    __asm__ volatile("mov %0, %%" register : : "r"(value) : "memory"); \
  }
WDK_READ_REGISTER(cr0, "cr0")
WDK_READ_REGISTER(cr2, "cr2")
WDK_READ_REGISTER(cr3, "cr3")
WDK_READ_REGISTER(cr4, "cr4")
WDK_READ_REGISTER(cr8, "cr8")
WDK_WRITE_REGISTER(cr0, "cr0")
WDK_WRITE_REGISTER(cr3, "cr3")
WDK_WRITE_REGISTER(cr4, "cr4")
WDK_WRITE_REGISTER(cr8, "cr8")
#undef WDK_READ_REGISTER
#undef WDK_WRITE_REGISTER

WDK_INLINE ULONGLONG wdk_read_msr(ULONG number) {
  ULONG low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
  return ((ULONGLONG)high << 32) | low;
}
WDK_INLINE void wdk_write_msr(ULONG number, ULONGLONG value) {
  __asm__ volatile("wrmsr" : : "c"(number), "a"((ULONG)value), "d"((ULONG)(value >> 32)) : "memory");
}

#define WDK_PORT(type, letter, suffix)                                               \
  WDK_INLINE type wdk_in_##suffix(USHORT port) {                                     \
    type value;                                                                      \
    __asm__ volatile("in" letter " %w1, %0" : "=a"(value) : "Nd"(port) : "memory");  \
    return value;                                                                    \
  }                                                                                  \
  WDK_INLINE void wdk_out_##suffix(USHORT port, type value) {                        \
    __asm__ volatile("out" letter " %0, %w1" : : "a"(value), "Nd"(port) : "memory"); \
  }
WDK_PORT(UCHAR, "b", byte)
WDK_PORT(USHORT, "w", word)
WDK_PORT(ULONG, "l", dword)
#undef WDK_PORT

// A gs-relative read of the processor control region, by offset.
WDK_INLINE ULONGLONG wdk_read_gs_qword(ULONG offset) {
  ULONGLONG value;
  __asm__ volatile("movq %%gs:(%1), %0" : "=r"(value) : "r"((ULONGLONG)offset) : "memory");
  return value;
}

#undef __readcr0
#undef __readcr2
#undef __readcr3
#undef __readcr4
#undef __readcr8
#undef __writecr0
#undef __writecr3
#undef __writecr4
#undef __writecr8
#undef __readmsr
#undef __writemsr
#undef __inbyte
#undef __inword
#undef __indword
#undef __outbyte
#undef __outword
#undef __outdword
#undef __readgsqword
#undef __wbinvd
#undef __halt
#undef _disable
#undef _enable
#define __readcr0() wdk_read_cr0()
#define __readcr2() wdk_read_cr2()
#define __readcr3() wdk_read_cr3()
#define __readcr4() wdk_read_cr4()
#define __readcr8() wdk_read_cr8()
#define __writecr0(value) wdk_write_cr0(value)
#define __writecr3(value) wdk_write_cr3(value)
#define __writecr4(value) wdk_write_cr4(value)
#define __writecr8(value) wdk_write_cr8(value)
#define __readmsr(number) wdk_read_msr(number)
#define __writemsr(number, value) wdk_write_msr((number), (value))
#define __inbyte(port) wdk_in_byte(port)
#define __inword(port) wdk_in_word(port)
#define __indword(port) wdk_in_dword(port)
#define __outbyte(port, value) wdk_out_byte((port), (value))
#define __outword(port, value) wdk_out_word((port), (value))
#define __outdword(port, value) wdk_out_dword((port), (value))
#define __readgsqword(offset) wdk_read_gs_qword(offset)
#define __wbinvd() __asm__ volatile("wbinvd" : : : "memory")
#define __halt() __asm__ volatile("hlt" : : : "memory")
#define _disable() __asm__ volatile("cli" : : : "memory")
#define _enable() __asm__ volatile("sti" : : : "memory")

#define ReadCR8() __readcr8()
#define WriteCR8(value) __writecr8(value)
#define ReadMSR(number) __readmsr(number)
#define WriteMSR(number, value) __writemsr((number), (value))
#define READ_PORT_UCHAR(port) __inbyte((USHORT)(ULONG_PTR)(port))
#define READ_PORT_USHORT(port) __inword((USHORT)(ULONG_PTR)(port))
#define READ_PORT_ULONG(port) __indword((USHORT)(ULONG_PTR)(port))
#define WRITE_PORT_UCHAR(port, value) __outbyte((USHORT)(ULONG_PTR)(port), (value))
#define WRITE_PORT_USHORT(port, value) __outword((USHORT)(ULONG_PTR)(port), (value))
#define WRITE_PORT_ULONG(port, value) __outdword((USHORT)(ULONG_PTR)(port), (value))
#endif  // WDK_DRIVER_BUILD

WDK_EXTERN_C_END

#endif  // WDK_DDI_PROCESSOR_H
