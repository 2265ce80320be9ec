// SPDX-License-Identifier: Apache-2.0
// Callback objects: what drivers register with, and what drivers or the system notify. The objects lie in pool and are
// counted like all others; what is registered stands aside, so that no overrun reaches it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dumpsim::kernel {

struct CallbackObjects {
  struct Registration {
    void* handle = nullptr;  ///< what ExRegisterCallback gave: an address in pool
    const void* code = nullptr;
    void* context = nullptr;
    std::uint16_t image = 0;
  };
  struct Object {
    void* address = nullptr;  ///< the PCALLBACK_OBJECT
    std::u16string name;      ///< empty: without a name
    bool multiple = false;
    std::vector<Registration> registrations;
  };
  /// In the order in which they were made.
  std::vector<std::unique_ptr<Object>> objects;

  Object* find(std::u16string_view name) const;
  Object* find(const void* address) const;
};

}  // namespace dumpsim::kernel
