// SPDX-License-Identifier: Apache-2.0
// The ways to stop the machine. Dump filters use a bug check on purpose: it is their only means to keep plaintext from
// the disk, since an error returned from DumpWrite does not stop the write [seen: VeraCrypt, DiskCryptor].
#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {

VOID KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2,
                  ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4) {
  current().bugcheck(BugCheckCode, {BugCheckParameter1, BugCheckParameter2, BugCheckParameter3, BugCheckParameter4});
}

VOID KeBugCheck(ULONG BugCheckCode) {
  current().bugcheck(BugCheckCode, {});
}

}  // namespace dumpsim::kernel
