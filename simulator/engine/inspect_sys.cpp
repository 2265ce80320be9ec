// SPDX-License-Identifier: Apache-2.0
// A .sys in words: `dumpsim inspect` and `dumpsim inspect --hvci`.
#include "engine/inspect_sys.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "kernel/documented.hpp"
#include "kernel/exports.hpp"
#include "loader/pe_integrity.hpp"
#include "loader/pe_references.hpp"
#include "loader/pe_signature.hpp"

namespace dumpsim::engine {
namespace {

std::string protection(const loader::PeSection& section) {
  std::string text;
  text += section.readable() ? 'r' : '-';
  text += section.writable() ? 'w' : '-';
  text += section.executable() ? 'x' : '-';
  return text;
}

std::string_view fate(const loader::PeSection& section) {
  if (section.discarded()) return "  discarded after DriverEntry";
  if (section.pageable()) return "  pageable: not to be touched at DISPATCH_LEVEL and above";
  return "";
}

std::string certificate_words(const loader::PeCertificate& certificate) {
  std::string_view kind;
  switch (certificate.type) {
    case 1:
      kind = "X.509 certificate";
      break;
    case 2:
      kind = "Authenticode (PKCS#7)";
      break;
    case 4:
      kind = "terminal server stack signature";
      break;
    default:
      return fmt::format("of type {}, {}", certificate.type, format_size(certificate.bytes));
  }
  return fmt::format("{}, {}", kind, format_size(certificate.bytes));
}

std::string import_words(const loader::PeImport& import, bool& provided) {
  provided = true;
  if (!import.ordinal && loader::is_kernel_library(import.library)) {
    if (loader::is_compiler_support(import.name)) return "provided";
    if (const kernel::Export* row = kernel::find_export(import.name)) {
      return fmt::format("provided, IRQL <= {}", row->max_irql);
    }
  }
  provided = false;
  if (!loader::is_kernel_library(import.library)) {
    const std::string_view role = loader::role_of_library(import.library);
    return role.empty() ? std::string("NOT SIMULATED") : fmt::format("NOT SIMULATED: {}", role);
  }
  return kernel::is_documented(import.name) ? "NOT SIMULATED, a documented function" : "NOT SIMULATED";
}

/// Where the code uses what is missing: "; DriverEntry+0x12, +0x1234 and 3 more".
std::string places(const loader::PeFacts& facts, const std::vector<std::uint32_t>& addresses) {
  constexpr std::size_t named = 3;
  if (addresses.empty()) return "; no code uses it";
  std::string text = "; used by ";
  for (std::size_t i = 0; i < addresses.size() && i < named; ++i) {
    text += (i == 0 ? "" : ", ") + loader::function_name(facts, addresses[i]);
  }
  if (addresses.size() > named) text += fmt::format(" and {} more", addresses.size() - named);
  return text;
}

/// Each signature of the entry in lines of its own, the outermost first. Who trusts it is not said: no chain is built.
std::string signature_words(std::span<const std::byte> file, const loader::PeFacts& facts,
                            const loader::PeCertificate& certificate) {
  const auto signatures = loader::read_signatures(file, facts, certificate);
  if (!signatures) return fmt::format("    damaged     {}\n", signatures.error().message);
  std::string text;
  for (const loader::PeSignature& signature : *signatures) {
    text += fmt::format("    signer      {}, issued by {}, serial {}\n",
                        signature.signer.empty() ? "not in the signature" : signature.signer, signature.issuer,
                        signature.serial);
    text += fmt::format("    kind        {}; the chain is not verified\n", loader::describe(signature.kind));
    text += fmt::format("    signs       {} of the image, which {}\n", signature.algorithm,
                        signature.hash_matches ? "it has" : "it has NOT: changed after it was signed");
    text += fmt::format("    page hashes {}\n", signature.page_hashes.empty() ? "none" : signature.page_hashes);
    text += fmt::format("    timestamp   {}\n", signature.timestamp.empty() ? "none" : signature.timestamp);
  }
  return text;
}

}  // namespace

std::string describe_sys(const std::filesystem::path& path, std::span<const std::byte> file,
                         const loader::PeFacts& facts) {
  std::string text = fmt::format("{}: Windows image (PE32+) for x64, subsystem {}, {} in memory\n", path.string(),
                                 loader::pe_subsystem_name(facts.subsystem), format_size(facts.bytes));
  text += "  convention  Microsoft x64\n";
  text += facts.entry == 0 ? std::string("  entry       none\n") : fmt::format("  entry       +{:#x}\n", facts.entry);
  if (facts.load_config) {
    const loader::PeLoadConfig& config = *facts.load_config;
    text += fmt::format("  load config {} bytes: security cookie {}, control flow guard {}\n", config.bytes,
                        config.security_cookie == 0 ? "none" : fmt::format("+{:#x}", config.security_cookie),
                        config.guard_check == 0 && config.guard_dispatch == 0
                            ? "none"
                            : fmt::format("check +{:#x}, dispatch +{:#x}, flags {:#x}", config.guard_check,
                                          config.guard_dispatch, config.guard_flags));
  }
  if (facts.load_config && facts.load_config->extended_check + facts.load_config->extended_dispatch != 0) {
    text += "  note        extended flow guard: its checks check nothing here, as on a Windows without it\n";
  }
  if (facts.load_config && facts.load_config->dynamic_relocations) {
    text += "  note        dynamic relocations (retpolines, import optimisation) are not applied\n";
  }
  if (facts.tls) {
    text += fmt::format("  note        thread-local storage with {} callback{}: Windows sets up none for a driver\n",
                        facts.tls->callbacks, facts.tls->callbacks == 1 ? "" : "s");
  }
  if (facts.delay_imports != 0) text += "  note        imports loaded with delay: nothing in a kernel resolves them\n";
  if (facts.certificates.empty()) text += "  signature   none embedded\n";
  for (const loader::PeCertificate& certificate : facts.certificates) {
    text += fmt::format("  signature   {}\n", certificate_words(certificate));
    text += signature_words(file, facts, certificate);
  }
  text += fmt::format("  hash        sha256 {}, as catalogues list it\n", loader::authentihash(file, facts, "sha256"));
  if (!facts.pdb.empty()) text += fmt::format("  symbols     {}\n", facts.pdb);
  text += fmt::format("  relocations {}\n", facts.relocations_stripped  ? "stripped"
                                            : facts.relocations.empty() ? "none needed"
                                                                        : std::to_string(facts.relocations.size()));
  if (facts.function_table.bytes != 0) {
    text += fmt::format("  functions   {} with unwind information\n", facts.function_table.bytes / 12);
  }

  text += fmt::format("\nsections ({})\n", facts.sections.size());
  for (const loader::PeSection& section : facts.sections) {
    text += fmt::format("  {:<8} {}  +{:#x}, {} bytes{}\n", section.name, protection(section), section.address,
                        section.bytes, fate(section));
  }
  text += fmt::format("\nexports ({})\n", facts.exports.size());
  for (const loader::PeExport& row : facts.exports) {
    text += fmt::format("  {:<40} {}\n", row.name,
                        row.forward.empty() ? fmt::format("+{:#x}", row.address) : "forwards to " + row.forward);
  }
  text += fmt::format("\nimports ({})\n", facts.imports.size());
  std::size_t missing = 0;
  const auto references = loader::import_references(file, facts);
  for (const loader::PeImport& import : facts.imports) {
    bool provided = false;
    const std::string words = import_words(import, provided);
    if (!provided) ++missing;
    text += fmt::format("  {:<40} {}{}\n",
                        loader::is_kernel_library(import.library) ? import.name : import.library + "!" + import.name,
                        words, provided ? "" : places(facts, references.at(import.slot)));
  }
  if (auto good = loader::check_pe_driver(facts); !good) {
    text += fmt::format("\ndoes not load: {}\n", good.error().message);
  } else if (missing != 0) {
    text += fmt::format("\nloads; calling {} ends the run and names it\n",
                        missing == 1 ? "the import that is not simulated"
                                     : fmt::format("any of the {} imports that are not simulated", missing));
  } else {
    text += "\nloads: every import is provided\n";
  }
  return text;
}

Inspection describe_memory_integrity(const std::filesystem::path& path, const loader::PeFacts& facts) {
  Inspection result;
  std::string hints;
  for (const loader::IntegrityFinding& finding : loader::check_memory_integrity(facts)) {
    if (finding.refused) {
      result.refused = true;
      result.text += fmt::format("  refused  0xC4 {:#x}  {}\n", finding.code, finding.text);
    } else {
      hints += fmt::format("  hint     0xC4 {:#x}  {}\n", finding.code, finding.text);
    }
  }
  result.text = fmt::format("{}: {}\n", path.string(),
                            result.refused ? "memory integrity (HVCI) refuses it"
                                           : "nothing in the file that memory integrity (HVCI) refuses") +
                result.text + hints;
  if (facts.certificates.empty()) {
    result.text += "  note     no signature is embedded: Windows loads it by a catalogue or in test mode only\n";
  }
  return result;
}

}  // namespace dumpsim::engine
