// SPDX-License-Identifier: Apache-2.0
// A user's mistake, or the environment's, travels up to the CLI as a value: Result<T>, shaped like C++23's
// std::expected (which GCC 12 has in C++23 mode only). Exceptions never cross rooms or the C border; a bug of ours is
// an assert.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace dumpsim {

/// What went wrong, for a person: lower case, no full stop; what, where, what was expected, a hint.
/// Several mistakes of one input are separate lines.
struct Error {
  std::string message;
  bool host = false;  ///< not a mistake but the system's failure: no memory, no process (exit code 3)
};

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// REQUIRES: has_value().
  T& value() & { return assert(has_value()), *std::get_if<0>(&state_); }
  const T& value() const& { return assert(has_value()), *std::get_if<0>(&state_); }
  T&& value() && { return assert(has_value()), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// REQUIRES: !has_value().
  const Error& error() const& { return assert(!has_value()), *std::get_if<1>(&state_); }
  Error&& error() && { return assert(!has_value()), std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  void value() const { assert(has_value()); }
  const Error& error() const& { return assert(!has_value()), *error_; }
  Error&& error() && { return assert(!has_value()), std::move(*error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace dumpsim
