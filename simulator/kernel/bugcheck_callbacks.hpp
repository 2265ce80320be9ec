// SPDX-License-Identifier: Apache-2.0
// Who wants to be called when the machine crashes: what KeRegisterBugCheckCallback and KeRegisterBugCheckReasonCallback
// have been given. Windows chains the records themselves, in drivers' memory; here the list stands aside, so that a
// record which its driver has freed, written over or taken along when it was unloaded is noticed and not followed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trace/record.hpp"

namespace dumpsim::kernel {

/// KBUGCHECK_CALLBACK_REASON by its numbers [doc]. `none` is the list of KeRegisterBugCheckCallback, which has no
/// reasons.
enum class BugcheckReason : std::uint8_t {
  none = 0,
  secondary_data = 2,
  dump_io = 3,
  add_pages = 4,
  multi_part_data = 5,
  remove_pages = 6,
  triage_data = 7,
};

struct BugcheckRegistration {
  void* record = nullptr;  ///< the driver's KBUGCHECK_CALLBACK_RECORD or KBUGCHECK_REASON_CALLBACK_RECORD
  const void* routine = nullptr;
  void* buffer = nullptr;    ///< KeRegisterBugCheckCallback's
  std::uint32_t length = 0;  ///< its bytes
  BugcheckReason reason = BugcheckReason::none;
  std::uint16_t image = trace::no_image;  ///< who registered it
  bool gone = false;                      ///< that image was unloaded: record and routine are no longer there
};

/// In the order of registration. A record is in it at most once.
class BugcheckCallbacks {
 public:
  std::span<const BugcheckRegistration> all() const { return all_; }
  void add(const BugcheckRegistration& registration) { all_.push_back(registration); }
  const BugcheckRegistration* find(const void* record) const {
    for (const BugcheckRegistration& each : all_) {
      if (each.record == record && !each.gone) return &each;
    }
    return nullptr;
  }
  bool remove(const void* record) {
    return std::erase_if(all_, [record](const auto& each) { return each.record == record && !each.gone; }) != 0;
  }
  /// The image is unloaded; what it registered stays in the list, as it does in Windows.
  void image_gone(std::uint16_t image) {
    for (BugcheckRegistration& each : all_) each.gone = each.gone || each.image == image;
  }

 private:
  std::vector<BugcheckRegistration> all_;
};

}  // namespace dumpsim::kernel
