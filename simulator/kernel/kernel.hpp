// SPDX-License-Identifier: Apache-2.0
// What all kernel functions share while a scenario runs: who is calling, the machine below, the trace, pool, registry,
// objects. One Kernel is current at a time, because a driver's call carries no pointer to its kernel; everything else
// hangs on that one object, so that two runs in one process cannot mix. Free of WDK names: other rooms include it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/bugcheck_callbacks.hpp"
#include "kernel/callbacks.hpp"
#include "kernel/exception_state.hpp"
#include "kernel/file_tree.hpp"
#include "kernel/open_file.hpp"
#include "kernel/pool.hpp"
#include "kernel/registry.hpp"
#include "kernel/scheduler.hpp"
#include "kernel/volume.hpp"
#include "kernel/whereabouts.hpp"
#include "machine/fault_trap.hpp"
#include "machine/gate.hpp"
#include "machine/machine.hpp"
#include "machine/unwind.hpp"
#include "trace/record.hpp"
#include "trace/recorder.hpp"
#include "trace/rules.hpp"

struct _FILTER_EXTENSION;

namespace dumpsim::kernel {

/// Why a call through the gate did not return: the reason given to Gate::leave_all() by this room.
enum class Left : std::uint64_t {
  bugcheck = 1,  ///< KeBugCheck(Ex), or what Windows answers with one; machine.bugcheck tells which
  deadlock = 2,  ///< a wait or a lock that nothing in this machine could ever end
};

/// What a file call comes to at DISPATCH_LEVEL and above.
enum class RaisedFiles : std::uint8_t {
  fail,      ///< STATUS_UNSUCCESSFUL
  work,      ///< as at PASSIVE_LEVEL
  bugcheck,  ///< IRQL_NOT_LESS_OR_EQUAL
};

struct Config {
  std::uint32_t major = 10;
  std::uint32_t minor = 0;
  std::uint32_t build = 22631;
  /// A kernel_call record for each call. Switched off, calls are still counted and checked.
  bool record_calls = true;
  /// Bytes of pool and contiguous memory together that one image may have before its allocations fail.
  std::uint64_t memory_limit = std::uint64_t{1} << 30;
  SpecialPool special_pool = SpecialPool::end;
  /// What special pool is called where a record says that a block has none: its policy's index.
  std::uint64_t special_pool_policy = 0;
  std::span<TagUse> tags = {};  ///< see PoolOptions
  /// A bad free of pool is bug check BAD_POOL_CALLER [doc], not only a report.
  bool bad_free_stops = true;
  RaisedFiles raised_files = RaisedFiles::fail;
  bool uefi = true;  ///< started by firmware that has variables
};

/// A loaded image, for naming addresses and for calling back in its convention. Ranges do not overlap.
struct ImageRange {
  std::uint16_t id = trace::no_image;
  std::string name;  ///< "dump_xor"
  const std::byte* base = nullptr;
  std::size_t bytes = 0;
  machine::Convention convention = machine::Convention::system_v;
  const std::byte* function_table = nullptr;    ///< in the image, of a .sys
  std::vector<machine::FunctionRow> functions;  ///< its rows; empty for ELF
  /// From and to, relative to its base: functions of the C library that it was linked with.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> c_library = {};
};

/// One export called above its documented maximum, or where it must not be, by one image in one callback.
struct IrqlViolation {
  trace::Rule rule = trace::Rule::irql_too_high;
  std::uint16_t export_index = 0;
  std::uint16_t image = trace::no_image;
  trace::Callback callback = trace::Callback::none;
  std::uint8_t irql = 0;  ///< at the first time
  std::uint8_t maximum = 0;
  std::uint64_t count = 0;
};

/// What the callback that runs was given to write or read, for judging buffers; zeros when it was given nothing.
struct GivenTransfer {
  std::uint32_t pages = 0;      ///< that its MDL spans
  std::uint32_t max_pages = 0;  ///< MaxPagesPerWrite
};

/// A routine of a driver that the kernel calls on behalf of something else: a dispatch or completion routine, say.
struct Routine {
  const void* code = nullptr;
  trace::Callback callback = trace::Callback::none;
  std::uint16_t image = trace::no_image;  ///< whose it is; no_image: that of the image in which `code` lies
  std::optional<machine::Convention> convention = {};  ///< when it is known; else that of its image
  bool returns_status = true;                          ///< an NTSTATUS, which the record shows
  std::uint64_t request = 0;                           ///< of a Dispatch: trace::request_of()
  /// The IRQL at which it must return, when that is not the one at which it is called (a cancel routine).
  std::optional<std::uint8_t> returns_at;
  /// What a transfer is given, for the record of its start; zeros for others.
  struct Given {
    std::uint32_t length = 0;
    std::uint32_t flags = 0;
    std::uint64_t offset = 0;
    std::uint64_t object = 0;
  } given;
  /// How it ends is the caller's to record and to judge: no callback_left, and left() stays as it was.
  bool callers_end = false;
};

/// What a device stack is asked of the whole system's power.
enum class PowerRequest : std::uint8_t {
  may_hibernate,  ///< IRP_MN_QUERY_POWER, PowerSystemHibernate
  hibernate,      ///< IRP_MN_SET_POWER, PowerSystemHibernate
  resume,         ///< IRP_MN_SET_POWER, PowerSystemWorking
};

/// Decides whether a call that may fail does: the fault plan. Called once a call of an export whose row says so.
using FailureHook = bool (*)(void* context, std::size_t export_index);

/// How exact an address in words is. What depends on how a filter or the host was compiled has no place in a trace that
/// must be the same from GCC and from Clang: offsets into the stack, offsets into an image.
enum class Words : std::uint8_t {
  full,       ///< for evidence: everything
  printed,    ///< for %p: "stack", "image dump_xor+0x123"
  canonical,  ///< for records: "stack", "image dump_xor"
};

/// Where drivers' addresses begin [assumed]: below lies nothing that a driver of this machine has. x64 Windows has such
/// limits at the middle of the address space; here all of it is in one process.
inline constexpr std::uint64_t system_range_start = 0x1F0000000000;
inline constexpr std::uint64_t highest_user_address = system_range_start - 0x10001;
inline constexpr std::uint64_t user_probe_address = system_range_start - 0x10000;

/// A variable of the firmware: names are told apart by case.
struct FirmwareVariable {
  std::u16string name;
  std::array<std::byte, 16> vendor{};
  std::uint32_t attributes = 0;
  std::vector<std::byte> value;
};

struct IoState;  // io_state.hpp: device objects, drivers, IRPs

class Kernel {
 public:
  /// Becomes the current kernel. REQUIRES: none is current. All references outlive it.
  Kernel(machine::Machine& machine, trace::Recorder& recorder, machine::Gate& gate, Config config);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  machine::Machine& machine() const { return machine_; }
  machine::PhysicalMemory& memory() { return machine_.memory; }
  trace::Recorder& recorder() { return recorder_; }
  machine::Gate& gate() { return gate_; }
  const Config& config() const { return config_; }
  void set_record_calls(bool record) { config_.record_calls = record; }
  Pool& pool() { return pool_; }
  Registry& registry() { return registry_; }
  FileTree& files() { return files_; }
  std::vector<FirmwareVariable>& firmware() { return firmware_; }
  CallbackObjects& callbacks() { return callbacks_; }
  /// The system notifies a callback object of its own by name, with what its documentation says of the arguments.
  /// Nothing happens when nobody has opened it. left() afterwards, when a routine ended the machine.
  void notify_callback(std::u16string_view name, std::uint64_t first, std::uint64_t second);
  /// How many routines `image` has registered with callback objects and not taken back.
  std::size_t callbacks_of(std::uint16_t image) const;
  std::uint32_t next_uuid() { return ++uuids_; }
  bool aux_klib_ready() const { return aux_klib_ready_; }
  void set_aux_klib_ready() { aux_klib_ready_ = true; }
  /// Providers of events, registered and not yet given up.
  std::uint64_t add_event_provider() {
    event_providers_.push_back(++last_event_provider_);
    return last_event_provider_;
  }
  bool is_event_provider(std::uint64_t handle) const;
  bool remove_event_provider(std::uint64_t handle);
  /// The N of \\Device\\HarddiskVolumeN that the files lie on.
  std::uint32_t volume_number() const { return volume_number_; }
  void set_volume_number(std::uint32_t number) { volume_number_ = number; }
  IoState& io() { return *io_; }
  BugcheckCallbacks& bugcheck_callbacks() { return bugcheck_callbacks_; }
  Scheduler& scheduler() { return scheduler_; }
  const Scheduler& scheduler() const { return scheduler_; }

  // ---- who is calling ----
  /// Whose code runs from here on, with nothing of a driver's before it; pool and handles are charged to `image`.
  void set_current(std::uint16_t image, trace::Callback callback) {
    if (!gate_.active()) scheduler_.host_calls();
    Context& now = *context_;
    now.image = image;
    now.callback = callback;
    now.entry_irql = 0;
    now.depth = 0;
    now.caller = nullptr;
    now.exceptions = {};
  }
  /// Calls a driver's routine at the present IRQL, in the convention of the image it lies in, whether another driver is
  /// being called just now or none is. Records entering and leaving, says who runs meanwhile, reports and puts back an
  /// IRQL or a register that was not given back. Only the outermost call can come back with `returned` false; image()
  /// and callback() still say then what ran last, and left() what it ended in.
  machine::CallResult call_routine(const Routine& routine, const machine::Arguments& arguments);
  /// What every call must give back, checked after it: REQUIRES `call.returned`.
  void check_given_back(std::uint16_t image, trace::Callback callback, std::uint8_t irql, machine::CallResult call) {
    if (machine_.processor.irql != irql || call.changed != 0) [[unlikely]]
      not_given_back(image, callback, irql, call);
    pool_.check_near(image);
  }
  /// For the next callback.
  void set_transfer(const GivenTransfer& transfer) { transfer_ = transfer; }
  /// The reason with which call_routine() was left for good, once it was.
  std::optional<std::uint64_t> left() const { return left_; }
  /// Has `where` say what runs from now on, and `trap` time it. Both outlive the kernel's calls.
  void tell_whereabouts(Whereabouts& where, machine::FaultTrap& trap) {
    where_ = &where;
    trap_ = &trap;
  }
  /// Another line of execution has its turn.
  void tell_running(const Context& context) { tell_running(context.image, context.callback); }

  /// Where in `image` its last call of an export was made, or else the callback that runs or ran last begins.
  trace::CodeSite site_of(std::uint16_t image) const;
  /// Of the instruction at `rip`, if `image` is there. Async-signal-safe.
  trace::CodeSite site_at(std::uint16_t image, std::uint64_t rip) const;
  /// Of a fault that `image` answers for: its instruction, or where it called the function of its C library in which
  /// that lies, or else its last call of an export. Async-signal-safe.
  trace::CodeSite site_of_fault(std::uint16_t image, const machine::FaultReport& fault) const;
  std::uint16_t image() const { return context_->image; }
  trace::Callback callback() const { return context_->callback; }
  /// Convention of the import through which the present call came.
  machine::Convention caller_convention() const { return context_->convention; }
  /// What is kept of the running line of execution; the scheduler changes it with the thread.
  Context& context() { return *context_; }
  void set_context(Context& context) { context_ = &context; }
  /// Lets drivers' threads, timers and DPCs run while the host has no callback to make, until all of them wait for
  /// something that is not due within `hundred_ns`. That time passes as long as a timer or a thread's timeout counts on
  /// it; nothing happens and no time passes when there is none. Not returned: as for any call through the gate.
  /// REQUIRES: the gate is not active.
  machine::CallResult let_others_run(std::uint64_t hundred_ns);

  // ---- images ----
  /// `name` as in the trace ("dump_xor"). The same id may be given again after forget_image().
  /// `function_table`: its .pdata, whole rows, ascending; copied.
  void register_image(std::uint16_t id, std::string_view name, const void* base, std::size_t bytes,
                      machine::Convention convention = machine::Convention::system_v,
                      std::span<const std::byte> function_table = {});
  void set_c_library(std::uint16_t id, std::vector<std::pair<std::uint32_t, std::uint32_t>> functions);
  void forget_image(std::uint16_t id);
  const ImageRange* image_at(const void* address) const;
  const ImageRange* image_range(std::uint16_t id) const;
  /// "dump_xor"; "?" for one that is not registered.
  std::string_view image_name(std::uint16_t id) const;
  /// Whether an image lay there once that is unloaded.
  bool was_image(const void* address) const;
  std::span<const ImageRange> images() const { return images_; }
  /// The convention to call `code` in: its image's, or System V for host code.
  machine::Convention convention_of(const void* code) const;

  // ---- calls into a driver, and what leaves its frames ----
  /// The same without a word of it: what a driver hands an export of this kernel to be called, a thread, a DPC, a work
  /// item. A routine that is left by an exception which an outer driver handles does not come back here, and the
  /// caller's frames are gone: they must own nothing.
  machine::CallResult call_driver(const void* routine, const machine::Arguments& arguments);
  ExceptionState& exceptions() { return context_->exceptions; }
  /// The frames of the present stack below `rsp` are being left: forgets what they had under way.
  void forget_below(std::uint64_t rsp);

  // ---- each call of an export ----
  /// Counts, checks the IRQL. True when the call is to be recorded.
  bool enter(std::size_t export_index, machine::Convention convention, std::uint8_t maximum, const void* caller) {
    ++calls_[export_index];
    context_->convention = convention;
    context_->caller = caller;
    if (machine_.processor.irql > maximum) above_maximum(export_index, maximum);
    return config_.record_calls;
  }
  std::uint64_t calls(std::size_t export_index) const { return calls_[export_index]; }
  /// For limits that depend on the arguments: reports the present IRQL against `maximum`.
  void require_irql(std::size_t export_index, std::uint8_t maximum) {
    require_irql(export_index, maximum, trace::Severity::error);
  }
  /// The same, at most that severe: what is known to be harmless in the field.
  void require_irql(std::size_t export_index, std::uint8_t maximum, trace::Severity at_most) {
    if (machine_.processor.irql > maximum) irql_too_high(export_index, maximum, at_most);
  }
  std::span<const IrqlViolation> irql_violations() const { return irql_violations_; }
  /// A routine that gives or takes memory is called: reports it where a dump is being written.
  void pool_call(std::size_t export_index) {
    if (scheduler_.frozen() && machine_.processor.irql <= machine::dispatch_level) pool_in_crash(export_index);
  }
  /// A wait that may block.
  void wait_call(std::size_t export_index);
  /// Asks the fault plan; an implementation that gets true answers with its documented failure.
  void set_failure_hook(FailureHook hook, void* context) {
    failure_hook_ = hook;
    failure_context_ = context;
  }
  bool injected_failure(std::size_t export_index) const {
    return failure_hook_ != nullptr && failure_hook_(failure_context_, export_index);
  }

  /// What `image` still holds, in words for pool.leak: "2 pool blocks (8,192 bytes): pool#3 'roX ' 4096, …"; empty
  /// when nothing.
  std::string held_by(std::uint16_t image) const;

  /// What `image` has registered and not deregistered, in words for bugcheck.record-left-behind; empty when nothing.
  std::string registered_by(std::uint16_t image) const;
  /// Whether a registration's record is there and says what it said when it was registered. Reads it with care.
  bool record_intact(const BugcheckRegistration& registration) const;

  // ---- records ----
  /// A broken rule of the present caller, with the severity the recorder gives it.
  void violate(trace::Rule rule, std::string_view detail);
  /// IRQL now, with a record when it changes.
  void set_irql(std::uint8_t irql);

  /// Records and leaves all of the driver's frames. REQUIRES: gate().active().
  [[noreturn]] void bugcheck(std::uint32_t code, std::array<std::uint64_t, 4> parameters);
  /// Told of a fault before anything is made of it: whether it was in, behind or before a block of memory that a driver
  /// was given and has no more, or never had; then the rule is reported. Async-signal-safe.
  bool report_pool_fault(const machine::FaultReport& fault);
  /// Pool freed wrongly: reported, then bug check BAD_POOL_CALLER with these parameters [doc] unless the configuration
  /// only wants the report.
  void bad_pool_caller(trace::Rule rule, std::string_view detail, std::array<std::uint64_t, 4> parameters);
  /// Records machine().bugcheck, if it is raised: for one that a fault ended in.
  void record_bugcheck(std::uint16_t image, trace::Callback callback);
  /// Recorded as a fault of kind hang. REQUIRES: as bugcheck().
  [[noreturn]] void deadlock(std::string_view what);
  /// The same where the host itself waits for what `image` owes it: left() from here on.
  void stop_waiting(std::uint16_t image, trace::Callback callback, std::string_view what);
  /// A number from a driver as it may stand in a record: addresses that differ from run to run become a marker,
  /// everything else stays.
  std::uint64_t repeatable(std::uint64_t value) const;
  /// Whether a number that a driver passed is an address: of something this machine knows, or where a Linux process
  /// has its own memory.
  bool is_address(std::uint64_t value) const;
  static constexpr std::uint64_t image_marker = 0x1A6E000000000000;
  static constexpr std::uint64_t stack_marker = 0x57AC000000000000;
  static constexpr std::uint64_t host_marker = 0x4057000000000000;

  // ---- addresses in words ----
  /// Names an address the same in every run: "pool#3+0x10", "system pool#3" for what no driver allocated,
  /// "contiguous#1", "pages#1", "freed pool#3+0x8", "pool#3+0x20 (behind its end)", "ram pfn 0x12+0x10",
  /// "window+0x200", "arena+0x5000", "image dump_xor+0x123", "stack+0x40", "null+0x18", "host" for memory that nothing
  /// is known of, "unmapped" where nothing is. Returns the length written (cut to fit). No allocation; does not read at
  /// the address.
  std::size_t words(const void* address, std::span<char> into, Words detail = Words::full) const;
  std::string words(const void* address, Words detail = Words::full) const;

  // ---- the dump volume ----
  /// Creates the disk's devices and its volumes', with their names, and answers for them from `facts`; the dump
  /// volume's is what FILTER_EXTENSION.DeviceObject points at. Reads and writes reach `medium`, which outlives the
  /// kernel; without one the disk is not ready. Once.
  void create_volume(const VolumeFacts& facts, Medium* medium = nullptr);
  /// The DEVICE_OBJECT, as an address; nullptr before create_volume().
  void* volume_device() const;
  /// Fills what a filter is told of the volume: DeviceObject, geometry, disk size, partition.
  void describe_volume(::_FILTER_EXTENSION& extension) const;
  /// IRP_MN_DEVICE_USAGE_NOTIFICATION down the volume's device stack, from its top; `type` is a
  /// DEVICE_USAGE_NOTIFICATION_TYPE. Its status; STATUS_PENDING when nobody completes it. Meaningless once left().
  std::int32_t notify_usage(std::uint32_t type, bool in_path);
  /// The same for IRP_MJ_POWER.
  std::int32_t send_power(PowerRequest request);
  /// Whose call of IofCompleteRequest ended the IRP that ended last; no_image: the host's.
  std::uint16_t last_completed_by() const;
  /// Enters a device (a DEVICE_OBJECT) in the object directory, for IoGetDeviceObjectPointer.
  void name_device(std::string_view name, void* device_object);
  /// A symbolic link to it, or to any other name.
  void link_device(std::string_view link, std::string_view target);

  // ---- used by the generated entry points ----
  /// Scratch for the text of the call being made, one per nesting depth; empty when nested too deep to be recorded.
  std::span<char> call_text() {
    Context& now = *context_;
    return now.depth < Context::text_depth ? std::span<char>(now.call_text[now.depth]) : std::span<char>();
  }
  void begin_call() { ++context_->depth; }
  void end_call() { --context_->depth; }
  /// The routine that was called and has not returned: where a fault within the kernel belongs. Empty between calls and
  /// where they are not recorded.
  std::string_view running_call() const;

  /// Handles of this kernel: registry keys, objects and files.
  std::uint64_t open_handle(Registry::Key* key);
  Registry::Key* key_of(std::uint64_t handle) const;
  /// A handle to an object that drivers see (a thread). Its reference is the caller's to take and, when the handle is
  /// closed, to give back.
  std::uint64_t open_object_handle(void* object);
  void* object_of(std::uint64_t handle) const;
  std::uint64_t open_file_handle(std::unique_ptr<OpenFile> file);
  OpenFile* file_of(std::uint64_t handle) const;
  bool is_open(const FileTree::Node& node) const;
  /// Whether a handle of it is left.
  bool is_open(const void* object) const;
  bool close_handle(std::uint64_t handle);
  std::size_t open_handles(std::uint16_t image) const;

  static constexpr std::size_t max_exports = 1024;

 private:
  /// A call that begins in `frame`, whatever runs now.
  CallIntoDriver call_from(const void* frame, bool told) const {
    const Context& now = *context_;
    return {.outer = now.exceptions.calls,
            .at = reinterpret_cast<std::uint64_t>(frame),
            .irql = machine_.processor.irql,
            .told = told,
            .image = now.image,
            .callback = now.callback,
            .entry_irql = now.entry_irql,
            .depth = now.depth,
            .entry = now.entry};
  }
  void go_on_after(const CallIntoDriver& call);
  /// The one place where a driver's code is entered, but for the handlers of exceptions, which look for `as`.
  machine::CallResult enter_driver(machine::Convention convention, const void* code,
                                   const machine::Arguments& arguments, CallIntoDriver& as);
  /// Whose a routine is.
  struct Owner {
    std::uint16_t image;
    machine::Convention convention;
  };
  Owner owner_of(const Routine& routine) const;
  /// `image` runs from now on (no_image: no driver), for the first time or because an inner routine has returned to it.
  void tell_running(std::uint16_t image, trace::Callback callback, bool entered = false) {
    std::uint64_t ordinal = 0;
    std::uint32_t running = 0;
    if (image != trace::no_image) {
      ordinal = where_->ordinal.load(std::memory_order_relaxed) + (entered ? 1 : 0);
      where_->ordinal.store(ordinal, std::memory_order_release);
      running = std::uint32_t{image} << 8 | static_cast<std::uint32_t>(callback);
    }
    where_->running.store(running, std::memory_order_relaxed);
    if (trap_ != nullptr) trap_->publish(ordinal);
  }
  void above_maximum(std::size_t export_index, std::uint8_t maximum);
  void pool_in_crash(std::size_t export_index);
  void lowered(std::uint8_t irql);
  void misuse(trace::Rule rule, std::size_t export_index, std::uint8_t maximum, trace::Severity at_most);
  void irql_too_high(std::size_t export_index, std::uint8_t maximum, trace::Severity at_most);
  static PoolOptions pool_options(Kernel& kernel, const Config& config);
  static void pool_damaged(void* kernel, const PoolDamage& damage);
  static void pool_over_limit(void* kernel, std::uint16_t image, std::uint64_t bytes);
  static void pool_unguarded(void* kernel, std::size_t blocks);
  void tell_irql(const IrqlViolation& violation, trace::Severity at_most, bool first);
  void not_given_back(std::uint16_t image, trace::Callback callback, std::uint8_t irql, machine::CallResult call);

  machine::Machine& machine_;
  trace::Recorder& recorder_;
  machine::Gate& gate_;
  Config config_;
  Scheduler scheduler_;
  Context* context_ = nullptr;
  FailureHook failure_hook_ = nullptr;
  void* failure_context_ = nullptr;
  Whereabouts nowhere_;
  Whereabouts* where_ = &nowhere_;
  machine::FaultTrap* trap_ = nullptr;
  std::optional<std::uint64_t> left_;
  std::array<std::uint64_t, max_exports> calls_{};
  std::vector<IrqlViolation> irql_violations_;
  std::vector<ImageRange> images_;
  std::vector<ImageRange> unloaded_;
  struct Handle {
    bool open() const { return key != nullptr || object != nullptr || file != nullptr; }
    Registry::Key* key = nullptr;
    void* object = nullptr;
    std::unique_ptr<OpenFile> file = {};
    std::uint16_t image = trace::no_image;
  };
  std::uint64_t new_handle(Handle made);
  const Handle* handle_at(std::uint64_t handle) const;
  std::vector<Handle> handles_;
  Pool pool_;
  GivenTransfer transfer_;
  std::vector<std::uint16_t> over_limit_;  // images that have been told so
  Registry registry_;
  FileTree files_;
  std::vector<FirmwareVariable> firmware_;
  CallbackObjects callbacks_;
  std::uint32_t uuids_ = 0;
  bool aux_klib_ready_ = false;
  std::vector<std::uint64_t> event_providers_;
  std::uint64_t last_event_provider_ = 0;
  std::uint32_t volume_number_ = 1;
  std::unique_ptr<IoState> io_;
  BugcheckCallbacks bugcheck_callbacks_;
};

namespace detail {
extern Kernel* current_kernel;
}
/// The kernel that drivers' calls reach. REQUIRES: there is one.
inline Kernel& current() {
  return *detail::current_kernel;
}
inline bool has_current() {
  return detail::current_kernel != nullptr;
}

}  // namespace dumpsim::kernel
