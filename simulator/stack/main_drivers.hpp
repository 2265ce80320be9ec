// SPDX-License-Identifier: Apache-2.0
// The ordinary drivers of a machine, beside its dump stacks: each a private copy of its image, with a driver object and
// devices of its own, alive from its start until power goes or it is stopped. Filters find them by their devices'
// names.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "machine/gate.hpp"
#include "stack/environment.hpp"

namespace dumpsim::stack {

/// When Windows loads a driver: before the dump stack, which is there when the boot drivers are, or after it [seen: the
/// order of modules in a dump taken 3.7 s after boot].
enum class DriverStart : std::uint8_t { boot, system };

struct DriverSpec {
  std::string path;
  std::string name;  ///< module and service name: "veracrypt"
  std::optional<machine::Convention> convention;
  bool trap_missing = false;  ///< an ELF image may lack functions until it calls them
  DriverStart start = DriverStart::boot;
  bool attach_to_volume = false;  ///< AddDevice is called with the dump volume's physical device object
};

class MainDrivers {
 public:
  /// Their images get the ids from `first_id` on, in order. All references outlive it.
  MainDrivers(Environment& env, std::span<const DriverSpec> specs, std::uint16_t first_id);
  ~MainDrivers();
  MainDrivers(const MainDrivers&) = delete;
  MainDrivers& operator=(const MainDrivers&) = delete;

  /// DriverEntry of each driver of this start, in order; then AddDevice of those that attach; then what they registered
  /// to be called when all are there. A driver whose DriverEntry fails is taken out again and the rest goes on, as on
  /// Windows with ErrorControl 1. Fails for images that cannot be loaded and for an attachment without AddDevice: a
  /// user's mistake.
  Result<void> start(DriverStart which);
  /// DriverUnload of each that has one, last started first, as when their services are stopped: Windows calls it for
  /// nothing else [doc]. What they leave behind is reported.
  void stop();

 private:
  struct Driver;
  Result<void> load(const DriverSpec& spec, std::uint16_t id);
  Result<void> attach();
  void take_out(Driver& driver, trace::Callback callback);
  bool ended() const { return env_.totals.ended != Ended::no; }
  /// False when the call ended the run; then totals and trace say so.
  bool went_well(bool returned);

  Environment& env_;
  std::span<const DriverSpec> specs_;
  std::uint16_t first_id_;
  std::vector<std::unique_ptr<Driver>> drivers_;
  std::vector<std::unique_ptr<Driver>> stay_;  // stopped in vain: they have no DriverUnload
};

/// Reports what `image` has made and not given back: devices, routines, links, references to devices, pool. What
/// matters only once the image goes, its bug check records and its threads, is told by who takes it out.
void report_left_behind(Environment& env, std::uint16_t image, trace::Callback callback);

}  // namespace dumpsim::stack
