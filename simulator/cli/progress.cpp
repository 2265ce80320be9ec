// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/text.hpp"

namespace dumpsim::cli {
namespace {

constexpr std::uint64_t cells = 30;

}  // namespace

void ProgressBar::show(std::uint64_t done, std::uint64_t all) {
  if (all == 0) return;
  done = std::min(done, all);
  const auto share = static_cast<double>(done) / static_cast<double>(all);
  const auto full = static_cast<std::uint64_t>(share * static_cast<double>(cells));
  std::string bar;
  for (std::uint64_t i = 0; i < cells; ++i) bar += i < full ? "━" : "╌";
  std::cerr << fmt::format("\r{}  {} {:3.0f} %  {} MiB of {} MiB\x1b[K", what_, bar, share * 100,
                           with_thousands(done >> 20), with_thousands(all >> 20))
            << std::flush;
  drawn_ = true;
}

void ProgressBar::clear() {
  if (drawn_) std::cerr << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace dumpsim::cli
