// SPDX-License-Identifier: Apache-2.0
#include "base/mapping.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace dumpsim {

Mapping::~Mapping() {
  if (begin_ != nullptr) munmap(begin_, size_);
}

Mapping::Mapping(Mapping&& other) noexcept
    : begin_(std::exchange(other.begin_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    if (begin_ != nullptr) munmap(begin_, size_);
    begin_ = std::exchange(other.begin_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Result<Mapping> Mapping::shared(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED)
    return Error{.message = fmt::format("cannot share {} bytes of memory: {}", bytes, std::strerror(errno)),
                 .host = true};
  return Mapping(static_cast<std::byte*>(at), bytes);
}

Result<Mapping> Mapping::at(std::uintptr_t address, std::size_t bytes, int protection) {
  void* at = mmap(reinterpret_cast<void*>(address), bytes, protection,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (at == MAP_FAILED) {
    return Error{.message = fmt::format("cannot map {} bytes at {:#x}: {}", bytes, address, std::strerror(errno)),
                 .host = true};
  }
  return Mapping(static_cast<std::byte*>(at), bytes);
}

Result<Mapping> Mapping::of_file(int fd, std::uint64_t offset, std::size_t bytes, int protection, bool shared,
                                 std::uintptr_t address) {
  const int place = address != 0 ? MAP_FIXED_NOREPLACE : 0;
  void* at = mmap(reinterpret_cast<void*>(address), bytes, protection,
                  (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_NORESERVE | place, fd, static_cast<off_t>(offset));
  if (at == MAP_FAILED)
    return Error{.message = fmt::format("cannot map {} bytes of a file: {}", bytes, std::strerror(errno)),
                 .host = true};
  return Mapping(static_cast<std::byte*>(at), bytes);
}

}  // namespace dumpsim
