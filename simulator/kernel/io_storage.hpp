// SPDX-License-Identifier: Apache-2.0
// What the files that answer for the disk and its volumes share. Not for other rooms: it speaks the WDK's types.
#pragma once

#include <cstring>

#include "kernel/io_objects.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {

/// In the extension of each host-made device of the storage stack.
struct StorageExtension {
  PDEVICE_OBJECT lower;  ///< where requests go that this one does not answer itself; nullptr at the bottom
  ULONG partition;       ///< index in VolumeFacts::partitions; of a volume only
};

inline StorageExtension& extension_of(PDEVICE_OBJECT device) {
  return *static_cast<StorageExtension*>(device->DeviceExtension);
}

template <class T>
T zeroed() {
  T value;
  std::memset(static_cast<void*>(&value), 0, sizeof value);
  return value;
}

inline ULONG output_room(PIRP irp) {
  return IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.OutputBufferLength;
}
inline ULONG input_length(PIRP irp) {
  return IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.InputBufferLength;
}

/// An answer of `size` bytes into the IRP's system buffer. A buffer that is too short gets nothing [doc].
inline NTSTATUS give(PIRP irp, const void* answer, std::size_t size) {
  if (output_room(irp) < size) return complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
  std::memcpy(irp->AssociatedIrp.SystemBuffer, answer, size);
  return complete(irp, STATUS_SUCCESS, size);
}
template <class Answer>
NTSTATUS give(PIRP irp, const Answer& answer) {
  return give(irp, &answer, sizeof answer);
}

/// The request's input; false when it is shorter than that.
template <class Input>
bool take(PIRP irp, Input& into, std::size_t least = sizeof(Input)) {
  if (input_length(irp) < least) return false;
  std::memcpy(static_cast<void*>(&into), irp->AssociatedIrp.SystemBuffer, least);
  return true;
}

GUID guid_of(const GuidBytes& bytes);
DISK_GEOMETRY geometry_of(const VolumeFacts& facts);
DISK_PARTITION_INFO identity_of(const VolumeFacts& facts);
PARTITION_STYLE style_of(const VolumeFacts& facts);
PARTITION_INFORMATION partition_of(const VolumeFacts& facts, const PartitionFacts& partition);
PARTITION_INFORMATION_EX partition_ex_of(const VolumeFacts& facts, const PartitionFacts& partition);

/// IOCTLs that a volume answers itself; the rest it passes to its disk.
NTSTATUS volume_control(PDEVICE_OBJECT device, PIRP irp);
/// IOCTLs of the disk and its port, the bottom of the stack.
NTSTATUS disk_control(PDEVICE_OBJECT device, PIRP irp);
/// IOCTL_SCSI_GET_DUMP_POINTERS, in the version that the request asks for.
NTSTATUS dump_pointers(PDEVICE_OBJECT device, PIRP irp);
NTSTATUS query_property(PIRP irp);
/// IRP_MJ_READ and IRP_MJ_WRITE at the bottom: checked, recorded, moved between the IRP's MDL and the medium.
NTSTATUS disk_transfer(PIRP irp);
NTSTATUS disk_flush(PIRP irp);

/// Hands the IRP with a stack location of its own to the device below, `moved_by` bytes farther on for a read or
/// write. Host code calls host code directly: only what a driver receives or sends is an event.
NTSTATUS pass_to_lower(PDEVICE_OBJECT device, PIRP irp, std::uint64_t moved_by);

}  // namespace dumpsim::kernel
