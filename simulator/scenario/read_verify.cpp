// SPDX-License-Identifier: Apache-2.0
// [verify] and secrets: what is looked at beside the expectations, and whether there is anything to look at.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "scenario/sections.hpp"

namespace dumpsim::scenario {
namespace {

// Fewer bytes turn up by chance: in 1 GiB of ciphertext once in 260,000 runs.
constexpr std::size_t shortest_secret = 6;
constexpr std::size_t longest_secret = 4096;
constexpr std::size_t most_secrets = 64;
// What finds the sectors of memory that is no canary is an index of them.
constexpr std::uint64_t most_indexed = std::uint64_t{8} << 30;

std::optional<Secret> secret_of(Section& top, const Node& node) {
  constexpr std::string_view hex_prefix = "hex:", text_prefix = "text:";
  const std::string_view text = node.text;
  Secret secret;
  if (text.starts_with(hex_prefix)) {
    auto bytes = parse_hex(text.substr(hex_prefix.size()));
    if (!bytes) {
      top.mistake_at(node.place, fmt::format("secrets: {}", bytes.error().message));
      return std::nullopt;
    }
    secret.bytes = std::move(*bytes);
  } else if (text.starts_with(text_prefix)) {
    const std::string_view inner = text.substr(text_prefix.size());
    const auto* first = reinterpret_cast<const std::byte*>(inner.data());
    secret.bytes.assign(first, first + inner.size());
    secret.is_text = true;
  } else {
    top.mistake_at(node.place,
                   fmt::format("secrets: expected \"hex:…\" or \"text:…\", got a text of {} characters", text.size()));
    return std::nullopt;
  }
  if (secret.bytes.size() < shortest_secret || secret.bytes.size() > longest_secret) {
    top.mistake_at(node.place,
                   fmt::format("secrets: expected {} to {} bytes, got {}; what is shorter is found by chance",
                               shortest_secret, longest_secret, secret.bytes.size()));
    return std::nullopt;
  }
  const auto same = [&](std::byte each) { return each == secret.bytes.front(); };
  if (std::all_of(secret.bytes.begin(), secret.bytes.end(), same)) {
    top.mistake_at(node.place, "secrets: one byte over and over is found in any empty page");
    return std::nullopt;
  }
  return secret;
}

void read_secrets(Reading& reading) {
  const std::vector<const Node*> texts = reading.top.texts("secrets");
  if (texts.size() > most_secrets) {
    reading.top.mistake("secrets", fmt::format("secrets: expected at most {}, got {}", most_secrets, texts.size()));
    return;
  }
  for (const Node* node : texts) {
    if (auto secret = secret_of(reading.top, *node)) reading.scenario.secrets.push_back(std::move(*secret));
  }
}

}  // namespace

void read_verify(Reading& reading) {
  read_secrets(reading);
  auto verify = reading.top.table("verify");
  if (!verify) return;
  Verify& into = reading.scenario.verify;
  if (const auto readable = verify->word("readable")) into.every_write = *readable == 1;
  if (const auto anywhere = verify->boolean("anywhere")) into.anywhere = *anywhere;
  if (const auto round_trip = verify->boolean("round_trip")) into.round_trip = *round_trip;
  if (const auto reference = verify->boolean("reference")) into.reference = *reference;
  if (const auto repeat = verify->integer("repeat")) into.repeat = static_cast<std::uint32_t>(*repeat);
  if (const auto seed = verify->number("seed")) into.seed = *seed;
  if (verify->has("seed") && !into.round_trip) {
    verify->mistake("seed", "verify.seed: only a round trip takes a sample; add round_trip = true");
  }
}

void check_verify(const Node& root, const Scenario& scenario, Mistakes& mistakes) {
  const auto refuse = [&](std::string_view path, std::string_view why) {
    mistakes.add(place_of(root, path), path, fmt::format("{}: {}", path, why));
  };
  const Verify& verify = scenario.verify;
  const bool blind = scenario.disk.backend == Backend::null;
  const auto& filters = scenario.filters;
  const auto promising = std::find_if(filters.begin(), filters.end(), [](const Filter& f) { return f.promises(); });
  if (promising == filters.end()) {
    for (const std::string_view path : {"verify.readable", "verify.anywhere"}) {
      if (has_value(root, path)) refuse(path, "no filter says what it protects; add protects = true to one");
    }
  } else {
    const std::string path = fmt::format("filter[{}].protects", promising - filters.begin());
    std::uint64_t pages = 0;
    for (const dumpfile::PageRun& run : scenario.system.memory.runs) pages += run.pages;
    const Fill fill = scenario.system.memory.fill;
    if (blind) {
      refuse(path, "the null backend keeps no bytes to look at");
    } else if (fill == Fill::zeros) {
      refuse(path, "memory of zeros cannot be told on a disk; use another fill");
    } else if (fill != Fill::canary && pages > most_indexed / page_size) {
      refuse(path, fmt::format("only canary memory can be told on a disk beyond {}", format_size(most_indexed)));
    } else if (fill != Fill::canary && verify.anywhere) {
      refuse("verify.anywhere", "only canary memory can be told at any byte; use fill = \"canary\"");
    }
  }
  if (verify.round_trip) {
    if (blind) {
      refuse("verify.round_trip", "the null backend keeps no bytes to read back");
    } else if (scenario.dump.kind == DumpKind::none) {
      refuse("verify.round_trip", "dump.kind is \"none\", so that there is no dump to read back");
    } else if (!dumps_and_boots(scenario)) {
      refuse("verify.round_trip", "a dump is read by \"next-boot\" after a \"crash\", which this life lacks");
    }
  }
  if (verify.reference) {
    const auto changing = std::find_if(filters.begin(), filters.end(),
                                       [](const Filter& filter) { return filter.promises() || filter.redirects; });
    if (blind) {
      refuse("verify.reference", "the null backend keeps no bytes to compare");
    } else if (changing != filters.end()) {
      refuse("verify.reference",
             fmt::format("filter {} {}; only what changes nothing leaves the same disk", in_quotes(changing->name),
                         changing->redirects ? "redirects writes" : "protects"));
    }
  }
  if (scenario.dump.driver_memory) {
    const bool full =
        scenario.dump.format == Format::full ||
        (scenario.dump.format == Format::by_profile && scenario.policies.is(policy::Policy::complete_format, "full"));
    if (scenario.dump.kind == DumpKind::none) {
      refuse("dump.driver_memory", "dump.kind is \"none\", so that there is no dump to hold it");
    } else if (scenario.dump.kind == DumpKind::complete && full) {
      refuse("dump.driver_memory", "the header of a full dump (type 1) lists RAM alone; add format = \"bitmap\"");
    }
  }
}

}  // namespace dumpsim::scenario
