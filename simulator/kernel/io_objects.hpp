// SPDX-License-Identifier: Apache-2.0
// How the I/O files of this room make and find each other's objects. Not for other rooms: it speaks the WDK's types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kernel/io_state.hpp"
#include "kernel/kernel.hpp"
#include "kernel/line.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {

inline std::uint64_t number_of(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

/// Zeroed nonpaged pool that belongs to the I/O manager, not to a driver; nullptr when the pool is used up.
std::byte* allocate_object(Kernel& kernel, ULONG tag, std::size_t bytes);

// ---- drivers: io_driver.cpp ----

/// A driver whose dispatch routine is host code. Lives as long as the kernel. nullptr when pool is used up.
PDRIVER_OBJECT create_host_driver(Kernel& kernel, std::u16string_view name, HostDispatch dispatch);
const IoState::Driver* find_driver(Kernel& kernel, const DRIVER_OBJECT* driver);
/// DriverUnload has been called or DriverEntry failed: devices that the driver created are opened no more.
bool is_unloading(const DRIVER_OBJECT* driver);

// ---- devices: io_device.cpp, io_attach.cpp ----

/// A device object in nonpaged pool, entered in its driver's list.
PDEVICE_OBJECT create_device(Kernel& kernel, PDRIVER_OBJECT driver, ULONG extension_bytes, DEVICE_TYPE type,
                             ULONG characteristics);
IoState::Device* find_device_object(Kernel& kernel, const DEVICE_OBJECT* device);
/// `function` was given `address` for a driver or device object, and it is none. Windows goes on with whatever lies
/// there; here that is a fault with a name, and the bugcheck it would most likely be [assumed].
[[noreturn]] void no_such_object(Kernel& kernel, std::string_view function, std::string_view what, const void* address);
void attach_device(PDEVICE_OBJECT upper, PDEVICE_OBJECT lower);
/// The one it is attached to; nullptr for the lowest of a stack.
PDEVICE_OBJECT lower_device(Kernel& kernel, const DEVICE_OBJECT* device);
/// Gives up a device whose last reference is gone.
void free_device(Kernel& kernel, PDEVICE_OBJECT device);

// ---- the directory: io_directory.cpp ----

/// Whether it can be a name: absolute, not the root, without an empty part.
bool is_object_name(std::u16string_view name);
/// \DosDevices\X, \GLOBAL??\X and \??\X are one place [doc].
std::u16string directory_name(std::u16string_view name);
const IoState::Name* find_name(Kernel& kernel, std::u16string_view name);
/// By absolute name in any case, through symbolic links; nullptr when there is none. With `rest`, a name that goes on
/// behind a device's is found as well: `rest` is "\file" then, else empty.
PDEVICE_OBJECT find_device(Kernel& kernel, std::u16string_view name, std::u16string* rest = nullptr);
/// As UTF-8; what is no character on its own becomes U+FFFD.
void put_utf16(Line& line, std::u16string_view text);
/// "\Device\VeraCrypt"; of an unnamed device the name of the one its stack stands on, else "device of \Driver\x".
void put_device_name(Kernel& kernel, Line& line, const DEVICE_OBJECT* device);

/// Where a read or write of a handle begins: at its own position, with no offset or with this one [doc].
inline bool at_position(const LARGE_INTEGER* offset) {
  return offset == nullptr || (offset->HighPart == -1 && offset->LowPart == FILE_USE_FILE_POINTER_POSITION);
}

// ---- MDLs: mm_mdl.cpp ----

constexpr ULONG mdl_tag = 0x206C644D;  // "Mdl "

/// MmProbeAndLockPages with a status where that raises one: STATUS_ACCESS_VIOLATION, and nothing is locked.
NTSTATUS probe_and_lock(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation);

// ---- IRPs: io_irp.cpp, io_call.cpp ----

/// An IRP of the kernel's own, charged to whom it is made for. nullptr when pool is used up.
PIRP new_irp(Kernel& kernel, CCHAR stack_size);
/// A device control, or a file system control, with its buffers as the code's method says; nullptr when pool is used up
/// or a buffer cannot be locked.
struct ControlRequest {
  UCHAR major = IRP_MJ_DEVICE_CONTROL;
  ULONG code = 0;
  PVOID input = nullptr;
  ULONG input_length = 0;
  PVOID output = nullptr;
  ULONG output_length = 0;
};
PIRP build_control(Kernel& kernel, PDEVICE_OBJECT device, const ControlRequest& request);
/// A read, a write, or a request without a buffer. `start` may be nullptr.
PIRP build_transfer(Kernel& kernel, ULONG major, PDEVICE_OBJECT device, PVOID buffer, ULONG length,
                    const LARGE_INTEGER* start);
/// Finishes an IRP for a host-made driver: IofCompleteRequest with these results.
NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information);
/// Sends it and waits for its end. STATUS_PENDING: nobody has completed it and nothing runs that could, so there is no
/// end to wait for; below a driver's call that is a deadlock and does not return.
/// `information` is the status block's, when it is asked for.
NTSTATUS send_and_wait(Kernel& kernel, PDEVICE_OBJECT device, PIRP irp, ULONG_PTR* information = nullptr);
/// Names the IRP whose end would signal `object`, and who has it; nothing when there is none.
void put_awaited_request(Kernel& kernel, Line& line, const void* object);

// ---- files: io_file.cpp ----

/// A file object on the device of that name, opened by IRP_MJ_CREATE, with one reference, the caller's.
NTSTATUS open_file(Kernel& kernel, std::u16string_view name, ACCESS_MASK access, ULONG disposition, ULONG options,
                   PFILE_OBJECT& file);
/// Its handle is closed: IRP_MJ_CLEANUP, once. The reference stays.
void close_handle(Kernel& kernel, PFILE_OBJECT file);
/// The file object that this is; nullptr when it is none.
PFILE_OBJECT find_file(Kernel& kernel, const void* object);
/// The last reference to a file object is gone: IRP_MJ_CLOSE, then it is given back.
void close_file(Kernel& kernel, PFILE_OBJECT file);

// ---- devices by handle: zw_device.cpp ----

/// Whether a path leads to a device, so that what is behind it is the device's driver's affair: `\Device\X`, `\??\C:`.
bool is_device_path(Kernel& kernel, std::u16string_view path);
/// ZwCreateFile for such a path.
NTSTATUS open_device(Kernel& kernel, std::u16string_view path, ACCESS_MASK access, ULONG disposition, ULONG options,
                     PHANDLE handle, PIO_STATUS_BLOCK status_block);
/// The device that a handle was opened on; nullptr when it is another kind of handle.
PFILE_OBJECT device_behind(Kernel& kernel, HANDLE handle);
/// The file that a handle is of, for the calls that know files and folders alone; the status they answer otherwise.
NTSTATUS resolve_file(HANDLE handle, OpenFile*& file);
/// ZwReadFile and ZwWriteFile on such a handle.
NTSTATUS transfer(Kernel& kernel, PFILE_OBJECT file, UCHAR major, PVOID buffer, ULONG length,
                  const LARGE_INTEGER* offset, PIO_STATUS_BLOCK status_block);
NTSTATUS flush(Kernel& kernel, PFILE_OBJECT file, PIO_STATUS_BLOCK status_block);

}  // namespace dumpsim::kernel
