// SPDX-License-Identifier: Apache-2.0
// The files of the machine's system volume, as a tree in memory: names of any case, contents, times of the virtual
// clock. Nothing of the host's file system is ever reached by a driver's path; the engine puts files in before a run
// and takes them out behind it. What is stored here is no part of the simulated disk. Free of WDK names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dumpsim::kernel {

class FileTree {
 public:
  struct Node {
    std::u16string name;
    Node* parent = nullptr;  ///< nullptr: the root, or deleted
    bool folder = false;
    std::vector<std::byte> bytes;
    std::vector<std::unique_ptr<Node>> children;  ///< in the order in which they were made
    std::uint64_t id = 0;
    std::uint32_t attributes = 0;                                   ///< FILE_ATTRIBUTE_* without DIRECTORY and NORMAL
    std::uint64_t created = 0, read = 0, written = 0, changed = 0;  ///< FILETIME
    // Who has it open.
    std::uint32_t opens = 0;
    std::uint32_t readers = 0, writers = 0, deleters = 0;                    ///< of them, with such access
    std::uint32_t share_readers = 0, share_writers = 0, share_deleters = 0;  ///< of them, that let others have it
    bool delete_pending = false;                                             ///< goes with its last handle

    Node* child(std::u16string_view name) const;
    /// `\Windows\Temp\a.txt`.
    std::u16string path() const;
  };

  /// C: with the folders that every Windows has.
  FileTree();
  FileTree(FileTree&&) = default;
  FileTree& operator=(FileTree&&) = default;

  Node& root() { return *root_; }
  const Node& root() const { return *root_; }
  /// `path` as of Node::path(), or empty for the root; doubled separators are refused. nullptr: not there.
  Node* find(std::u16string_view path, Node* from = nullptr) const;
  /// A new child. REQUIRES: `parent` is a folder and has none of this name.
  Node& add(Node& parent, std::u16string_view name, bool folder, std::uint64_t now);
  /// Takes it out of the tree and frees it. REQUIRES: not the root, nobody has it open, a folder is empty.
  void remove(Node& node);
  /// REQUIRES: the new place is free, and not below `node` itself.
  void move(Node& node, Node& parent, std::u16string_view name);
  /// False when the volume is full.
  bool resize(Node& node, std::size_t bytes);
  std::uint64_t bytes_in_use() const { return bytes_; }
  /// False when the volume has no room for another file or folder, or `bytes` of content.
  bool has_room(std::uint64_t bytes = 0) const { return nodes_ < most_nodes && bytes_ + bytes <= capacity; }

  /// What a boot finds: nobody has anything open, and what waited for its last handle is gone.
  void restart();

  /// For seeding: a file with its folders, or a folder. `path` is as of Node::path(). False when something on the way
  /// is a file, or the volume is full.
  bool put(std::u16string_view path, std::span<const std::byte> bytes, std::uint64_t now);
  bool put_folder(std::u16string_view path, std::uint64_t now);

  /// All files of a machine together.
  static constexpr std::uint64_t capacity = std::uint64_t{64} << 20;
  static constexpr std::size_t most_nodes = 16384;

 private:
  Node* make_folders(std::u16string_view path, std::uint64_t now);
  void drop_opens(Node& node);

  std::unique_ptr<Node> root_;
  std::uint64_t next_id_ = 5;  // the root's on NTFS [doc]
  std::uint64_t bytes_ = 0;
  std::size_t nodes_ = 0;
};

/// A path of the object manager led to the system volume: `\??\C:\a`, `\DosDevices\C:\a`, `\SystemRoot\a`,
/// `\Device\HarddiskVolume1\a` become `\a` below the volume (`\SystemRoot` below `\Windows`). Nothing when it leads
/// elsewhere. `volume` is the number of the system volume.
std::optional<std::u16string> on_system_volume(std::u16string_view path, std::uint32_t volume);

}  // namespace dumpsim::kernel
