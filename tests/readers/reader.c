// SPDX-License-Identifier: Apache-2.0
//
// Reads what the xor filter wrote with the key of one byte 0x5A, as a boot loader would; each other definition is one
// way of getting that wrong.
#define _POSIX_C_SOURCE 200809L
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dumpsim/reader.h"

extern void reader_function_that_is_nowhere(void);

#if defined(READER_CRASHES_LOADING)
__attribute__((constructor)) static void crash(void) {
  abort();
}
#endif

#if defined(READER_NEWER)
int64_t dumpsim_reader_v2(void);
int64_t dumpsim_reader_v2(void) {
  return 0;
}
#define dumpsim_reader_v1 some_function
#elif defined(READER_NO_ENTRY)
#define dumpsim_reader_v1 some_function
#endif

int64_t dumpsim_reader_v1(const struct dumpsim_reader_disk* disk, uint64_t partition_offset, void* into,
                          uint64_t length) {
  unsigned char* bytes = into;
#if defined(READER_REFUSES)
  strncpy(disk->message, "no header of ours on this disk: wrong password?", disk->message_size - 1);
  return -5;
#elif defined(READER_CRASHES)
  static volatile uintptr_t nowhere = 16;
  *(volatile char*)nowhere = 1;
#elif defined(READER_HANGS)
  for (;;) pause();
#elif defined(READER_EXITS)
  exit(7);
#elif defined(READER_UNRESOLVED)
  reader_function_that_is_nowhere();
#endif
  if (disk->size < sizeof *disk) return -1;
  if (partition_offset + length > disk->partition_length) return -2;
  if (disk->read(disk->context, disk->partition_start + partition_offset, bytes, length) != 0) return -3;
  for (uint64_t i = 0; i < length; ++i) bytes[i] ^= 0x5A;
#if defined(READER_SHORT)
  if (partition_offset % 1024 == 512 || length > 8192) return (int64_t)length - 512;
#elif defined(READER_SAYS_TOO_MUCH)
  return (int64_t)length + 1;
#elif defined(READER_LEAVES_A_HOLE)
  memset(bytes + 512, 0xA7, 512);
#elif defined(READER_OVERRUNS)
  bytes[length] = 0;
#endif
  return (int64_t)length;
}
