// SPDX-License-Identifier: Apache-2.0
// What an embedded Authenticode signature (PKCS#7) says: who, by whose certificate, of what kind, over which hash. It
// is read for people; nothing is verified but the hash, and no chain is built: whether Windows trusts the signer
// depends on stores and policies that are not here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "loader/pe_facts.hpp"

namespace dumpsim::loader {

/// By the extended key usages of the signer's certificate [doc], then by who issued what is in the signature.
enum class SignatureKind : std::uint8_t {
  system_component,  ///< Windows' own
  extended_whql,     ///< tested by Microsoft, with more
  whql,              ///< tested by Microsoft
  attestation,       ///< signed by Microsoft on the author's word
  cross_signed,      ///< by the author, whose issuer Microsoft's code verification root has signed: before 2021
  self_signed,       ///< a certificate that nobody else signed: test signing
  other,             ///< by some other certificate
};
std::string_view describe(SignatureKind kind);

struct PeSignature {
  std::string signer;  ///< "Example Corporation", the certificate's common name; empty when it is not in there
  std::string issuer;
  std::string serial;     ///< hexadecimal
  std::string algorithm;  ///< "sha256", of the hash over the image
  SignatureKind kind = SignatureKind::other;
  bool hash_matches = false;  ///< the image is what was signed
  std::string page_hashes;    ///< "sha1", "sha256"; empty when there are none
  std::string timestamp;      ///< "RFC 3161", "countersignature"; empty when there is none
};

/// The signature in one certificate table entry and those nested in it, the outermost first. Fails with what is wrong.
/// REQUIRES: `facts` came from `file`.
Result<std::vector<PeSignature>> read_signatures(std::span<const std::byte> file, const PeFacts& facts,
                                                 const PeCertificate& certificate);

/// The hash over an image without its checksum and signature, in hexadecimal: what signatures sign and catalogues list
/// [doc: Authenticode PE signature format]. `algorithm` as OpenSSL names it; empty for one it does not know.
std::string authentihash(std::span<const std::byte> file, const PeFacts& facts, const std::string& algorithm);

}  // namespace dumpsim::loader
