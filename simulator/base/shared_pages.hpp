// SPDX-License-Identifier: Apache-2.0
// Memory that a parent shares with its children and uses again. A fresh page costs several times what writing it costs
// (1.7 us against 0.1), so a process that runs one child after the other keeps its pages and clears those that were
// written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/file.hpp"
#include "base/mapping.hpp"
#include "base/result.hpp"

namespace dumpsim {

class PageShelf;

/// A memory file, mapped whole by the process that made it. A child has the file and not the mapping, so that no stray
/// write reaches what was another's. Its length is fixed, whatever a child tries, so looking at the mapping is safe.
/// Zeros when taken. Goes back to its shelf when destroyed, if that is still there.
class SharedPages {
 public:
  SharedPages() = default;  ///< none: no bytes
  ~SharedPages() { give_back(); }
  SharedPages(SharedPages&& other) noexcept { *this = std::move(other); }
  SharedPages& operator=(SharedPages&& other) noexcept;

  std::byte* begin() const { return bytes().data(); }
  std::size_t size() const { return size_; }
  std::span<std::byte> bytes() const;
  /// The same bytes for children, and for reads and writes that must not touch a page: position 0 is bytes()[0].
  const File& file() const { return pages_->file; }

 private:
  friend class PageShelf;
  struct Pages {
    std::string_view use;
    File file;
    Mapping mapping;  // all of the file; a use may ask for less
  };
  void give_back();

  std::unique_ptr<Pages> pages_;
  std::size_t size_ = 0;
  std::weak_ptr<std::list<std::unique_ptr<Pages>>> home_;
};

/// What is kept between two uses. Copies share it. A shelf that nobody holds any more keeps nothing, so that a single
/// use costs no memory afterwards.
class PageShelf {
 public:
  PageShelf() : kept_(std::make_shared<Kept>()) {}

  /// `bytes` of zeros; `use` is a literal, shown by debuggers, under which the same pages are found again. Cleared is
  /// whatever has pages: nobody is asked where he wrote. Fails when the host has no room.
  Result<SharedPages> take(std::string_view use, std::uint64_t bytes) const;

  /// How many files wait to be taken again.
  std::size_t kept() const { return kept_->size(); }

  /// Keeps nothing of what was taken so far, nor will it come back here: a process that may still write there could
  /// disturb whoever has it next.
  void start_over() { kept_ = std::make_shared<Kept>(); }

  /// What has more pages than this is let go: they are the host's memory.
  static constexpr std::uint64_t kept_bytes = std::uint64_t{128} << 20;

 private:
  friend class SharedPages;
  using Kept = std::list<std::unique_ptr<SharedPages::Pages>>;
  std::shared_ptr<Kept> kept_;
};

}  // namespace dumpsim
