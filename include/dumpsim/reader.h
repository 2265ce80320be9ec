// SPDX-License-Identifier: Apache-2.0
// A reader: a shared library that stands in for a boot-time decryptor, for those whose volume driver does not run here.
// `dumpsim recover --via reader:LIB.so` (or `recover.via = "reader:LIB.so"` in a scenario) asks it for the plaintext of
// the dump file, sector by sector. It knows of no driver and no simulator: C11, no other header of ours.
//
//   int64_t dumpsim_reader_v1(const struct dumpsim_reader_disk* disk, uint64_t partition_offset, void* into,
//                             uint64_t length) {
//     if (disk->read(disk->context, disk->partition_start + partition_offset, into, length) != 0) return -1;
//     decrypt(into, length, partition_offset / disk->sector_size);
//     return (int64_t)length;
//   }
//
// It is loaded in a process of its own, which ends with the recovery. Where its key comes from is its own affair; the
// environment is that of dumpsim.
#ifndef DUMPSIM_READER_H
#define DUMPSIM_READER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The disk as the reader is shown it. Lives for one call; the members are the host's.
struct dumpsim_reader_disk {
  uint32_t size;         ///< bytes of this structure as the host knows it: a later one may be longer, never different
  uint32_t sector_size;  ///< bytes: 512 or 4096
  uint64_t disk_size;    ///< bytes
  uint64_t partition_start;   ///< bytes from the start of the disk
  uint64_t partition_length;  ///< bytes
  void* context;              ///< for `read`
  /// What lies on the disk, as it lies there: whole sectors from `disk_offset` into `into`. Returns 0, or another
  /// number when the range is no run of whole sectors of the disk or could not be read; `into` is then unchanged.
  int (*read)(void* context, uint64_t disk_offset, void* into, uint64_t length);
  /// Room for a sentence, zero-terminated, that tells the user why the call failed ("no header: wrong key").
  char* message;
  uint64_t message_size;
};

/// Writes the plaintext of `length` bytes from `partition_offset` to `into`: whole sectors inside the partition, at
/// most 64 KiB, in no particular order. Returns `length`, or a negative number when it cannot. Anything else, a buffer
/// that was not filled or one that was left (too far to either side), ends the recovery with a message.
int64_t dumpsim_reader_v1(const struct dumpsim_reader_disk* disk, uint64_t partition_offset, void* into,
                          uint64_t length);

#ifdef __cplusplus
}
#endif

#endif  // DUMPSIM_READER_H
