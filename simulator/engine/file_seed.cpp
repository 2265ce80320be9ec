// SPDX-License-Identifier: Apache-2.0
#include "engine/file_seed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>

#include "base/file.hpp"
#include "base/text.hpp"
#include "base/utf16.hpp"
#include "machine/machine.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::engine {
namespace {

using Node = kernel::FileTree::Node;
using What = scenario::FileSpec::What;

/// Of a block: how many bytes of entries follow. 0 also while nothing has been handed over.
struct Head {
  std::uint64_t magic = 0;
  std::uint64_t bytes = 0;
};
constexpr std::uint64_t head_magic = 0x53454C4946505544;

/// Of each file, before its path (UTF-8) and its content.
struct EntryHead {
  std::uint64_t path_bytes = 0;
  std::uint64_t content_bytes = 0;
};

std::string words_of(std::span<const std::byte> content) {
  constexpr std::size_t most = 60;
  const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  });
  if (plain) {
    const std::string_view shown = trace::utf8_prefix(text, most);
    return fmt::format("\"{}{}\"", trace::printable(shown), shown.size() < text.size() ? "…" : "");
  }
  return fmt::format("\"hex:{}{}\"", hex(content.first(std::min(most / 2, content.size()))),
                     content.size() > most / 2 ? "…" : "");
}

template <class Visit>
void for_each_file(const Node& folder, Visit&& visit) {
  for (const auto& child : folder.children) {
    if (child->folder) {
      for_each_file(*child, visit);
    } else {
      visit(*child);
    }
  }
}

bool contains(std::span<const std::byte> content, std::span<const std::byte> part) {
  return std::search(content.begin(), content.end(), part.begin(), part.end()) != content.end();
}

std::string unmet(const Node* node, const scenario::FileSpec& spec) {
  const auto is = [&] {
    return node == nullptr ? std::string("it is not there")
           : node->folder
               ? std::string("it is a folder")
               : fmt::format("it has {} bytes, {}", with_thousands(node->bytes.size()), words_of(node->bytes));
  };
  switch (spec.what) {
    case What::absent:
      return node == nullptr ? std::string() : fmt::format("expected no file, {}", is());
    case What::folder:
      return node != nullptr && node->folder ? std::string() : fmt::format("expected a folder, {}", is());
    case What::contains:
      return node != nullptr && !node->folder && contains(node->bytes, spec.content)
                 ? std::string()
                 : fmt::format("expected {} in it, {}", words_of(spec.content), is());
    case What::content:
    case What::host_file:
      break;
  }
  if (node != nullptr && !node->folder && std::ranges::equal(node->bytes, spec.content)) return {};
  return fmt::format("expected {} bytes, {}; {}", with_thousands(spec.content.size()), words_of(spec.content), is());
}

/// The folders below `folder` that a path goes through, made as they are missing.
Result<std::filesystem::path> make_way(const std::filesystem::path& folder, std::u16string_view path) {
  std::filesystem::path at = folder;
  std::error_code failure;
  while (path.starts_with(u'\\')) {
    path.remove_prefix(1);
    const std::u16string_view name = path.substr(0, path.find(u'\\'));
    path.remove_prefix(name.size());
    if (!is_file_name(name)) return Error{"a file handed over has no path that could be kept"};
    at /= to_utf8(name);
    if (path.empty()) return at;
    const std::filesystem::file_status status = std::filesystem::symlink_status(at, failure);
    if (std::filesystem::exists(status) && !std::filesystem::is_directory(status)) {
      return Error{fmt::format("{} is no folder; nothing is kept below it", at.string())};
    }
    std::filesystem::create_directory(at, failure);
    if (failure) return Error{fmt::format("cannot make the folder {}: {}", at.string(), failure.message())};
  }
  return Error{"a file handed over has no path that could be kept"};
}

}  // namespace

Result<std::vector<scenario::FileSpec>> with_host_files(const scenario::Scenario& scenario,
                                                        std::span<const scenario::FileSpec> files) {
  std::vector<scenario::FileSpec> all(files.begin(), files.end());
  kernel::FileTree tree;
  for (scenario::FileSpec& spec : all) {
    const auto mistake = [&](std::string_view what) {
      return Error{scenario.file.empty()
                       ? std::string(what)
                       : fmt::format("{}:{}:{}: {}", scenario.file.string(), spec.line, spec.column, what)};
    };
    if (spec.what == What::host_file) {
      Result<std::string> text = dumpsim::read_text(spec.host, kernel::FileTree::capacity);
      if (!text) return mistake(text.error().message);
      const auto bytes = std::as_bytes(std::span(*text));
      spec.content.assign(bytes.begin(), bytes.end());
    }
    const std::u16string path = to_utf16(spec.path);
    const bool put = spec.what == What::absent || spec.what == What::contains ||
                     (spec.what == What::folder ? tree.put_folder(path, 0) : tree.put(path, spec.content, 0));
    if (!put) {
      return mistake(
          fmt::format("C:{} does not fit beside the other files: a file stands where a folder should, or all "
                      "together are more than {}",
                      spec.path, format_size(kernel::FileTree::capacity)));
    }
  }
  return all;
}

void seed_files(kernel::FileTree& tree, std::span<const scenario::FileSpec> files) {
  for (const scenario::FileSpec& spec : files) {
    const std::u16string path = to_utf16(spec.path);
    if (spec.what == What::folder) {
      tree.put_folder(path, machine::boot_filetime);
    } else {
      tree.put(path, spec.content, machine::boot_filetime);
    }
  }
}

std::string unmet_in_files(const kernel::FileTree& tree, std::span<const scenario::FileSpec> expected) {
  std::string lines;
  for (const scenario::FileSpec& spec : expected) {
    const std::string wrong = unmet(tree.find(to_utf16(spec.path)), spec);
    if (!wrong.empty()) lines += fmt::format("files: C:{}: {}\n", spec.path, wrong);
  }
  return lines;
}

bool hand_over(const kernel::FileTree& tree, std::span<std::byte> block) {
  std::size_t at = sizeof(Head);
  bool fits = true;
  for_each_file(tree.root(), [&](const Node& node) {
    const std::string path = to_utf8(node.path());
    const EntryHead head{path.size(), node.bytes.size()};
    if (!fits || block.size() - at < sizeof head + path.size() + node.bytes.size()) {
      fits = false;
      return;
    }
    const auto put = [&](const void* bytes, std::size_t count) {
      if (count != 0) std::memcpy(block.data() + at, bytes, count);
      at += count;
    };
    put(&head, sizeof head);
    put(path.data(), path.size());
    put(node.bytes.data(), node.bytes.size());
  });
  const Head head{head_magic, at - sizeof(Head)};
  std::memcpy(block.data(), &head, sizeof head);
  return fits;
}

Result<void> keep_files(std::span<const std::byte> block, const std::filesystem::path& folder, bool replace) {
  Head head;
  if (block.size() < sizeof head) return {};
  std::memcpy(&head, block.data(), sizeof head);
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return Error{fmt::format("cannot make the folder {}: {}", folder.string(), failure.message())};
  if (head.magic != head_magic) return {};  // the child died before it got there: there is nothing to keep
  std::span<const std::byte> rest = block.subspan(sizeof head);
  rest = rest.first(std::min<std::size_t>(head.bytes, rest.size()));
  const auto cut = [&](std::uint64_t count) {
    const std::span<const std::byte> piece = rest.first(count);
    rest = rest.subspan(count);
    return piece;
  };
  while (rest.size() >= sizeof(EntryHead)) {
    EntryHead entry;
    std::memcpy(&entry, cut(sizeof entry).data(), sizeof entry);
    if (entry.path_bytes > rest.size() || entry.content_bytes > rest.size() - entry.path_bytes) break;
    const std::span<const std::byte> path = cut(entry.path_bytes);
    const std::span<const std::byte> content = cut(entry.content_bytes);
    auto target = make_way(folder, to_utf16(std::string_view(reinterpret_cast<const char*>(path.data()), path.size())));
    if (!target) return target.error();
    auto made = NewFile::create(*target, replace);
    if (!made) return made.error();
    if (auto written = made->file().write_at(0, content); !written) return written;
    if (auto done = made->commit(); !done) return done;
  }
  return {};
}

}  // namespace dumpsim::engine
