// SPDX-License-Identifier: Apache-2.0
#include "engine/scripted_devices.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/file.hpp"

namespace dumpsim::engine {
namespace {

constexpr std::uint64_t largest_file = std::uint64_t{1} << 20;

using Pointers = std::vector<kernel::ScriptedDevice::Pointer>;

Error mistake_at(const scenario::Scenario& scenario, const scenario::Device::Content& content, std::string_view what) {
  return {fmt::format("{}:{}:{}: {}", scenario.file.string(), content.line, content.column, what)};
}

/// Content and pointers of a reply or block; `size` pads it with zeros.
Result<void> read_content(const scenario::Scenario& scenario, const scenario::Device::Content& content,
                          std::uint64_t size, std::vector<std::byte>& bytes, Pointers& pointers) {
  const auto mistake = [&](std::string_view what) { return mistake_at(scenario, content, what); };
  bytes = content.bytes;
  if (!content.file.empty()) {
    auto text = read_text(content.file, largest_file);
    if (!text) return mistake(text.error().message);
    bytes.resize(text->size());
    if (!text->empty()) std::memcpy(bytes.data(), text->data(), text->size());
    if (size != 0 && bytes.size() > size) {
      return mistake(fmt::format("{} has {} bytes, more than the size {}", content.file.string(), bytes.size(), size));
    }
  }
  if (size != 0) bytes.resize(size);
  for (const scenario::Device::Pointer& pointer : content.pointers) {
    if (pointer.at + sizeof(std::uint64_t) > bytes.size()) {
      return mistake(fmt::format("the 8 bytes of an address at {} end beyond the {} bytes of {}", pointer.at,
                                 bytes.size(), content.file.string()));
    }
    pointers.push_back({pointer.at, pointer.block});
  }
  return {};
}

}  // namespace

Result<std::vector<kernel::ScriptedDevice>> scripted_devices(const scenario::Scenario& scenario) {
  std::vector<kernel::ScriptedDevice> devices;
  for (const scenario::Device& given : scenario.devices) {
    kernel::ScriptedDevice device{.name = given.name, .links = given.links, .open_status = given.open_status};
    for (const scenario::Device::Block& each : given.blocks) {
      kernel::ScriptedDevice::Block& block = device.blocks.emplace_back();
      if (auto read = read_content(scenario, each.content, each.size, block.bytes, block.pointers); !read)
        return read.error();
    }
    for (const scenario::Device::Reply& each : given.replies) {
      kernel::ScriptedDevice::Reply& reply = device.replies.emplace_back();
      reply.code = each.code;
      reply.status = each.status;
      reply.pending = static_cast<kernel::ScriptedDevice::Pending>(each.pending);
      if (auto read = read_content(scenario, each.content, 0, reply.bytes, reply.pointers); !read) return read.error();
      reply.information = each.information.value_or(reply.bytes.size());
      if (reply.information > reply.bytes.size()) {
        return mistake_at(scenario, each.content,
                          fmt::format("{} bytes are claimed, and {} has {}", reply.information,
                                      each.content.file.string(), reply.bytes.size()));
      }
    }
    devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace dumpsim::engine
