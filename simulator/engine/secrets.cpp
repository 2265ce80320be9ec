// SPDX-License-Identifier: Apache-2.0
#include "engine/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/byte_search.hpp"
#include "base/guid.hpp"
#include "base/text.hpp"

namespace dumpsim::engine {
namespace {

constexpr std::size_t piece_bytes = std::size_t{1} << 20;

/// UTF-16LE of a text whose bytes are UTF-8; bytes that are none stay single.
std::vector<std::byte> widened(std::span<const std::byte> text) {
  std::vector<std::byte> wide;
  const auto put = [&](std::uint32_t unit) {
    wide.push_back(static_cast<std::byte>(unit & 0xff));
    wide.push_back(static_cast<std::byte>(unit >> 8));
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<std::uint32_t>(text[at]);
    const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (more == 0 || at + more >= text.size()) {
      put(lead);
      ++at;
      continue;
    }
    std::uint32_t point = lead & (0x3fu >> more);
    for (std::size_t i = 1; i <= more; ++i) point = point << 6 | (static_cast<std::uint32_t>(text[at + i]) & 0x3f);
    if (point >= 0x10000) {
      put(0xd800 + ((point - 0x10000) >> 10 & 0x3ff));
      put(0xdc00 + (point & 0x3ff));
    } else {
      put(point);
    }
    at += more + 1;
  }
  return wide;
}

std::vector<std::byte> bytes_of_text(std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

/// The hexadecimal digits of a line without what people put between them; other characters part what is beside them.
std::string digits_of(std::string_view line) {
  std::string digits;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '0' && i + 1 < line.size() && (line[i + 1] == 'x' || line[i + 1] == 'X')) {
      ++i;
    } else if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) {
      digits += c;
    } else if (c >= 'A' && c <= 'F') {
      digits += static_cast<char>(c - 'A' + 'a');
    } else if (c != ' ' && c != ':' && c != '-' && c != ',' && c != '\n' && c != '\r' && c != '\t') {
      digits += '.';
    }
  }
  return digits;
}

/// How often, and where first.
struct Tally {
  std::uint64_t count = 0;
  std::uint64_t first = UINT64_MAX;
  void add(std::uint64_t at) {
    ++count;
    first = std::min(first, at);
  }
};

class Hunt {
 public:
  explicit Hunt(const SecretSearch& search)
      : search_(search), binary_(forms(search.secrets, false)), spelled_(forms(search.secrets, true)) {}

  Result<std::vector<OracleFinding>> all() {
    if (auto done = on_disk(); !done) return done.error();
    if (auto done = in_dump(); !done) return done.error();
    if (auto done = in_secondary(); !done) return done.error();
    in_debug_output();
    return std::move(findings_);
  }

 private:
  /// What is looked for, and which secret each is.
  struct Forms {
    std::vector<std::size_t> secret;
    ByteSearch search{{}};
  };
  static Forms forms(std::span<const scenario::Secret> secrets, bool spelled) {
    Forms forms;
    std::vector<std::vector<std::byte>> strings;
    const auto add = [&](std::size_t secret, std::vector<std::byte> bytes) {
      forms.secret.push_back(secret);
      strings.push_back(std::move(bytes));
    };
    for (std::size_t i = 0; i < secrets.size(); ++i) {
      if (spelled) {
        add(i, bytes_of_text(hex(secrets[i].bytes)));
        continue;
      }
      add(i, secrets[i].bytes);
      if (secrets[i].is_text) add(i, widened(secrets[i].bytes));
    }
    forms.search = ByteSearch(std::move(strings));
    return forms;
  }

  std::string counted(std::size_t secret, std::uint64_t count) const {
    return fmt::format("secret {} of {}{}", secret + 1, search_.secrets.size(),
                       count == 1 ? "" : fmt::format(", {} times", with_thousands(count)));
  }

  void found(std::uint16_t image, trace::Callback callback, std::string detail) {
    findings_.push_back({trace::Rule::data_secret_found, image, callback, std::move(detail)});
  }

  Result<void> on_disk() {
    std::vector<Tally> tallies(search_.secrets.size());
    ByteSearchStream stream(binary_.search);
    auto seen = search_.disk.for_each_data_range([&](DiskOffset at, std::span<const std::byte> bytes) {
      stream.feed(at.bytes, bytes,
                  [&](std::uint64_t where, std::size_t string) { tallies[binary_.secret[string]].add(where); });
      return true;
    });
    if (!seen) return seen;
    for (std::size_t i = 0; i < tallies.size(); ++i) {
      if (tallies[i].count == 0) continue;
      const DiskOffset first{tallies[i].first};
      const DumpPlaces::Place place = search_.places.at(first);
      std::uint16_t image = trace::no_image;
      if (place.where == DumpPlaces::Where::pages) {
        if (const auto page = search_.places.page_at(place.file_offset)) image = owner_of(*page).first;
      }
      found(image, trace::Callback::write,
            fmt::format("{} on the raw disk: {}, {}", counted(i, tallies[i].count), search_.places.words(first),
                        search_.history.words(first)));
    }
    on_raw_disk_ = std::move(tallies);
    return {};
  }

  /// Whose page it is: bug check callbacks and driver_memory say so in the trace.
  std::pair<std::uint16_t, bool> owner_of(Pfn pfn) const {
    for (const dumpfile::PageRun& run : search_.plan.ram) {
      if (pfn >= run.base && pfn - run.base < run.pages) return {trace::no_image, true};
    }
    std::uint16_t owner = trace::no_image;
    for (const trace::Event& event : search_.view) {
      if (event.record.kind != trace::Kind::dump_pages || event.record.callback == trace::Callback::remove_pages)
        continue;
      const Pfn first = event.record.offset / page_size;
      if (pfn >= first && pfn - first < event.record.arg) owner = event.record.image;
    }
    return {owner, false};
  }

  Result<void> in_dump() {
    if (search_.recovered == nullptr) return {};
    std::vector<Tally> tallies(search_.secrets.size());
    ByteSearchStream stream(binary_.search);
    std::vector<std::byte> piece(piece_bytes);
    const std::uint64_t size = std::min(search_.recovered_size, search_.recovered->size());
    for (std::uint64_t at = 0; at < size;) {
      const std::span<std::byte> now = std::span(piece).first(std::min<std::uint64_t>(piece.size(), size - at));
      if (auto read = search_.recovered->read_at(at, now); !read) return read;
      stream.feed(at, now, [&](std::uint64_t where, std::size_t string) {
        // Blocks of secondary data are looked at on their own, where it is known whose they are.
        if (search_.places.part_of_dump(where) == DumpPlaces::Where::secondary) return;
        tallies[binary_.secret[string]].add(where);
      });
      at += now.size();
    }
    for (std::size_t i = 0; i < tallies.size(); ++i) {
      const Tally& tally = tallies[i];
      // What lies raw on the disk has been told.
      if (tally.count == 0 || (search_.recovered_raw && on_raw_disk_[i].count != 0)) continue;
      std::uint16_t image = trace::no_image;
      std::string whose;
      if (const auto page = search_.places.page_at(tally.first)) {
        const auto [owner, is_ram] = owner_of(*page);
        image = owner;
        if (!is_ram) {
          whose = owner == trace::no_image ? ", the system's pool"
                                           : fmt::format(", memory of {}", search_.view.image_name(owner));
        }
      }
      found(image, trace::Callback::none,
            fmt::format("{} in the recovered dump: file offset {:#x}, {}{}", counted(i, tally.count), tally.first,
                        search_.places.words_in_dump(tally.first), whose));
    }
    return {};
  }

  Result<void> in_secondary() {
    for (const DumpAccount::Blob& blob : search_.account.blobs) {
      auto bytes = bytes_of(search_.account_file, blob);
      if (!bytes) return bytes.error();
      std::vector<Tally> tallies(search_.secrets.size());
      binary_.search.scan(*bytes, [&](std::size_t at, std::size_t string) {
        tallies[binary_.secret[string]].add(at);
        return true;
      });
      for (std::size_t i = 0; i < tallies.size(); ++i) {
        if (tallies[i].count == 0) continue;
        found(blob.image, trace::Callback::secondary_data,
              fmt::format("{} in secondary data {}: byte {:#x}", counted(i, tallies[i].count), format_guid(blob.guid),
                          tallies[i].first));
      }
    }
    return {};
  }

  /// As it is, or spelled in hexadecimal digits, over as many lines as it takes.
  void in_debug_output() {
    struct Printed {
      std::string digits;
      std::vector<std::pair<std::size_t, std::uint64_t>> lines;  // where each begins in digits, and its number
    };
    std::map<std::uint16_t, Printed> printed;
    std::map<std::pair<std::size_t, std::uint16_t>, Tally> tallies;  // by secret and image
    std::uint64_t number = 0;
    for (const trace::Event& event : search_.view) {
      if (event.record.kind != trace::Kind::debug_print) continue;
      ++number;
      binary_.search.scan(event.payload, [&](std::size_t, std::size_t string) {
        tallies[{binary_.secret[string], event.record.image}].add(number);
        return true;
      });
      Printed& into = printed[event.record.image];
      into.lines.emplace_back(into.digits.size(), number);
      into.digits += digits_of(event.text());
    }
    for (const auto& [image, text] : printed) {
      spelled_.search.scan(
          bytes_of_text(text.digits), [&, image = image, &lines = text.lines](std::size_t at, std::size_t string) {
            const auto behind = std::upper_bound(
                lines.begin(), lines.end(), at, [](std::size_t place, const auto& line) { return place < line.first; });
            tallies[{spelled_.secret[string], image}].add(std::prev(behind)->second);
            return true;
          });
    }
    for (const auto& [key, tally] : tallies) {
      found(key.second, trace::Callback::none,
            fmt::format("{} in what {} prints: line {} of the debug output", counted(key.first, tally.count),
                        search_.view.image_name(key.second), tally.first));
    }
  }

  const SecretSearch& search_;
  Forms binary_, spelled_;
  std::vector<Tally> on_raw_disk_;
  std::vector<OracleFinding> findings_;
};

}  // namespace

Result<std::vector<OracleFinding>> find_secrets(const SecretSearch& search) {
  return Hunt(search).all();
}

}  // namespace dumpsim::engine
