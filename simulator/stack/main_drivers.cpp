// SPDX-License-Identifier: Apache-2.0
#include "stack/main_drivers.hpp"

#include <fmt/format.h>

#include <utility>

#include "kernel/drivers.hpp"
#include "kernel/kernel.hpp"
#include "loader/image.hpp"
#include "stack/export_table.hpp"
#include "stack/invoke.hpp"

namespace dumpsim::stack {

using trace::Callback;
using trace::Rule;

struct MainDrivers::Driver {
  std::unique_ptr<loader::Image> image;
  std::uint16_t id = trace::no_image;
  _DRIVER_OBJECT* object = nullptr;
  bool attaches = false;  ///< and has not been asked to yet
};

MainDrivers::MainDrivers(Environment& env, std::span<const DriverSpec> specs, std::uint16_t first_id)
    : env_(env), specs_(specs), first_id_(first_id) {}
MainDrivers::~MainDrivers() = default;

bool MainDrivers::went_well(bool returned) {
  if (returned) return true;
  ended_in_driver(env_);
  return false;
}

void report_left_behind(Environment& env, std::uint16_t image, Callback callback) {
  env.kernel->pool().check(image);
  const kernel::LeftBehind left = kernel::left_behind(*env.kernel, image);
  if (!left.devices.empty()) report(env, Rule::object_device_left, image, callback, left.devices);
  if (const std::size_t count = env.kernel->callbacks_of(image); count != 0) {
    report(env, Rule::object_callback_left, image, callback,
           count == 1 ? "a routine of it is still registered"
                      : std::to_string(count) + " routines of it are still registered");
  }
  if (!left.links.empty()) report(env, Rule::object_link_left, image, callback, left.links);
  if (!left.references.empty()) report(env, Rule::object_reference_left, image, callback, left.references);
  if (const std::string held = env.kernel->held_by(image); !held.empty()) {
    report(env, Rule::pool_leak, image, callback, held);
  }
}

void MainDrivers::take_out(Driver& driver, Callback callback) {
  report_left_behind(env_, driver.id, callback);
  if (const std::string records = env_.kernel->registered_by(driver.id); !records.empty()) {
    report(env_, Rule::bugcheck_record_left_behind, driver.id, callback, records);
  }
  if (const std::string used = env_.kernel->scheduler().outlives(driver.id); !used.empty()) {
    report(env_, Rule::unload_still_in_use, driver.id, callback, used);
  }
  kernel::remove_driver(*env_.kernel, driver.object);
  env_.recorder.image_unloaded(driver.id);
  env_.kernel->forget_image(driver.id);
  env_.machine.sections.forget(driver.id);
  std::erase(env_.images, driver.image.get());
}

Result<void> MainDrivers::load(const DriverSpec& spec, std::uint16_t id) {
  auto image = loader::Image::load(
      spec.path, export_table(),
      {.instance = spec.name, .convention = spec.convention, .seed = env_.seed, .trap_missing = spec.trap_missing});
  if (!image) return image.error();
  kernel::Kernel& kernel = *env_.kernel;
  env_.machine.sections.add(id, (*image)->sections());
  kernel.register_image(id, spec.name, (*image)->base(), (*image)->bytes(), (*image)->convention(),
                        (*image)->function_table());
  kernel.set_c_library(id, (*image)->c_library());
  env_.images.push_back(image->get());
  env_.recorder.image_loaded(id, spec.name);
  auto driver = std::make_unique<Driver>();
  driver->id = id;
  driver->object = kernel::create_driver(kernel, id, spec.name, (*image)->entry());
  driver->image = std::move(*image);
  driver->attaches = spec.attach_to_volume;
  if (driver->object == nullptr) return Error{fmt::format("no memory for the driver object of {}", spec.name)};
  const kernel::DriverCall call = kernel::call_driver_entry(kernel, driver->object);
  drivers_.push_back(std::move(driver));
  if (!went_well(call.returned)) return {};
  drivers_.back()->image->discard_initialization();
  if (!let_others_run(env_, 0)) return {};
  if (call.status < 0) {
    take_out(*drivers_.back(), Callback::driver_entry);
    drivers_.pop_back();
  }
  return {};
}

Result<void> MainDrivers::attach() {
  for (const auto& driver : drivers_) {
    if (ended()) return {};
    if (!std::exchange(driver->attaches, false)) continue;
    if (!kernel::has_add_device(driver->object)) {
      return Error{
          fmt::format("driver {} has no AddDevice, which attach = \"volume\" calls: its DriverEntry must set "
                      "DriverObject->DriverExtension->AddDevice",
                      driver->image->name())};
    }
    if (!went_well(kernel::call_add_device(*env_.kernel, driver->object).returned)) return {};
  }
  return {};
}

Result<void> MainDrivers::start(DriverStart which) {
  for (std::size_t i = 0; i < specs_.size() && !ended(); ++i) {
    if (specs_[i].start != which) continue;
    if (auto loaded = load(specs_[i], static_cast<std::uint16_t>(first_id_ + i)); !loaded) return loaded;
  }
  if (auto attached = attach(); !attached) return attached;
  if (!ended()) went_well(kernel::reinitialize_drivers(*env_.kernel, which == DriverStart::boot));
  return {};
}

void MainDrivers::stop() {
  while (!drivers_.empty() && !ended()) {
    Driver& driver = *drivers_.back();
    if (!kernel::has_unload(driver.object)) {
      // Such a driver cannot be stopped [doc]; it stays.
      env_.recorder.callback_absent(driver.id, Callback::driver_unload);
      stay_.push_back(std::move(drivers_.back()));
      drivers_.pop_back();
      continue;
    }
    if (!went_well(kernel::call_driver_unload(*env_.kernel, driver.object).returned)) return;
    take_out(driver, Callback::driver_unload);
    drivers_.pop_back();
  }
}

}  // namespace dumpsim::stack
