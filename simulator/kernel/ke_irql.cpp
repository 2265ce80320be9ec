// SPDX-License-Identifier: Apache-2.0
// The IRQL. Raising to a lower level or lowering to a higher one stops Windows at once, so it does here.
#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr std::uint8_t synch_level = 12;  // x64 multiprocessor kernels [seen: Windows 7]
constexpr ULONG irql_not_greater_or_equal = 0x09;

KIRQL raise(KIRQL level) {
  Kernel& kernel = current();
  const KIRQL before = kernel.machine().processor.irql;
  if (level < before || level > HIGH_LEVEL) kernel.bugcheck(irql_not_greater_or_equal, {before, level, 0, 0});
  kernel.set_irql(level);
  return before;
}

}  // namespace

KIRQL KeGetCurrentIrql(VOID) {
  return current().machine().processor.irql;
}

KIRQL KfRaiseIrql(KIRQL NewIrql) {
  return raise(NewIrql);
}
KIRQL KeRaiseIrqlToDpcLevel(VOID) {
  return raise(DISPATCH_LEVEL);
}
KIRQL KeRaiseIrqlToSynchLevel(VOID) {
  return raise(synch_level);
}

VOID KeLowerIrql(KIRQL NewIrql) {
  Kernel& kernel = current();
  const KIRQL before = kernel.machine().processor.irql;
  if (NewIrql > before) kernel.bugcheck(IRQL_NOT_LESS_OR_EQUAL, {NewIrql, before, 0, 0});
  kernel.set_irql(NewIrql);
  kernel.scheduler().poll();
}

}  // namespace dumpsim::kernel
