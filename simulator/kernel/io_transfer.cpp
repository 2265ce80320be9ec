// SPDX-License-Identifier: Apache-2.0
// Reads and writes at the bottom of the storage stack. The memory is found by the MDL's page frames, as an adapter's
// DMA would, so that what a driver above put into the IRP is what moves.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/digest.hpp"
#include "kernel/exports.hpp"
#include "kernel/io_storage.hpp"

namespace dumpsim::kernel {
namespace {

struct Pieces {
  std::vector<std::span<std::byte>> parts;
  bool whole = false;  ///< every page was there
};

/// The first `length` bytes that an MDL describes, in runs; `to_fill`: they are to be written to, which RAM is not
/// here.
Pieces gather(Kernel& kernel, PMDL mdl, std::size_t length, bool to_fill) {
  using Region = machine::PhysicalMemory::Region;
  Pieces pieces;
  if (mdl == nullptr || length > MmGetMdlByteCount(mdl)) return pieces;
  const PFN_NUMBER* pfns = MmGetMdlPfnArray(mdl);
  // Size says how many page frames follow; what lies behind them is not the MDL's.
  const auto described = static_cast<std::size_t>(std::max<std::ptrdiff_t>(mdl->Size - std::ptrdiff_t{sizeof(MDL)}, 0));
  const std::size_t frames = described / sizeof(PFN_NUMBER);
  std::size_t in_page = MmGetMdlByteOffset(mdl) & (page_size - 1);
  for (std::size_t left = length, i = 0; left != 0; ++i, in_page = 0) {
    if (i == frames) return pieces;
    std::byte* page = kernel.memory().address_of(pfns[i]);
    if (page == nullptr) return pieces;
    const Region region = kernel.memory().region_of(page);
    // A page of the host's, not the machine's, may be gone by now: an MDL can hold any number.
    if ((region == Region::unknown || region == Region::mapping) && !kernel.memory().is_readable(page)) return pieces;
    if (to_fill && (region == Region::ram || region == Region::window)) return pieces;
    const std::size_t now = std::min<std::size_t>(left, page_size - in_page);
    if (!pieces.parts.empty() && pieces.parts.back().data() + pieces.parts.back().size() == page + in_page) {
      pieces.parts.back() = {pieces.parts.back().data(), pieces.parts.back().size() + now};
    } else {
      pieces.parts.emplace_back(page + in_page, now);
    }
    left -= now;
  }
  pieces.whole = true;
  return pieces;
}

NTSTATUS status_of(Medium::Moved moved) {
  switch (moved) {
    case Medium::Moved::all:
      return STATUS_SUCCESS;
    case Medium::Moved::beyond_the_end:
      return STATUS_NONEXISTENT_SECTOR;
    case Medium::Moved::failed:
      break;
  }
  return STATUS_IO_DEVICE_ERROR;
}

NTSTATUS move(Kernel& kernel, PIRP irp, bool write, DiskOffset at, std::uint32_t length, std::uint64_t& digest) {
  Medium* medium = kernel.io().medium;
  if (medium == nullptr) return STATUS_DEVICE_NOT_READY;
  const Pieces pieces = gather(kernel, irp->MdlAddress, length, !write);
  if (!pieces.whole) return STATUS_INVALID_PARAMETER;  // Windows would fault here, or later [assumed]
  std::vector<std::byte> joined;
  std::span<std::byte> bytes = pieces.parts.front();
  if (pieces.parts.size() > 1) {
    joined.resize(length);
    bytes = joined;
  }
  if (write && !joined.empty()) {
    std::size_t done = 0;
    for (const std::span<std::byte> part : pieces.parts) {
      std::copy(part.begin(), part.end(), joined.begin() + static_cast<std::ptrdiff_t>(done));
      done += part.size();
    }
  }
  const NTSTATUS status = status_of(write ? medium->write(at, bytes) : medium->read(at, bytes));
  if (status == STATUS_SUCCESS && kernel.recorder().digests()) {
    Digest of;
    of.add(bytes);
    digest = of.value();
  }
  if (!write && status == STATUS_SUCCESS && !joined.empty()) {
    std::size_t done = 0;
    for (const std::span<std::byte> part : pieces.parts) {
      std::copy_n(joined.begin() + static_cast<std::ptrdiff_t>(done), part.size(), part.begin());
      done += part.size();
    }
  }
  return status;
}

/// At HIGH_LEVEL no interrupt ends a command any more: whoever sends one is told that it is under way, for good.
/// [assumed: the normal I/O path is off while a dump is written]
NTSTATUS never_ends(PIRP irp) {
  IoMarkIrpPending(irp);
  return STATUS_PENDING;
}

}  // namespace

// Checked as Microsoft's disk class sample does [seen: Windows driver samples]: whole sectors are the class driver's
// concern, the end of the disk is the device's.
NTSTATUS disk_transfer(PIRP irp) {
  Kernel& kernel = current();
  const PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
  const bool write = stack->MajorFunction == IRP_MJ_WRITE;
  const auto& request = stack->Parameters.Read;  // Write has the same fields
  const std::uint32_t length = request.Length;
  const DiskOffset at{static_cast<std::uint64_t>(request.ByteOffset.QuadPart)};
  const std::uint32_t in_sector = kernel.io().volume.sector_size - 1;
  std::uint64_t digest = 0;
  NTSTATUS status = STATUS_SUCCESS;
  const bool dead = kernel.machine().processor.irql >= HIGH_LEVEL;
  if (dead) {
    status = STATUS_PENDING;
  } else if (request.ByteOffset.QuadPart < 0 || ((at.bytes | length) & in_sector) != 0) {
    status = STATUS_INVALID_PARAMETER;
  } else if (length != 0) {
    status = move(kernel, irp, write, at, length, digest);
  }
  kernel.recorder().disk_transfer(kernel.image(), write, status, at.bytes, length, digest);
  return dead ? never_ends(irp) : complete(irp, status, status == STATUS_SUCCESS ? length : 0);
}

NTSTATUS disk_flush(PIRP irp) {
  Kernel& kernel = current();
  const bool dead = kernel.machine().processor.irql >= HIGH_LEVEL;
  NTSTATUS status = STATUS_PENDING;
  if (!dead) {
    status = kernel.io().medium == nullptr ? STATUS_DEVICE_NOT_READY : status_of(kernel.io().medium->flush());
  }
  kernel.recorder().disk_flushed(kernel.image(), status);
  return dead ? never_ends(irp) : complete(irp, status, 0);
}

}  // namespace dumpsim::kernel
