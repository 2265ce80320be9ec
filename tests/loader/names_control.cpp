// SPDX-License-Identifier: Apache-2.0
// The control of the wall around the WDK's names: a host that exports one, as -rdynamic and a careless extern "C" do.
extern "C" void* ExAllocatePoolWithTag(int, unsigned long, unsigned) {
  return nullptr;
}
int main() {
  return 0;
}
