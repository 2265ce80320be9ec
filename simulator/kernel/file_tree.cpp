// SPDX-License-Identifier: Apache-2.0
#include "kernel/file_tree.hpp"

#include <algorithm>
#include <cassert>
#include <span>

#include "kernel/text.hpp"
#include "machine/machine.hpp"

namespace dumpsim::kernel {
namespace {

bool starts_without_case(std::u16string_view text, std::u16string_view prefix) {
  return text.size() >= prefix.size() && equal_without_case(text.substr(0, prefix.size()), prefix);
}

/// The path behind a prefix that ends at a separator or at the end.
std::optional<std::u16string_view> behind(std::u16string_view path, std::u16string_view prefix) {
  if (!starts_without_case(path, prefix)) return std::nullopt;
  const std::u16string_view rest = path.substr(prefix.size());
  if (!rest.empty() && rest.front() != u'\\') return std::nullopt;
  return rest;
}

std::u16string decimal(std::uint32_t value) {
  const std::string text = std::to_string(value);
  return {text.begin(), text.end()};
}

}  // namespace

FileTree::Node* FileTree::Node::child(std::u16string_view wanted) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const auto& each) { return equal_without_case(each->name, wanted); });
  return found == children.end() ? nullptr : found->get();
}

std::u16string FileTree::Node::path() const {
  std::u16string whole;
  for (const Node* node = this; node->parent != nullptr; node = node->parent) {
    whole.insert(0, node->name);
    whole.insert(0, 1, u'\\');
  }
  return whole.empty() ? u"\\" : whole;
}

FileTree::FileTree() : root_(std::make_unique<Node>()) {
  root_->folder = true;
  root_->id = next_id_++;
  root_->created = root_->read = root_->written = root_->changed = machine::boot_filetime;
  for (const std::u16string_view folder :
       {u"\\ProgramData", u"\\Users", u"\\Windows\\Minidump", u"\\Windows\\System32\\config",
        u"\\Windows\\System32\\drivers", u"\\Windows\\Temp"}) {
    make_folders(folder, machine::boot_filetime);
  }
}

FileTree::Node* FileTree::find(std::u16string_view path, Node* from) const {
  Node* node = from == nullptr ? root_.get() : from;
  while (!path.empty() && path.front() == u'\\') {
    path.remove_prefix(1);
    if (path.empty()) break;
    const std::u16string_view name = path.substr(0, path.find(u'\\'));
    path.remove_prefix(name.size());
    node = node->child(name);
    if (node == nullptr) return nullptr;
  }
  return path.empty() ? node : nullptr;
}

FileTree::Node& FileTree::add(Node& parent, std::u16string_view name, bool folder, std::uint64_t now) {
  assert(parent.folder && parent.child(name) == nullptr);
  auto node = std::make_unique<Node>();
  node->name = name;
  node->parent = &parent;
  node->folder = folder;
  node->id = next_id_++;
  node->created = node->read = node->written = node->changed = now;
  parent.written = parent.changed = now;
  ++nodes_;
  return *parent.children.emplace_back(std::move(node));
}

void FileTree::remove(Node& node) {
  assert(node.parent != nullptr && node.opens == 0 && node.children.empty());
  bytes_ -= node.bytes.size();
  --nodes_;
  std::erase_if(node.parent->children, [&](const auto& each) { return each.get() == &node; });
}

void FileTree::move(Node& node, Node& parent, std::u16string_view name) {
  assert(node.parent != nullptr && parent.folder);
  auto& siblings = node.parent->children;
  const auto self =
      std::find_if(siblings.begin(), siblings.end(), [&](const auto& each) { return each.get() == &node; });
  std::unique_ptr<Node> held = std::move(*self);
  siblings.erase(self);
  held->name = name;
  held->parent = &parent;
  parent.children.push_back(std::move(held));
}

bool FileTree::resize(Node& node, std::size_t bytes) {
  const std::uint64_t others = bytes_ - node.bytes.size();
  if (bytes > capacity || others + bytes > capacity) return false;
  node.bytes.resize(bytes);
  bytes_ = others + bytes;
  return true;
}

void FileTree::drop_opens(Node& node) {
  for (const auto& child : node.children) drop_opens(*child);
  std::vector<Node*> gone;
  for (const auto& child : node.children) {
    child->opens = child->readers = child->writers = child->deleters = 0;
    child->share_readers = child->share_writers = child->share_deleters = 0;
    if (child->delete_pending && child->children.empty()) gone.push_back(child.get());
  }
  for (Node* child : gone) remove(*child);
}

void FileTree::restart() {
  drop_opens(*root_);
  root_->opens = 0;
}

FileTree::Node* FileTree::make_folders(std::u16string_view path, std::uint64_t now) {
  Node* node = root_.get();
  while (!path.empty()) {
    if (path.front() == u'\\') path.remove_prefix(1);
    const std::u16string_view name = path.substr(0, path.find(u'\\'));
    path.remove_prefix(name.size());
    if (name.empty()) continue;
    Node* next = node->child(name);
    if (next != nullptr && !next->folder) return nullptr;
    node = next != nullptr ? next : &add(*node, name, true, now);
  }
  return node;
}

bool FileTree::put(std::u16string_view path, std::span<const std::byte> bytes, std::uint64_t now) {
  const std::size_t last = path.rfind(u'\\');
  if (last == std::u16string_view::npos || last + 1 == path.size()) return false;
  Node* folder = make_folders(path.substr(0, last), now);
  if (folder == nullptr) return false;
  Node* node = folder->child(path.substr(last + 1));
  if (node != nullptr && node->folder) return false;
  if (node == nullptr) node = &add(*folder, path.substr(last + 1), false, now);
  if (!resize(*node, bytes.size())) return false;
  std::copy(bytes.begin(), bytes.end(), node->bytes.begin());
  return true;
}

bool FileTree::put_folder(std::u16string_view path, std::uint64_t now) {
  return make_folders(path, now) != nullptr;
}

std::optional<std::u16string> on_system_volume(std::u16string_view path, std::uint32_t volume) {
  const std::u16string number = decimal(volume);
  for (const std::u16string& prefix :
       {std::u16string(u"\\??\\C:"), std::u16string(u"\\DosDevices\\C:"), std::u16string(u"\\GLOBAL??\\C:"),
        u"\\Device\\HarddiskVolume" + number, u"\\Device\\Harddisk0\\Partition" + number}) {
    if (const auto rest = behind(path, prefix)) return std::u16string(*rest);
  }
  if (const auto rest = behind(path, u"\\SystemRoot")) return u"\\Windows" + std::u16string(*rest);
  return std::nullopt;
}

}  // namespace dumpsim::kernel
