// SPDX-License-Identifier: Apache-2.0
#include "base/shared_pages.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/seal.hpp"

namespace dumpsim {
namespace {

/// More than two of a use are only alive at once where somebody keeps reports; no need to hoard for that.
constexpr std::ptrdiff_t kept_of_a_use = 2;

/// Zeros wherever the file has a page. False when that cannot be found out.
bool clear(const File& file, const Mapping& mapping) {
  for (off_t at = 0;;) {
    const off_t data = lseek(file.fd(), at, SEEK_DATA);
    if (data < 0) return errno == ENXIO;
    const off_t hole = lseek(file.fd(), data, SEEK_HOLE);
    if (hole < 0) return false;
    // The last page may reach past the end of a file that is no multiple of one.
    const std::size_t end = std::min(static_cast<std::size_t>(hole), mapping.size());
    std::memset(mapping.begin() + data, 0, end - static_cast<std::size_t>(data));
    at = hole;
  }
}

}  // namespace

SharedPages& SharedPages::operator=(SharedPages&& other) noexcept {
  if (this != &other) {
    give_back();
    pages_ = std::move(other.pages_);
    size_ = std::exchange(other.size_, 0);
    home_ = std::move(other.home_);
  }
  return *this;
}

std::span<std::byte> SharedPages::bytes() const {
  return pages_ ? pages_->mapping.bytes().first(size_) : std::span<std::byte>();
}

void SharedPages::give_back() {
  const auto home = home_.lock();
  if (!pages_ || !home) return;
  struct stat status {};
  if (fstat(pages_->file.fd(), &status) != 0 ||
      static_cast<std::uint64_t>(status.st_blocks) * 512 > PageShelf::kept_bytes)
    return;
  if (std::count_if(home->begin(), home->end(), [&](const auto& kept) { return kept->use == pages_->use; }) <
      kept_of_a_use) {
    home->push_front(std::move(pages_));
  }
}

Result<SharedPages> PageShelf::take(std::string_view use, std::uint64_t bytes) const {
  SharedPages taken;
  taken.size_ = bytes;
  taken.home_ = kept_;
  const auto found = std::find_if(kept_->begin(), kept_->end(),
                                  [&](const auto& kept) { return kept->use == use && kept->mapping.size() >= bytes; });
  if (found != kept_->end()) {
    taken.pages_ = std::move(*found);
    kept_->erase(found);
    if (clear(taken.pages_->file, taken.pages_->mapping)) return taken;
  } else {
    // One that is too small would be passed over every time.
    kept_->remove_if([&](const auto& kept) { return kept->use == use; });
  }
  auto file = File::in_memory(std::string(use));
  if (!file) return file.error();
  if (auto sized = file->resize(bytes); !sized) return sized.error();
  if (auto sealed = seal_length(*file); !sealed) return sealed.error();
  auto mapping = Mapping::of_file(file->fd(), 0, bytes, PROT_READ | PROT_WRITE, true);
  if (!mapping) return mapping.error();
  // Best effort: a kernel that does not know this shows the mapping to children.
  madvise(mapping->begin(), mapping->size(), MADV_DONTFORK);
  taken.pages_ = std::make_unique<SharedPages::Pages>(
      SharedPages::Pages{.use = use, .file = std::move(*file), .mapping = std::move(*mapping)});
  return taken;
}

}  // namespace dumpsim
