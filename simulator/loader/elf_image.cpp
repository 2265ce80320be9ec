// SPDX-License-Identifier: Apache-2.0
// Loading, step by step: facts, imports, private copy, relocation. The system's loader is used for what it is good at
// (mapping segments, telling debuggers) and kept from the rest, see Reader::plan_copy().
#include "loader/elf_image.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/seal.hpp"
#include "base/text.hpp"

namespace dumpsim::loader {
namespace {

constexpr std::size_t missing_shown = 20;
constexpr std::size_t trap_bytes = 4096;

void overwrite(const ElfPatch& patch, std::span<std::byte> bytes) {
  std::memcpy(bytes.data() + patch.offset, &patch.value, patch.bytes);  // little endian, as the host is
}

}  // namespace

Result<ElfTemplate> ElfTemplate::of(std::span<const std::byte> file) {
  Result<ElfFacts> facts = read_elf(file);
  if (!facts) return facts.error();
  const Result<const ElfExport*> found = find_driver_entry(*facts);
  if (!found) return found.error();
  ElfTemplate made;
  made.entry = (*found)->address;
  made.patched.assign(file.begin(), file.end());
  for (const ElfPatch& patch : facts->patches) overwrite(patch, made.patched);
  made.facts = *std::move(facts);
  return made;
}

Result<File> ElfImage::copy_of(const ElfTemplate& image, const std::string& name) {
  Result<File> copy = File::in_memory(name);
  if (!copy) return copy;
  if (Result<void> done = copy->write_at(0, image.patched); !done) return done.error();
  // A copy may lie ready for several children, one after the other: none of them can change it for the next.
  if (Result<void> done = seal_content(*copy); !done) return done.error();
  return copy;
}

Result<std::unique_ptr<Image>> ElfImage::load(const std::filesystem::path& path,
                                              std::shared_ptr<const ElfTemplate> from, std::optional<File> copy,
                                              const ExportTable& exports, LoadOptions options) {
  const ElfFacts& facts = from->facts;
  const machine::Convention convention =
      options.convention.value_or(facts.convention.value_or(machine::Convention::system_v));

  const bool trap_missing = options.trap_missing;
  std::unique_ptr<ElfImage> image(new ElfImage(path, std::move(options), convention, trap_missing, std::move(from)));
  if (Result<void> done = image->bind(exports); !done) return done.error();
  if (Result<void> done = image->map(std::move(copy)); !done) return done.error();
  if (Result<void> done = image->relocate(); !done) return done.error();
  image->entry_ = image->at(image->template_->entry);

  for (const std::string& library : foreign_libraries(facts)) {
    image->notes_.push_back(
        fmt::format("links against {}, which a driver does not have; nothing is taken from it", library));
  }
  if (facts.constructors != 0) {
    image->notes_.push_back(fmt::format("has {} static constructor{}, which Windows does not run for a driver",
                                        facts.constructors, facts.constructors == 1 ? "" : "s"));
  }
  return std::unique_ptr<Image>(std::move(image));
}

ElfImage::~ElfImage() {
  if (handle_ != nullptr) dlclose(handle_);
}

Result<void> ElfImage::bind(const ExportTable& exports) {
  const std::span<const void* const> table =
      convention_ == machine::Convention::system_v ? exports.system_v : exports.microsoft;
  std::string message;
  std::size_t missing = 0;
  std::vector<std::size_t> to_trap;
  for (const ElfImport& import : facts().imports) {
    const auto found = std::find(exports.names.begin(), exports.names.end(), import.name);
    if (found != exports.names.end()) {
      imports_.push_back(table[static_cast<std::size_t>(found - exports.names.begin())]);
      continue;
    }
    imports_.push_back(nullptr);
    if (import.weak) continue;
    to_trap.push_back(imports_.size() - 1);
    if (++missing > missing_shown) continue;
    message += fmt::format("{}image {} needs {}, which dumpsim does not simulate{}", message.empty() ? "" : "\n",
                           path_.string(), import.name, did_you_mean(import.name, exports.names));
  }
  if (missing == 0) return {};
  if (trap_missing_) return trap(to_trap);
  if (missing > missing_shown) {
    message += fmt::format("\nimage {} needs {} more functions that dumpsim does not simulate", path_.string(),
                           missing - missing_shown);
  }
  const std::vector<std::string> foreign = foreign_libraries(facts());
  if (!foreign.empty()) {
    message += fmt::format(
        "\nimage {} links against {}, from which a driver can take nothing: link it with -nostdlib "
        "and libdumpsim_crt.a, as dumpsim_add_filter does",
        path_.string(), foreign.front());
  }
  return Error{message + "\n--trap-missing loads it all the same, to end where one of them is called"};
}

Result<void> ElfImage::trap(const std::vector<std::size_t>& missing) {
  Result<Mapping> pages = Mapping::shared(missing.size() * trap_bytes);
  if (!pages) return about_image(path_, pages.error().message);
  if (mprotect(pages->begin(), pages->size(), PROT_NONE) != 0) return about_image(path_, std::strerror(errno));
  traps_ = *std::move(pages);
  for (const std::size_t import : missing) {
    imports_[import] = traps_.begin() + trap_names_.size() * trap_bytes;
    trap_names_.push_back(facts().imports[import].name);
  }
  return {};
}

std::string_view ElfImage::missing_import_at(const void* address) const {
  if (!traps_.contains(address)) return {};
  return trap_names_[static_cast<std::size_t>(static_cast<const std::byte*>(address) - traps_.begin()) / trap_bytes];
}

Result<void> ElfImage::map(std::optional<File> copy) {
  if (!copy) {
    Result<File> made = copy_of(*template_, name_);
    if (!made) return about_image(path_, made.error().message);
    copy = *std::move(made);
  }
  copy_ = *std::move(copy);
  // By the process's number rather than "self", so that a debugger finds it too.
  const std::string path = fmt::format("/proc/{}/fd/{}", getpid(), copy_.fd());
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) return about_image(path_, fmt::format("cannot be mapped: {}", dlerror()));
  link_map* map = nullptr;
  if (dlinfo(handle_, RTLD_DI_LINKMAP, &map) != 0)
    return about_image(path_, fmt::format("cannot be found: {}", dlerror()));
  bias_ = reinterpret_cast<std::byte*>(map->l_addr);
  base_ = at(facts().first_page);
  bytes_ = static_cast<std::size_t>(facts().bytes);
  functions_.reserve(facts().functions.size());
  for (const ElfFunction& function : facts().functions) {
    functions_.push_back({function.address - facts().first_page, function.name});
  }
  for (const ElfRange& range : facts().writable) {
    writable_.emplace_back(at(range.address), static_cast<std::size_t>(range.bytes));
  }
  return {};
}

Result<void> ElfImage::relocate() {
  for (const ElfRelocation& relocation : facts().relocations) {
    std::uint64_t value = relocation.addend;
    switch (relocation.value) {
      case ElfRelocation::Value::base:
      case ElfRelocation::Value::own:
        value += reinterpret_cast<std::uint64_t>(bias_);
        break;
      case ElfRelocation::Value::import:
        value += reinterpret_cast<std::uint64_t>(imports_[relocation.index]);
        break;
      case ElfRelocation::Value::absolute:
        break;
    }
    std::memcpy(at(relocation.address), &value, sizeof value);
  }
  if (facts().relro.bytes != 0 && mprotect(at(facts().relro.address), facts().relro.bytes, PROT_READ) != 0) {
    return about_image(path_, fmt::format("cannot be protected: {}", std::strerror(errno)));
  }
  return {};
}

}  // namespace dumpsim::loader
