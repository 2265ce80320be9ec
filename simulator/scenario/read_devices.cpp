// SPDX-License-Identifier: Apache-2.0
// [[device]]: devices that answer from the scenario. No file is opened here.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "scenario/sections.hpp"
#include "scenario/words.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::size_t pointer_bytes = 8;

bool is_object_name(std::string_view name) {
  return name.size() > 1 && name.front() == '\\' && name.back() != '\\' &&
         name.find("\\\\") == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

void require_object_name(Section& section, Place place, std::string_view key, std::string_view name) {
  if (is_object_name(name)) return;
  section.mistake_at(place, fmt::format("{}: {} is no object name; expected one such as '\\Device\\Name', in single "
                                        "quotes so that TOML leaves the backslashes alone",
                                        section.full(key), in_quotes(name)));
}

/// `bytes` or `file`, and the pointers' places; the blocks are resolved when all are known.
void read_content(Section& section, Reading& reading, Device::Content& into) {
  section.exclusive("bytes", "file", "the content is given once");
  if (const auto bytes = section.text("bytes")) {
    auto parsed = parse_hex(*bytes);
    if (parsed) {
      into.bytes = std::move(*parsed);
    } else {
      section.mistake("bytes", fmt::format("{}: {}", section.full("bytes"), parsed.error().message));
    }
  }
  if (const auto file = section.text("file")) {
    if (file->empty())
      section.mistake("file", fmt::format("{}: expected a path, got an empty text", section.full("file")));
    into.file = reading.folder / *file;
    into.line = section.place("file").line;
    into.column = section.place("file").column;
  }
}

/// `size`: what is known of the content's length, 0 when a file decides.
void read_pointers(Section& section, const Device& device, std::size_t size, Device::Content& into) {
  for (Section& item : section.tables("pointers")) {
    item.require_all({"at", "block"});
    const auto at = item.integer("at");
    const auto name = item.text("block");
    if (!at || !name) continue;
    const auto block = std::find_if(device.blocks.begin(), device.blocks.end(),
                                    [&](const Device::Block& each) { return each.name == *name; });
    if (block == device.blocks.end()) {
      std::vector<std::string_view> known;
      for (const Device::Block& each : device.blocks) known.push_back(each.name);
      item.mistake("block", fmt::format("{}: no block of this device is named {}{}", item.full("block"),
                                        in_quotes(*name), did_you_mean(*name, known)));
      continue;
    }
    if (size != 0 && *at + pointer_bytes > size) {
      item.mistake("at", fmt::format("{}: the 8 bytes of an address at {} end beyond the content, which has {}",
                                     item.full("at"), *at, size));
      continue;
    }
    into.pointers.push_back({static_cast<std::uint32_t>(*at), static_cast<std::size_t>(block - device.blocks.begin())});
  }
}

void read_blocks(Section& section, Reading& reading, Device& device) {
  std::vector<Section> blocks = section.tables("block");
  for (Section& item : blocks) {
    Device::Block block;
    item.require_all({"name"});
    if (const auto name = item.text("name")) block.name = *name;
    const bool taken = std::any_of(device.blocks.begin(), device.blocks.end(),
                                   [&](const Device::Block& each) { return each.name == block.name; });
    if (taken) item.mistake("name", fmt::format("a block named {} stands before this one", in_quotes(block.name)));
    read_content(item, reading, block.content);
    if (const auto size = item.size("size")) {
      block.size = *size;
      if (block.content.bytes.size() > *size) {
        item.mistake("size", fmt::format("{}: the content has {} bytes, more than {}", item.full("size"),
                                         block.content.bytes.size(), *size));
      }
    } else if (!item.has("bytes") && !item.has("file")) {
      item.mistake("name", fmt::format("{}: a block needs a size or a content", section.full("block[]")));
    }
    device.blocks.push_back(std::move(block));
  }
  for (std::size_t i = 0; i < device.blocks.size(); ++i) {
    Device::Block& block = device.blocks[i];
    const std::size_t size = block.size != 0 ? block.size : block.content.bytes.size();
    read_pointers(blocks[i], device, size, block.content);
  }
}

void read_replies(Section& section, Reading& reading, Device& device) {
  for (Section& item : section.tables("reply")) {
    Device::Reply reply;
    item.require_all({"code"});
    const auto code = item.integer("code");
    if (code) reply.code = static_cast<std::uint32_t>(*code);
    const bool taken = code && std::any_of(device.replies.begin(), device.replies.end(),
                                           [&](const Device::Reply& each) { return each.code == reply.code; });
    if (taken) item.mistake("code", fmt::format("{}: {:#x} has a reply already", item.full("code"), reply.code));
    if (const Node* status = item.any("status")) {
      if (const auto value = read_status(item, *status, item.full("status"))) reply.status = *value;
    }
    read_content(item, reading, reply.content);
    if (const auto pending = item.word("pending")) {
      reply.pending = static_cast<Device::Pending>(*pending + static_cast<std::size_t>(Device::Pending::completed));
    }
    read_pointers(item, device, reply.content.bytes.size(), reply.content);
    if (!item.has("file") && reply.content.bytes.empty() && !reply.content.pointers.empty()) {
      item.mistake("pointers",
                   fmt::format("{}: there is no content that an address could stand in", item.full("pointers")));
    }
    if (const auto information = item.integer("information")) {
      reply.information = *information;
      if (!item.has("file") && *information > reply.content.bytes.size()) {
        item.mistake("information", fmt::format("{}: {} is more than the {} bytes of the answer",
                                                item.full("information"), *information, reply.content.bytes.size()));
      }
    }
    device.replies.push_back(std::move(reply));
  }
}

}  // namespace

void read_devices(Reading& reading) {
  for (Section& section : reading.top.tables("device")) {
    Device device;
    section.require_all({"name"});
    if (const auto name = section.text("name")) {
      device.name = *name;
      require_object_name(section, section.place("name"), "name", *name);
      const bool taken = std::any_of(reading.scenario.devices.begin(), reading.scenario.devices.end(),
                                     [&](const Device& each) { return each.name == *name; });
      if (taken) section.mistake("name", fmt::format("a device named {} stands before this one", in_quotes(*name)));
    }
    for (const Node* link : section.texts("links")) {
      require_object_name(section, link->place, "links", link->text);
      device.links.push_back(link->text);
    }
    if (const Node* status = section.any("open")) {
      if (const auto value = read_status(section, *status, section.full("open"))) device.open_status = *value;
    }
    read_blocks(section, reading, device);
    read_replies(section, reading, device);
    reading.scenario.devices.push_back(std::move(device));
  }
}

}  // namespace dumpsim::scenario
