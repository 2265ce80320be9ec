// SPDX-License-Identifier: Apache-2.0
// A filter in C++, as drivers use it: classes with virtual functions, templates, constructors run by placement, and
// DriverEntry not declared extern "C", as one product in the field has it. Every way of building must find the entry
// under whatever name its mangling gives it, and an object's layout must be the image's own affair.
#include <string.h>

#include <ntdddump.h>
#include <ntddk.h>

#ifndef CPP_FILTER_KEY
#define CPP_FILTER_KEY 0x5a
#endif

namespace {

constexpr ULONG pool_tag = 0x70704344;  // "DCpp"

template <class T, ULONG count>
class Ring {
 public:
  void push(T value) { values_[next_++ % count] = value; }
  T sum() const {
    T total = 0;
    for (ULONG index = 0; index < count; ++index) total += values_[index];
    return total;
  }

 private:
  T values_[count] = {};
  ULONG next_ = 0;
};

class Mask {
 public:
  virtual void apply(UCHAR* bytes, ULONG count, ULONGLONG sector) const = 0;
};

class SectorMask final : public Mask {
 public:
  explicit SectorMask(UCHAR key) : key_(key) {}
  void apply(UCHAR* bytes, ULONG count, ULONGLONG sector) const override {
    for (ULONG index = 0; index < count; ++index) bytes[index] ^= static_cast<UCHAR>((key_ + sector + index / 512) | 1);
  }

 private:
  UCHAR key_;
};

struct Context {
  SectorMask mask{CPP_FILTER_KEY};
  Ring<ULONG, 4> lengths;
  PMDL scratch_mdl = nullptr;
  PVOID scratch = nullptr;
  unsigned long long moved = 0;
};

Context* context_of(PFILTER_EXTENSION extension) {
  return static_cast<Context*>(extension->DumpData);
}

NTSTATUS on_start(PFILTER_EXTENSION) {
  return STATUS_SUCCESS;
}

NTSTATUS on_write(PFILTER_EXTENSION extension, PLARGE_INTEGER offset, PMDL mdl) {
  Context* const context = context_of(extension);
  const ULONG bytes = MmGetMdlByteCount(mdl);
  auto* const target = static_cast<UCHAR*>(context->scratch);
  RtlCopyMemory(target, mdl->MappedSystemVa, bytes);
  const Mask& mask = context->mask;
  mask.apply(target, bytes, static_cast<ULONGLONG>(offset->QuadPart) / 512);
  context->lengths.push(bytes);
  context->moved += bytes;
  const PPFN_NUMBER from = MmGetMdlPfnArray(context->scratch_mdl);
  const PPFN_NUMBER to = MmGetMdlPfnArray(mdl);
  const ULONG pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(context->scratch, bytes);
  for (ULONG page = 0; page < pages; ++page) to[page] = from[page];
  mdl->MappedSystemVa = context->scratch;
  mdl->StartVa = PAGE_ALIGN(context->scratch);
  mdl->ByteOffset = BYTE_OFFSET(context->scratch);
  return STATUS_SUCCESS;
}

NTSTATUS on_read(PFILTER_EXTENSION extension, PLARGE_INTEGER offset, PMDL mdl) {
  const Mask& mask = context_of(extension)->mask;
  mask.apply(static_cast<UCHAR*>(mdl->MappedSystemVa), MmGetMdlByteCount(mdl),
             static_cast<ULONGLONG>(offset->QuadPart) / 512);
  return STATUS_SUCCESS;
}

NTSTATUS on_finish(PFILTER_EXTENSION extension) {
  Context* const context = context_of(extension);
  DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "cpp: %I64u bytes, the last four %lu\n", context->moved,
             context->lengths.sum());
  return STATUS_SUCCESS;
}

NTSTATUS on_unload(PFILTER_EXTENSION extension) {
  Context* const context = context_of(extension);
  if (context == nullptr) return STATUS_SUCCESS;
  IoFreeMdl(context->scratch_mdl);
  MmFreeContiguousMemory(context->scratch);
  context->~Context();
  ExFreePoolWithTag(context, pool_tag);
  extension->DumpData = nullptr;
  return STATUS_SUCCESS;
}

}  // namespace

inline void* operator new(size_t, void* place) noexcept {
  return place;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION extension, PFILTER_INITIALIZATION_DATA initialization) {
  UNREFERENCED_PARAMETER(extension);
  void* const place = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(Context), pool_tag);
  if (place == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  auto* const context = new (place) Context;
  const SIZE_T bytes = static_cast<SIZE_T>(initialization->MaxPagesPerWrite) * PAGE_SIZE;
  PHYSICAL_ADDRESS highest;
  highest.QuadPart = -1;
  context->scratch = MmAllocateContiguousMemory(bytes, highest);
  context->scratch_mdl = IoAllocateMdl(context->scratch, static_cast<ULONG>(bytes), FALSE, FALSE, nullptr);
  MmBuildMdlForNonPagedPool(context->scratch_mdl);
  initialization->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
  initialization->MinorVersion = DUMP_FILTER_MINOR_VERSION;
  initialization->Flags = DUMP_FILTER_CRITICAL;
  initialization->DumpStart = on_start;
  initialization->DumpWrite = on_write;
  initialization->DumpFinish = on_finish;
  initialization->DumpUnload = on_unload;
  initialization->DumpRead = on_read;
  initialization->DumpData = context;
  return STATUS_SUCCESS;
}
