// SPDX-License-Identifier: Apache-2.0
// The registry's tree. Linear search within a key: a scenario's registry has a handful of entries in each.
#include "kernel/registry.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "kernel/text.hpp"

namespace dumpsim::kernel {
namespace {

/// Cuts the first component off `path`; empty components are skipped, as Windows skips doubled separators [assumed].
std::u16string_view next_component(std::u16string_view& path) {
  while (!path.empty() && path.front() == u'\\') path.remove_prefix(1);
  const std::size_t end = std::min(path.find(u'\\'), path.size());
  const std::u16string_view component = path.substr(0, end);
  path.remove_prefix(end);
  return component;
}

Registry::Key* add_key(Registry::Key& parent, std::u16string_view name) {
  auto key = std::make_unique<Registry::Key>();
  key->name = name;
  key->parent = &parent;
  return parent.keys.emplace_back(std::move(key)).get();
}

std::vector<std::byte> with_terminator(std::string_view text) {
  const std::u16string units = to_utf16(text);
  std::vector<std::byte> bytes((units.size() + 1) * sizeof(char16_t));
  std::memcpy(bytes.data(), units.data(), units.size() * sizeof(char16_t));
  return bytes;
}

void drop_volatile(Registry::Key& key) {
  std::erase_if(key.keys, [](const auto& child) { return child->is_volatile; });
  for (const auto& child : key.keys) drop_volatile(*child);
}

}  // namespace

const Registry::Value* Registry::Key::find_value(std::u16string_view wanted) const {
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](const Value& value) { return equal_without_case(value.name, wanted); });
  return found == values.end() ? nullptr : &*found;
}

Registry::Key* Registry::Key::find_key(std::u16string_view wanted) const {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return equal_without_case(key->name, wanted); });
  return found == keys.end() ? nullptr : found->get();
}

std::u16string Registry::Key::path() const {
  std::u16string whole;
  for (const Key* key = this; key != nullptr && !key->name.empty(); key = key->parent) {
    whole.insert(0, key->name);
    whole.insert(0, 1, u'\\');
  }
  return whole;
}

Registry::Registry() : root_(std::make_unique<Key>()) {
  Key* registry = add_key(*root_, u"Registry");
  Key* system = add_key(*add_key(*registry, u"Machine"), u"System");
  add_key(*registry, u"User");
  Key* set = add_key(*system, u"ControlSet001");
  add_key(*set, u"Control");
  add_key(*set, u"Services");
}

Registry::Key* Registry::find(std::u16string_view path, Key* from) const {
  if (from == nullptr) {
    if (path.empty() || path.front() != u'\\') return nullptr;
    from = root_.get();
  }
  Key* key = from;
  while (key != nullptr) {
    std::u16string_view name = next_component(path);
    if (name.empty()) return key;
    // A symbolic link on Windows; the set itself is 001 on a machine that never rolled back [doc].
    if (equal_without_case(name, u"CurrentControlSet")) name = u"ControlSet001";
    key = key->find_key(name);
  }
  return nullptr;
}

Registry::Key* Registry::create(std::u16string_view path, Key* from) {
  if (from == nullptr) {
    if (path.empty() || path.front() != u'\\') return nullptr;
    from = root_.get();
  }
  Key* key = from;
  for (;;) {
    std::u16string_view name = next_component(path);
    if (name.empty()) return key;
    if (equal_without_case(name, u"CurrentControlSet")) name = u"ControlSet001";
    Key* next = key->find_key(name);
    key = next != nullptr ? next : add_key(*key, name);
  }
}

void Registry::set(Key& key, std::u16string_view name, std::uint32_t type, std::span<const std::byte> bytes) {
  const auto found = std::find_if(key.values.begin(), key.values.end(),
                                  [&](const Value& value) { return equal_without_case(value.name, name); });
  Value& value = found != key.values.end() ? *found : key.values.emplace_back();
  if (value.name.empty()) value.name = name;
  value.type = type;
  value.bytes.assign(bytes.begin(), bytes.end());
}

bool Registry::remove_value(Key& key, std::u16string_view name) {
  return std::erase_if(key.values, [&](const Value& value) { return equal_without_case(value.name, name); }) != 0;
}

bool Registry::remove(Key& key) {
  if (!key.keys.empty() || key.parent == nullptr) return false;
  auto& siblings = key.parent->keys;
  const auto self =
      std::find_if(siblings.begin(), siblings.end(), [&](const auto& entry) { return entry.get() == &key; });
  assert(self != siblings.end());
  key.deleted = true;
  removed_.push_back(std::move(*self));
  siblings.erase(self);
  return true;
}

void Registry::remove_tree(Key& key) {
  while (!key.keys.empty()) remove_tree(*key.keys.back());
  remove(key);
}

void Registry::restart() {
  removed_.clear();
  drop_volatile(*root_);
}

Registry::Key* Registry::control_set(std::string_view path) {
  return create(to_utf16(path), create(u"\\Registry\\Machine\\System\\ControlSet001"));
}

void Registry::set_dword(std::string_view path, std::string_view name, std::uint32_t value) {
  set(*control_set(path), to_utf16(name), 4, std::as_bytes(std::span(&value, 1)));
}
void Registry::set_qword(std::string_view path, std::string_view name, std::uint64_t value) {
  set(*control_set(path), to_utf16(name), 11, std::as_bytes(std::span(&value, 1)));
}
void Registry::set_string(std::string_view path, std::string_view name, std::string_view value) {
  set(*control_set(path), to_utf16(name), 1, with_terminator(value));
}
void Registry::set_strings(std::string_view path, std::string_view name, std::span<const std::string> values) {
  std::vector<std::byte> bytes;
  for (const std::string& value : values) {
    const std::vector<std::byte> one = with_terminator(value);
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  bytes.insert(bytes.end(), sizeof(char16_t), std::byte{0});
  set(*control_set(path), to_utf16(name), 7, bytes);
}
void Registry::set_binary(std::string_view path, std::string_view name, std::span<const std::byte> value) {
  set(*control_set(path), to_utf16(name), 3, value);
}

}  // namespace dumpsim::kernel
