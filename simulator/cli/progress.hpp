// SPDX-License-Identifier: Apache-2.0
// A progress bar for long dumps, on standard error when that is a terminal. Drawn only once there is something to wait
// for.
#pragma once

#include <cstdint>
#include <string>

namespace dumpsim::cli {

class ProgressBar {
 public:
  explicit ProgressBar(std::string what) : what_(std::move(what)) {}
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  /// `done` and `all` in bytes; untrusted numbers, `all` may be 0.
  void show(std::uint64_t done, std::uint64_t all);
  void clear();

 private:
  std::string what_;
  bool drawn_ = false;
};

}  // namespace dumpsim::cli
