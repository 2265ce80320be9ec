// SPDX-License-Identifier: Apache-2.0
// The machine's registry as a tree in memory: names of any case, values with a type. The engine seeds it with what
// Windows has and a scenario says; drivers read and write it through Zw* and Rtl*.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dumpsim::kernel {

class Registry {
 public:
  struct Value {
    std::u16string name;     ///< empty: the key's default value
    std::uint32_t type = 0;  ///< REG_*
    std::vector<std::byte> bytes;
  };
  /// Keys and values keep the order in which they were made; [assumed] Windows enumerates sorted.
  struct Key {
    std::u16string name;
    Key* parent = nullptr;
    std::vector<std::unique_ptr<Key>> keys;
    std::vector<Value> values;
    bool deleted = false;
    bool is_volatile = false;  ///< does not outlive the machine's running (REG_OPTION_VOLATILE)

    const Value* find_value(std::u16string_view name) const;
    Key* find_key(std::u16string_view name) const;
    /// `\Registry\Machine\System\…` with the case it was made with.
    std::u16string path() const;
  };

  Registry();

  /// What a boot finds: no volatile keys, and no keys that were deleted. No handle on a key is open then.
  void restart();

  /// The key at an absolute path (`\Registry\Machine\…`; CurrentControlSet leads to ControlSet001), or below `from`;
  /// nullptr when there is none. Case does not count.
  Key* find(std::u16string_view path, Key* from = nullptr) const;
  /// The same, making what is missing. nullptr when the path is not absolute and `from` is not given.
  Key* create(std::u16string_view path, Key* from = nullptr);
  /// Adds or replaces.
  static void set(Key& key, std::u16string_view name, std::uint32_t type, std::span<const std::byte> bytes);
  static bool remove_value(Key& key, std::u16string_view name);
  /// Takes the key out of the tree; handles on it stay valid and see a deleted key. False when it has subkeys.
  bool remove(Key& key);
  /// With everything below it. REQUIRES: not the root.
  void remove_tree(Key& key);

  // For seeding, in UTF-8: `path` below \Registry\Machine\System\CurrentControlSet, e.g.
  // "Services\dump_xor\Parameters".
  void set_dword(std::string_view path, std::string_view name, std::uint32_t value);
  void set_qword(std::string_view path, std::string_view name, std::uint64_t value);
  void set_string(std::string_view path, std::string_view name, std::string_view value);
  void set_strings(std::string_view path, std::string_view name, std::span<const std::string> values);
  void set_binary(std::string_view path, std::string_view name, std::span<const std::byte> value);

 private:
  Key* control_set(std::string_view path);

  std::unique_ptr<Key> root_;
  std::vector<std::unique_ptr<Key>> removed_;
};

}  // namespace dumpsim::kernel
