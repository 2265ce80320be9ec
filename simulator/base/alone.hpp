// SPDX-License-Identifier: Apache-2.0
// For the few places that a dump passes a hundred million times. Two fields that were stored one by one just now and
// are read together, as a compiler likes to when it copies them, wait until both have reached memory: 5 ns.
#pragma once

namespace dumpsim {

/// A field that is read by itself.
template <class T>
T alone(T value) {
  asm("" : "+r"(value));
  return value;
}

}  // namespace dumpsim
