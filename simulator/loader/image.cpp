// SPDX-License-Identifier: Apache-2.0
#include "loader/image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dumpsim::loader {
Error about_image(const std::filesystem::path& path, std::string_view what) {
  return Error{fmt::format("image {}: {}", path.string(), what)};
}

std::string Image::describe(const void* address) const {
  return fmt::format("{}+{:#x}", name_, static_cast<std::size_t>(static_cast<const std::byte*>(address) - base_));
}

std::string Image::function_at(const void* address) const {
  if (!contains(address)) return {};
  const auto wanted = static_cast<std::uint64_t>(static_cast<const std::byte*>(address) - base_);
  const auto after = std::upper_bound(functions_.begin(), functions_.end(), wanted,
                                      [](std::uint64_t value, const Function& row) { return value < row.address; });
  if (after == functions_.begin()) return {};
  const Function& function = *std::prev(after);
  return wanted == function.address ? function.name : fmt::format("{}+{:#x}", function.name, wanted - function.address);
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> Image::c_library() const {
  static constexpr std::array<std::string_view, 17> names{"memcpy", "memmove", "memset", "memcmp",  "bcmp",   "memchr",
                                                          "strlen", "strnlen", "strcmp", "strncmp", "strcpy", "strncpy",
                                                          "strcat", "strncat", "strchr", "strrchr", "strstr"};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
  for (std::size_t i = 0; i < functions_.size(); ++i) {
    if (std::find(names.begin(), names.end(), functions_[i].name) == names.end()) continue;
    const std::uint64_t end = i + 1 < functions_.size() ? functions_[i + 1].address : bytes_;
    found.emplace_back(static_cast<std::uint32_t>(functions_[i].address), static_cast<std::uint32_t>(end));
  }
  return found;
}

std::string_view Image::missing_import_at(const void*) const {
  return {};
}

std::string_view Image::discarded_section_at(const void*) const {
  return {};
}

}  // namespace dumpsim::loader
