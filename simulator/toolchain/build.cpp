// SPDX-License-Identifier: Apache-2.0
#include "toolchain/build.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <system_error>
#include <utility>

#include "base/file.hpp"
#include "loader/elf_facts.hpp"
#include "toolchain/diagnostics.hpp"
#include "toolchain/explain.hpp"
#include "toolchain/header_index.hpp"
#include "toolchain/process.hpp"
#include "toolchain/source_signs.hpp"

namespace dumpsim::toolchain {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t library_limit = std::uint64_t{16} << 20;
constexpr std::uint64_t image_limit = std::uint64_t{256} << 20;

/// A folder that goes with its owner.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  Result<void> make() {
    std::error_code failed;
    std::string name = (fs::temp_directory_path(failed) / "dumpsim-cc.XXXXXX").string();
    if (failed) return Error{fmt::format("cannot make a folder for objects (TMPDIR): {}", failed.message()), true};
    if (mkdtemp(name.data()) == nullptr)
      return Error{fmt::format("cannot make the folder {} for objects: {}", name, std::strerror(errno)), true};
    folder_ = name;
    return {};
  }
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

/// What the import library of `way` offers; a .sys imports the same names.
Result<std::vector<std::string>> exports_of(Way way, const Kit& kit) {
  const fs::path library = kit.libraries / (way == Way::system_v ? "libntoskrnl.so" : "libntoskrnl-ms.so");
  const Result<std::string> text = read_text(library, library_limit);
  if (!text) return text.error();
  const auto* first = reinterpret_cast<const std::byte*>(text->data());
  const auto facts = loader::read_elf({first, text->size()});
  if (!facts) return Error{fmt::format("{}: {}", library.string(), facts.error().message)};
  std::vector<std::string> names;
  for (const loader::ElfExport& row : facts->exports) names.push_back(row.name);
  return names;
}

std::vector<std::string> headers_of_user(const Request& request) {
  std::set<fs::path> folders(request.includes.begin(), request.includes.end());
  for (const fs::path& source : request.sources) {
    folders.insert(source.has_parent_path() ? source.parent_path() : fs::path("."));
  }
  std::vector<std::string> names;
  for (const fs::path& folder : folders) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) names.push_back(entry.path().filename().string());
  }
  return names;
}

Result<std::vector<std::string>> explanations_of(const std::string& said, Way way, const Request& request,
                                                 const Kit& kit) {
  const std::vector<MissingName> missing = read_diagnostics(said);
  if (missing.empty()) return std::vector<std::string>();
  Result<std::vector<std::string>> exports = exports_of(way, kit);
  if (!exports) return exports.error();
  const Result<HeaderIndex> headers = HeaderIndex::read(kit.headers);
  if (!headers) return headers.error();
  const Known known{*std::move(exports), *headers, headers_of_user(request)};
  std::vector<std::string> lines;
  lines.reserve(missing.size());
  for (const MissingName& name : missing) lines.push_back(explain(name, known));
  return lines;
}

/// What of `source` the compiler sees; empty for what is not C or C++, and where it does not preprocess.
Result<std::string> preprocessed(const fs::path& source, const Request& request, const Kit& kit,
                                 const Compilers& compilers) {
  if (!is_compiled(source) || source.extension() == ".S" || source.extension() == ".s") return std::string();
  const Result<std::vector<std::string>> command = plan_preprocessing(source, request, kit, compilers);
  if (!command) return command.error();
  Result<Said> said = run(*command);
  if (!said) return said.error();
  return std::move(said->output);
}

/// What an ELF image was linked without.
Result<std::vector<std::string>> trapped_in(Way way, const std::string& image, const Kit& kit) {
  const auto facts = loader::read_elf({reinterpret_cast<const std::byte*>(image.data()), image.size()});
  if (!facts) return facts.error();
  const auto exports = exports_of(way, kit);
  if (!exports) return exports.error();
  std::vector<std::string> names;
  for (const loader::ElfImport& import : facts->imports) {
    if (!import.weak && std::find(exports->begin(), exports->end(), import.name) == exports->end()) {
      names.push_back(import.name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Why the image would not load: an entry that no source defines is no error to a linker, which drops what nothing
/// calls, the missing names among it. A `.sys` has told its linker the entry's name.
std::vector<std::string> without_entry(Way way, const std::string& image) {
  if (way == Way::sys) return {};
  const auto facts = loader::read_elf({reinterpret_cast<const std::byte*>(image.data()), image.size()});
  if (!facts) return {facts.error().message};
  const auto entry = loader::find_driver_entry(*facts);
  if (entry) return {};
  return {fmt::format(
      "the image {}; add the source that defines it, or a companion whose DriverEntry calls the filter's own entry "
      "(docs/real-filters.md)",
      entry.error().message)};
}

/// The names that a linker did not find.
std::vector<std::string> unresolved(const std::string& said) {
  std::vector<std::string> names;
  for (const MissingName& name : read_diagnostics(said)) {
    if (name.kind != MissingName::Kind::reference) continue;  // what the compiler warned of is linked all the same
    names.push_back(name.name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

/// A .sys names its imports: what `said` misses becomes imports of the kernel, by a library of their own.
Result<void> import_missing(const std::string& said, Request& request, const fs::path& folder,
                            const Compilers& compilers) {
  const std::vector<std::string> names = unresolved(said);
  if (names.empty()) return {};
  std::string definition = "NAME ntoskrnl.exe\nEXPORTS\n";
  for (const std::string& name : names) definition += name + "\n";
  if (Result<void> written = write_text(folder / "missing.def", definition, false); !written) return written;
  const fs::path library = folder / "missing.lib";
  const auto command = plan_import_library(folder / "missing.def", library, compilers);
  if (!command) return command.error();
  const Result<Said> made = run(*command);
  if (!made) return made.error();
  if (made->exit_code != 0) return Error{fmt::format("{}: {}{}", command->front(), made->output, made->errors)};
  request.trapped = library;
  return {};
}

}  // namespace

Result<Choice> choose_way(const Request& request, const Kit& kit, const Compilers& compilers) {
  std::optional<WindowsSign> windows;
  for (const fs::path& source : request.sources) {
    const Result<std::string> text = preprocessed(source, request, kit, compilers);
    if (!text) return text.error();
    if (const auto sign = find_exception_sign(*text, kit.headers)) {
      return Choice{Way::sys, fmt::format("{} has {}", sign->place, sign->what)};
    }
    if (!windows) windows = find_windows_sign(*text, kit.headers);
  }
  if (windows) return Choice{Way::windows, fmt::format("{} has {}", windows->place, windows->what)};
  return Choice{Way::system_v, "nothing in the sources depends on Windows' data model"};
}

void find_exceptions(Request& request, const Kit& kit, const Compilers& compilers) {
  for (const fs::path& source : request.sources) {
    const Result<std::string> text = preprocessed(source, request, kit, compilers);
    if (!text) return;  // without gcc and clang there is only mingw-w64, which says itself what it needs
    if (find_exception_sign(*text, kit.headers)) request.with_exceptions.push_back(source);
  }
}

Result<Built> build(Way way, const Request& request, const Kit& kit, const Compilers& compilers, bool replace) {
  std::error_code ignored;
  for (const fs::path& source : request.sources) {
    if (fs::is_directory(source, ignored)) {
      return Error{
          fmt::format("{0}: a folder, expected a source; a folder of headers is given as -I {0}", source.string())};
    }
    if (!fs::is_regular_file(source, ignored)) return Error{fmt::format("{}: no such file", source.string())};
  }
  Result<NewFile> image = NewFile::create(request.output, replace);
  if (!image) return image.error();
  Scratch scratch;
  if (Result<void> made = scratch.make(); !made) return made.error();
  Request inside = request;
  inside.output = scratch.folder() / "image.sys";  // mingw-w64's gcc makes "image.exe" of a name without an ending
  const Result<Plan> plan = plan_commands(way, inside, kit, compilers, scratch.folder());
  if (!plan) return plan.error();

  Built built;
  bool good = true;
  // Every source is compiled, so that all their mistakes are told at once.
  for (const Plan::Compile& compile : plan->compiles) {
    const Result<Said> said = run(compile.command);
    if (!said) return said.error();
    built.said += said->errors;
    good = good && said->exit_code == 0;
  }
  if (good) {
    Result<Said> said = run(plan->link);
    if (!said) return said.error();
    if (said->exit_code != 0 && way == Way::sys && request.trap_missing) {
      if (Result<void> made = import_missing(said->output + said->errors, inside, scratch.folder(), compilers); !made) {
        return made.error();
      }
      const Result<Plan> again = plan_commands(way, inside, kit, compilers, scratch.folder());
      if (!again) return again.error();
      if (!inside.trapped.empty()) built.trapped = unresolved(said->output + said->errors);
      said = run(again->link);
      if (!said) return said.error();
    }
    built.said += said->output + said->errors;
    good = said->exit_code == 0;
  }
  if (!good) {
    Result<std::vector<std::string>> lines = explanations_of(built.said, way, request, kit);
    if (!lines) return lines.error();
    built.explanations = *std::move(lines);
    return built;
  }
  const Result<std::string> bytes = read_text(inside.output, image_limit);
  if (!bytes) return bytes.error();
  built.explanations = without_entry(way, *bytes);
  if (!built.explanations.empty()) return built;
  if (request.trap_missing && way != Way::sys) {
    auto names = trapped_in(way, *bytes, kit);
    if (!names) return names.error();
    built.trapped = *std::move(names);
  }
  if (Result<void> written =
          image->file().write_at(0, {reinterpret_cast<const std::byte*>(bytes->data()), bytes->size()});
      !written) {
    return written.error();
  }
  if (Result<void> done = image->commit(); !done) return done.error();
  built.made = true;
  return built;
}

}  // namespace dumpsim::toolchain
