// SPDX-License-Identifier: Apache-2.0
// A small machine with a kernel, and the calls a driver would make: each test runs once through the System V entries
// and once through the Microsoft ones, since every export has both. Code that may be left by a bug check runs in
// in_driver().
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/exports.hpp"
#include "kernel/kernel.hpp"
#include "kernel/text.hpp"
#include "trace/reader.hpp"
//
#include "kernel/variadic.hpp"

namespace dumpsim::kernel::test {

using machine::Convention;

template <class Signature>
struct Caller;

/// Calls through a table entry in the chosen convention. Each convention has a function of its own: GCC 12 takes two
/// calls of one pointer that differ in nothing but the convention for the same and merges them.
template <class Return, class... Arguments>
struct Caller<Return(Arguments...)> {
  const void* entry;
  Convention convention;
  Return operator()(Arguments... arguments) const {
    return convention == Convention::system_v ? system_v(entry, arguments...) : microsoft(entry, arguments...);
  }

 private:
  [[gnu::noinline]] static Return system_v(const void* entry, Arguments... arguments) {
    return reinterpret_cast<Return (*)(Arguments...)>(const_cast<void*>(entry))(arguments...);
  }
  [[gnu::noinline]] static Return microsoft(const void* entry, Arguments... arguments) {
    using Microsoft = Return(__attribute__((ms_abi))*)(Arguments...);
    return reinterpret_cast<Microsoft>(const_cast<void*>(entry))(arguments...);
  }
};

template <class Return, class... Fixed>
struct Caller<Return(Fixed..., ...)> {
  const void* entry;
  Convention convention;
  template <class... More>
  Return operator()(Fixed... fixed, More... more) const {
    return convention == Convention::system_v ? system_v(entry, fixed..., more...)
                                              : microsoft(entry, fixed..., more...);
  }

 private:
  template <class... More>
  [[gnu::noinline]] static Return system_v(const void* entry, Fixed... fixed, More... more) {
    return reinterpret_cast<Return (*)(Fixed..., ...)>(const_cast<void*>(entry))(fixed..., more...);
  }
  template <class... More>
  [[gnu::noinline]] static Return microsoft(const void* entry, Fixed... fixed, More... more) {
    using Microsoft = Return(__attribute__((ms_abi))*)(Fixed..., ...);
    return reinterpret_cast<Microsoft>(const_cast<void*>(entry))(fixed..., more...);
  }
};

struct Noted {
  trace::Record record;
  std::string text;
};

class KernelTest : public ::testing::TestWithParam<Convention> {
 public:
  static constexpr std::uint16_t image = 3;

  KernelTest() { restart({}); }

  void restart(Config config, std::vector<dumpfile::PageRun> runs = {{0, 16}}) {
    kernel_.reset();
    machine_.reset();
    auto memory = machine::PhysicalMemory::create(runs, std::shared_ptr(dumpfile::zero_source()), {});
    auto stack = machine::GuestStack::create(24 * 1024);
    auto block = Mapping::shared(std::size_t{4} << 20);
    if (!memory || !stack || !block) {
      ADD_FAILURE() << "no machine";
      std::abort();
    }
    machine_ = std::make_unique<machine::Machine>(machine::Machine{std::move(*memory)});
    stack_ = std::move(*stack);
    block_ = std::move(*block);
    gate_ = std::make_unique<machine::Gate>(stack_);
    recorder_ =
        std::make_unique<trace::Recorder>(block_.bytes(), &machine_->clock.now, trace::RecorderOptions{.fold = false});
    kernel_ = std::make_unique<Kernel>(*machine_, *recorder_, *gate_, config);
    kernel_->set_current(image, trace::Callback::driver_entry);
  }

  template <class Signature>
  Caller<Signature> call(const char* name) const {
    const Export* row = find_export(name);
    EXPECT_NE(row, nullptr) << name;
    return {row->entry(GetParam()), GetParam()};
  }

  /// Runs `code` on the guest stack, where a bug check can leave it.
  machine::CallResult in_driver(std::function<void()> code) {
    const std::uint64_t arguments[] = {reinterpret_cast<std::uintptr_t>(&code)};
    const auto result = gate_->call(Convention::system_v, reinterpret_cast<const void*>(&run), arguments);
    kernel_->set_current(image, trace::Callback::driver_entry);
    return result;
  }

  /// Expects that `code` ends in bug check `bugcheck`; its parameters.
  std::array<std::uint64_t, 4> bugcheck_of(std::uint32_t bugcheck, std::function<void()> code) {
    machine_->bugcheck = {};
    const machine::CallResult result = in_driver(std::move(code));
    EXPECT_FALSE(result.returned);
    EXPECT_EQ(result.value, static_cast<std::uint64_t>(Left::bugcheck));
    EXPECT_TRUE(machine_->bugcheck.raised);
    EXPECT_EQ(machine_->bugcheck.code, bugcheck);
    EXPECT_FALSE(gate_->active());
    return machine_->bugcheck.parameters;
  }

  std::vector<Noted> noted(trace::Kind kind) const {
    std::vector<Noted> all;
    recorder_->settle();
    auto view = trace::TraceView::open(block_.bytes());
    EXPECT_TRUE(view) << (view ? "" : view.error().message);
    for (const trace::Event& event : *view) {
      if (event.record.kind == kind) all.push_back({event.record, std::string(event.text())});
    }
    return all;
  }
  std::vector<std::string> texts(trace::Kind kind) const {
    std::vector<std::string> all;
    for (Noted& one : noted(kind)) all.push_back(std::move(one.text));
    return all;
  }
  std::size_t violations(trace::Rule rule) const {
    std::size_t count = 0;
    for (const Noted& one : noted(trace::Kind::violation)) {
      count += one.record.arg == static_cast<std::uint64_t>(rule) ? 1 : 0;
    }
    return count;
  }

  Kernel& kernel() { return *kernel_; }
  machine::Machine& machine() { return *machine_; }
  void set_irql(std::uint8_t irql) { machine_->processor.irql = irql; }

 private:
  static void run(std::function<void()>* code) { (*code)(); }

  machine::GuestStack stack_;
  Mapping block_;
  std::unique_ptr<machine::Machine> machine_;
  std::unique_ptr<machine::Gate> gate_;
  std::unique_ptr<trace::Recorder> recorder_;
  std::unique_ptr<Kernel> kernel_;
};

/// The function `name` as a driver calls it: K(ExFreePool)(block).
#define K(name) call<decltype(::dumpsim::kernel::name)>(#name)

inline std::string convention_name(const ::testing::TestParamInfo<Convention>& info) {
  return info.param == Convention::system_v ? "SystemV" : "Microsoft";
}
#define DUMPSIM_BOTH_CONVENTIONS(suite)                                                                        \
  INSTANTIATE_TEST_SUITE_P(Conventions, suite, ::testing::Values(Convention::system_v, Convention::microsoft), \
                           convention_name)

/// A UNICODE_STRING over text that lives as long as this.
class Counted {
 public:
  explicit Counted(std::u16string text) : text_(std::move(text)) {
    string_.Buffer = text_.data();
    string_.Length = static_cast<USHORT>(text_.size() * sizeof(WCHAR));
    string_.MaximumLength = string_.Length;
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  PUNICODE_STRING operator&() { return &string_; }

 private:
  std::u16string text_;
  UNICODE_STRING string_{};
};

inline std::u16string_view view(const UNICODE_STRING& string) {
  return {string.Buffer, string.Length / sizeof(WCHAR)};
}

}  // namespace dumpsim::kernel::test
