// SPDX-License-Identifier: Apache-2.0
// One filter of one stack instance: its private image, and the two structures the host owns for it from before
// DriverEntry until after DumpUnload, laid out as the real host lays them out: the extension directly behind the
// initialisation data [seen: DmpFlt], so that a filter built for a newer kit that clears its own sizeof destroys its
// own extension.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "loader/image.hpp"
#include "machine/machine.hpp"
#include "stack/environment.hpp"
#include "trace/changed_bytes.hpp"
#include "wdk/ntdddump.h"

namespace dumpsim::stack {

class FilterInstance {
 public:
  FilterInstance(std::unique_ptr<loader::Image> image, const FilterSpec& spec, std::uint16_t id, std::size_t init_size,
                 std::size_t extension_size, machine::PhysicalMemory& memory);
  ~FilterInstance();
  FilterInstance(const FilterInstance&) = delete;
  FilterInstance& operator=(const FilterInstance&) = delete;

  std::uint16_t id() const { return id_; }
  const loader::Image& image() const { return *image_; }
  machine::Convention convention() const { return convention_; }
  /// DriverEntry has returned.
  void discard_initialization() { image_->discard_initialization(); }
  bool redirects() const { return redirects_; }
  /// Whether any of these bytes is in what it declares to protect: all is, where it does not say which parts.
  bool protects(PartitionOffset at, std::uint64_t bytes) const;

  /// Only the first init_size() bytes are the host's structure; fields beyond read as absent.
  FILTER_INITIALIZATION_DATA* init() const { return init_; }
  FILTER_EXTENSION* extension() const { return extension_; }
  std::size_t init_size() const { return init_size_; }
  std::size_t extension_size() const { return extension_size_; }

  /// The function to call, read from the structure now: a filter that changes it later is honoured. nullptr when
  /// absent.
  const void* callback(trace::Callback callback) const {
    switch (callback) {
      case trace::Callback::driver_entry:
        return image_->entry();
      case trace::Callback::start:
        return field(offsetof(FILTER_INITIALIZATION_DATA, DumpStart));
      case trace::Callback::write:
        return field(offsetof(FILTER_INITIALIZATION_DATA, DumpWrite));
      case trace::Callback::read:
        return field(offsetof(FILTER_INITIALIZATION_DATA, DumpRead));
      case trace::Callback::finish:
        return field(offsetof(FILTER_INITIALIZATION_DATA, DumpFinish));
      case trace::Callback::unload:
        return field(offsetof(FILTER_INITIALIZATION_DATA, DumpUnload));
      default:  // no callback of a filter
        break;
    }
    return nullptr;
  }
  bool reads() const { return reads_; }
  void set_reads(bool reads) { reads_ = reads; }
  bool disabled() const { return disabled_; }
  void disable() { disabled_ = true; }
  bool absence_reported(trace::Callback callback);

  /// Remembers the extension and the guard behind it, as they are handed to DriverEntry.
  void arm_guard();
  /// Bytes beyond the host's initialisation data that DriverEntry changed: those at the front of the extension in one
  /// run, and those in the guard behind it. DumpData, which filters may set, does not count.
  std::size_t written_past_init() const;
  std::size_t written_past_extension() const;
  /// The first of either.
  trace::ChangedBytes change_past_init() const;

  /// DriverEntry has succeeded: what the initialisation data says now is to stay, but for DumpData [seen: upstream
  /// VeraCrypt writes it later].
  void entry_done();
  static constexpr std::size_t unchanged = ~std::size_t{0};
  /// Whether any byte of it is different: what is asked after every callback.
  bool differs_since_entry() const { return compares_init_ && std::memcmp(&init_after_entry_, init_, compared_) != 0; }
  /// The first byte of it that is different, once; or unchanged. `bytes` become what was and is there.
  std::size_t changed_since_entry(trace::ChangedBytes& bytes);

  /// Takes note of one more write. True when this one was left alone though every one before it was worked on.
  bool works_on_writes(bool worked) {
    const bool always = writes_ != 0 && worked_ == writes_;
    ++writes_;
    worked_ += worked ? 1 : 0;
    return always && !worked;
  }

 private:
  const void* field(std::size_t offset) const {
    if (offset + sizeof(void*) > init_size_) return nullptr;
    const void* pointer = nullptr;
    std::memcpy(&pointer, reinterpret_cast<const std::byte*>(init_) + offset, sizeof pointer);
    return pointer;
  }

  static constexpr std::size_t guard_bytes = 128;
  std::unique_ptr<loader::Image> image_;
  std::uint16_t id_;
  machine::Convention convention_;
  bool redirects_;
  std::vector<std::pair<PartitionOffset, std::uint64_t>> protects_;
  bool disabled_ = false;
  bool reads_ = false;
  std::uint32_t absences_ = 0;
  std::uint64_t writes_ = 0, worked_ = 0;
  bool compares_init_ = false;
  FILTER_INITIALIZATION_DATA init_after_entry_{};
  std::size_t compared_ = 0;  // bytes of it
  std::size_t init_size_;
  std::size_t extension_size_;
  machine::PhysicalMemory& memory_;
  std::byte* page_ = nullptr;
  FILTER_INITIALIZATION_DATA* init_ = nullptr;
  FILTER_EXTENSION* extension_ = nullptr;
  std::array<std::byte, sizeof(FILTER_EXTENSION) + guard_bytes> armed_{};
};

}  // namespace dumpsim::stack
