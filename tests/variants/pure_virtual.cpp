// SPDX-License-Identifier: Apache-2.0
// A class whose constructor calls, by a detour that no compiler may shorten, a function that only the derived class
// will have: the base's own table has nothing there yet. Built without optimisation: else the table is not even made.
#include <ntddk.h>

#include <ntdddump.h>

namespace {

class Cipher {
 public:
  Cipher() { prepare(); }
  DECLSPEC_NOINLINE void prepare() { rounds_ = rounds(); }
  virtual ULONG rounds() const = 0;

 protected:
  ULONG rounds_ = 0;
};

class Simple final : public Cipher {
 public:
  ULONG rounds() const override { return 1; }
};

NTSTATUS on_write(PFILTER_EXTENSION, PLARGE_INTEGER, PMDL) {
  Simple cipher;
  return cipher.rounds() == 1 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

}  // namespace

extern "C" NTSTATUS DriverEntry(PFILTER_EXTENSION, PFILTER_INITIALIZATION_DATA initialization) {
  initialization->DumpWrite = on_write;
  return STATUS_SUCCESS;
}
