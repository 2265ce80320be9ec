// SPDX-License-Identifier: Apache-2.0
// The pageable sections of drivers' images. A handle is the section's address: opaque to drivers, the same in every
// run. An image whose sections are not told apart (a .so) has nothing pageable, so that locking it is done already.
#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

machine::DriverSections::Row* section_at(const void* address) {
  machine::DriverSections::Row* row = current().machine().sections.at(address);
  return row == nullptr || row->pool ? nullptr : row;
}

}  // namespace

PVOID MmLockPagableDataSection(PVOID AddressWithinSection) {
  machine::DriverSections::Row* row = section_at(AddressWithinSection);
  if (row == nullptr) return AddressWithinSection;
  current().machine().sections.lock(*row);
  return row->section.pages.data();
}

VOID MmLockPagableSectionByHandle(PVOID ImageSectionHandle) {
  if (auto* row = section_at(ImageSectionHandle)) current().machine().sections.lock(*row);
}

VOID MmUnlockPagableImageSection(PVOID ImageSectionHandle) {
  if (auto* row = section_at(ImageSectionHandle)) current().machine().sections.unlock(*row);
}

// The image's base, or NULL for an address in no driver [assumed].
PVOID MmPageEntireDriver(PVOID AddressWithinSection) {
  const ImageRange* image = current().image_at(AddressWithinSection);
  if (image == nullptr) return nullptr;
  current().machine().sections.make_pageable(AddressWithinSection);
  return const_cast<std::byte*>(image->base);
}

VOID MmResetDriverPaging(PVOID AddressWithinSection) {
  current().machine().sections.reset_paging(AddressWithinSection);
}

}  // namespace dumpsim::kernel
