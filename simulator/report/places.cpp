// SPDX-License-Identifier: Apache-2.0
#include "report/places.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dumpsim::report {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string seen_from(const Places& places, const std::filesystem::path& absolute) {
  const std::filesystem::path normal = absolute.lexically_normal();
  for (const std::filesystem::path* root : {&places.root, &places.also_root}) {
    const std::filesystem::path relative = normal.lexically_relative(root->lexically_normal());
    if (!relative.empty() && *relative.begin() != "..") return relative.generic_string();
  }
  return normal.generic_string();
}

}  // namespace

std::string Places::of_argument(const std::filesystem::path& path) const {
  return seen_from(*this, path.is_absolute() ? path : here / path);
}

std::string Places::of_source(const std::string& path) const {
  if (path.empty()) return path;
  const std::filesystem::path source(path);
  return source.is_absolute() ? seen_from(*this, source) : source.lexically_normal().generic_string();
}

std::string uri_of(std::string_view path) {
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    if (is_letter_or_digit(c) || std::string_view("-._~/!$&'()*+,;=@").find(c) != std::string_view::npos) {
      uri += c;
    } else {
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return uri;
}

std::string shell_word(std::string_view word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return is_letter_or_digit(c) || std::string_view("-._/+,:=@%").find(c) != std::string_view::npos;
  });
  if (plain) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace dumpsim::report
