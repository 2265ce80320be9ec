// SPDX-License-Identifier: Apache-2.0
#include "loader/pe_signature.hpp"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string_view>

namespace dumpsim::loader {
namespace {

constexpr std::uint16_t authenticode = 2;  // WIN_CERT_TYPE_PKCS_SIGNED_DATA
constexpr unsigned nesting_limit = 8;

constexpr std::string_view indirect_data = "1.3.6.1.4.1.311.2.1.4";
constexpr std::string_view nested_signature = "1.3.6.1.4.1.311.2.4.1";
constexpr std::string_view timestamp_token = "1.3.6.1.4.1.311.3.3.1";
constexpr std::string_view countersignature = "1.2.840.113549.1.9.6";
constexpr std::string_view verification_root = "Microsoft Code Verification Root";
// Object identifiers 1.3.6.1.4.1.311.2.3.1 and .2 as they stand in the signed bytes, but for the last one.
constexpr std::array<std::uint8_t, 11> page_hash_prefix = {0x06, 0x0A, 0x2B, 0x06, 0x01, 0x04,
                                                           0x01, 0x82, 0x37, 0x02, 0x03};

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Pkcs7 = std::unique_ptr<PKCS7, Freed<PKCS7_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;

/// Names come from outside and go to a terminal.
std::string printable(std::string_view text) {
  std::string result;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    result += byte < 0x20 || byte == 0x7F ? '?' : character;
  }
  return result;
}

std::string object_text(const ASN1_OBJECT* object) {
  char text[80];
  const int length = OBJ_obj2txt(text, sizeof text, object, 1);
  return length <= 0 ? std::string() : std::string(text, std::min<std::size_t>(static_cast<std::size_t>(length), 79));
}

/// The common name, or the organisation where there is none.
std::string name_text(const X509_NAME* name) {
  for (const int field : {NID_commonName, NID_organizationName}) {
    const int at = X509_NAME_get_index_by_NID(name, field, -1);
    if (at < 0) continue;
    unsigned char* text = nullptr;
    const int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (length < 0) continue;
    std::string result = printable({reinterpret_cast<const char*>(text), static_cast<std::size_t>(length)});
    OPENSSL_free(text);
    return result;
  }
  return {};
}

std::string serial_text(const ASN1_INTEGER* serial) {
  const Number number(ASN1_INTEGER_to_BN(serial, nullptr));
  if (number == nullptr) return {};
  char* text = BN_bn2hex(number.get());
  std::string result = text == nullptr ? "" : text;
  OPENSSL_free(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

SignatureKind kind_of(X509* signer, const STACK_OF(X509) * certificates) {
  struct Usage {
    std::string_view object;
    SignatureKind kind;
  };
  // From the most special to the least: certificates carry several [doc: object identifiers of Microsoft's
  // cryptography].
  constexpr std::array usages{Usage{"1.3.6.1.4.1.311.10.3.5.1", SignatureKind::attestation},
                              Usage{"1.3.6.1.4.1.311.10.3.39", SignatureKind::extended_whql},
                              Usage{"1.3.6.1.4.1.311.10.3.5", SignatureKind::whql},
                              Usage{"1.3.6.1.4.1.311.10.3.6", SignatureKind::system_component}};
  auto* extended = static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(signer, NID_ext_key_usage, nullptr, nullptr));
  SignatureKind kind = SignatureKind::other;
  for (const Usage& usage : usages) {
    for (int i = 0; kind == SignatureKind::other && i < sk_ASN1_OBJECT_num(extended); ++i) {
      if (object_text(sk_ASN1_OBJECT_value(extended, i)) == usage.object) kind = usage.kind;
    }
  }
  sk_ASN1_OBJECT_pop_free(extended, ASN1_OBJECT_free);
  if (kind != SignatureKind::other) return kind;
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    if (name_text(X509_get_issuer_name(sk_X509_value(certificates, i))) == verification_root) {
      return SignatureKind::cross_signed;
    }
  }
  return X509_NAME_cmp(X509_get_subject_name(signer), X509_get_issuer_name(signer)) == 0 ? SignatureKind::self_signed
                                                                                         : SignatureKind::other;
}

/// One element of DER: its content and what follows it. False at the end, or where the lengths do not fit.
struct Element {
  std::uint8_t tag = 0;
  std::span<const std::uint8_t> content;
};
bool take(std::span<const std::uint8_t>& from, Element& element) {
  if (from.size() < 2 || (from[0] & 0x1F) == 0x1F) return false;
  std::size_t length = from[1];
  std::size_t header = 2;
  if (length >= 0x80) {
    const std::size_t bytes = length & 0x7F;
    if (bytes == 0 || bytes > 4 || from.size() < 2 + bytes) return false;
    length = 0;
    for (std::size_t i = 0; i < bytes; ++i) length = length << 8 | from[2 + i];
    header += bytes;
  }
  if (length > from.size() - header) return false;
  element = {from[0], from.subspan(header, length)};
  from = from.subspan(header + length);
  return true;
}

/// What was signed: SEQUENCE { what it is, SEQUENCE { SEQUENCE { algorithm, … }, OCTET STRING hash } }.
bool read_digest(std::span<const std::uint8_t> content, std::string& algorithm, std::string& digest) {
  constexpr std::uint8_t sequence = 0x30, object_identifier = 0x06, octets = 0x04;
  Element whole, what, hashed, named, object, value;
  if (!take(content, whole) || whole.tag != sequence) return false;
  std::span<const std::uint8_t> rest = whole.content;
  if (!take(rest, what) || !take(rest, hashed) || hashed.tag != sequence) return false;
  rest = hashed.content;
  if (!take(rest, named) || named.tag != sequence || !take(rest, value) || value.tag != octets) return false;
  rest = named.content;
  if (!take(rest, object) || object.tag != object_identifier) return false;
  const auto* at = object.content.data();
  ASN1_OBJECT* read = nullptr;
  const std::uint8_t* whole_object = at - 2;  // its length has one byte: longer ones are none of ours
  if (object.content.empty() || object.content.size() >= 0x80 ||
      (read = d2i_ASN1_OBJECT(nullptr, &whole_object, static_cast<long>(object.content.size() + 2))) == nullptr) {
    return false;
  }
  const int id = OBJ_obj2nid(read);
  algorithm = id == NID_undef ? object_text(read) : OBJ_nid2ln(id);
  ASN1_OBJECT_free(read);
  digest = hexadecimal(value.content);
  return true;
}

std::string page_hashes_of(std::span<const std::uint8_t> content) {
  const auto found = std::search(content.begin(), content.end(), page_hash_prefix.begin(), page_hash_prefix.end());
  if (content.end() - found <= static_cast<std::ptrdiff_t>(page_hash_prefix.size())) return {};
  return found[page_hash_prefix.size()] == 2 ? "sha256" : "sha1";
}

class Reader {
 public:
  Reader(std::span<const std::byte> file, const PeFacts& facts) : file_(file), facts_(facts) {}

  /// What lies behind the outermost one's end is padding.
  Result<void> read(std::span<const std::uint8_t> bytes, unsigned depth) {
    const unsigned char* at = bytes.data();
    const Pkcs7 message(d2i_PKCS7(nullptr, &at, static_cast<long>(bytes.size())));
    if (message == nullptr) return Error{"no PKCS#7 message"};
    if (!PKCS7_type_is_signed(message.get()) || message->d.sign == nullptr || message->d.sign->contents == nullptr) {
      return Error{"a PKCS#7 message that is not signed data"};
    }
    const PKCS7_SIGNED& data = *message->d.sign;
    if (object_text(data.contents->type) != indirect_data || data.contents->d.other == nullptr ||
        data.contents->d.other->type != V_ASN1_SEQUENCE) {
      return Error{"a PKCS#7 message about something else than an image"};
    }
    const ASN1_STRING& content = *data.contents->d.other->value.sequence;
    const std::span<const std::uint8_t> signed_bytes(content.data, static_cast<std::size_t>(content.length));

    PeSignature signature;
    std::string digest;
    if (!read_digest(signed_bytes, signature.algorithm, digest)) return Error{"a signature without a hash"};
    signature.hash_matches = !digest.empty() && digest == authentihash(file_, facts_, signature.algorithm);
    signature.page_hashes = page_hashes_of(signed_bytes);
    const STACK_OF(PKCS7_SIGNER_INFO)* signers = data.signer_info;
    if (sk_PKCS7_SIGNER_INFO_num(signers) < 1) return Error{"a signature by nobody"};
    const PKCS7_SIGNER_INFO& signer = *sk_PKCS7_SIGNER_INFO_value(signers, 0);
    signature.issuer = name_text(signer.issuer_and_serial->issuer);
    signature.serial = serial_text(signer.issuer_and_serial->serial);
    X509* certificate =
        X509_find_by_issuer_and_serial(data.cert, signer.issuer_and_serial->issuer, signer.issuer_and_serial->serial);
    if (certificate != nullptr) {
      signature.signer = name_text(X509_get_subject_name(certificate));
      signature.kind = kind_of(certificate, data.cert);
    }
    std::vector<std::span<const std::uint8_t>> nested;
    read_attributes(signer, signature, nested);
    found.push_back(std::move(signature));
    if (depth == nesting_limit) return {};
    for (const std::span<const std::uint8_t> more : nested) {
      if (Result<void> good = read(more, depth + 1); !good) return good;
    }
    return {};
  }

  std::vector<PeSignature> found;

 private:
  /// What was added to the signature after signing: a timestamp, further signatures.
  static void read_attributes(const PKCS7_SIGNER_INFO& signer, PeSignature& signature,
                              std::vector<std::span<const std::uint8_t>>& nested) {
    for (int i = 0; i < sk_X509_ATTRIBUTE_num(signer.unauth_attr); ++i) {
      X509_ATTRIBUTE* attribute = sk_X509_ATTRIBUTE_value(signer.unauth_attr, i);
      const std::string object = object_text(X509_ATTRIBUTE_get0_object(attribute));
      if (object == timestamp_token) signature.timestamp = "RFC 3161";
      if (object == countersignature && signature.timestamp.empty()) signature.timestamp = "countersignature";
      if (object != nested_signature) continue;
      for (int n = 0; n < X509_ATTRIBUTE_count(attribute) && nested.size() < nesting_limit; ++n) {
        const ASN1_TYPE* value = X509_ATTRIBUTE_get0_type(attribute, n);
        if (value == nullptr || value->type != V_ASN1_SEQUENCE) continue;
        nested.emplace_back(value->value.sequence->data, static_cast<std::size_t>(value->value.sequence->length));
      }
    }
  }

  std::span<const std::byte> file_;
  const PeFacts& facts_;
};

}  // namespace

std::string_view describe(SignatureKind kind) {
  switch (kind) {
    case SignatureKind::system_component:
      return "a component of Windows, signed by Microsoft";
    case SignatureKind::extended_whql:
      return "WHQL with extended verification: tested and signed by Microsoft";
    case SignatureKind::whql:
      return "WHQL: tested and signed by Microsoft";
    case SignatureKind::attestation:
      return "attestation: signed by Microsoft on the author's word, for Windows 10 and later";
    case SignatureKind::cross_signed:
      return "cross-signed by the author: not for new drivers of Windows 10 1607 and later with secure boot";
    case SignatureKind::self_signed:
      return "self-signed: loads in test mode alone";
    case SignatureKind::other:
      break;
  }
  return "by the author's certificate, without Microsoft's: loads in test mode alone";
}

Result<std::vector<PeSignature>> read_signatures(std::span<const std::byte> file, const PeFacts& facts,
                                                 const PeCertificate& certificate) {
  if (certificate.type != authenticode) return std::vector<PeSignature>{};
  const std::span<const std::byte> bytes = file.subspan(certificate.file_offset, certificate.bytes);
  Reader reader(file, facts);
  if (Result<void> good = reader.read({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, 0); !good) {
    return good.error();
  }
  return std::move(reader.found);
}

std::string authentihash(std::span<const std::byte> file, const PeFacts& facts, const std::string& algorithm) {
  const EVP_MD* digest = EVP_get_digestbyname(algorithm.c_str());
  const DigestContext context(EVP_MD_CTX_new());
  if (digest == nullptr || context == nullptr || EVP_DigestInit_ex(context.get(), digest, nullptr) != 1) return {};
  std::size_t next = 0;
  const auto leave_out = [&](std::size_t offset, std::size_t bytes) {
    offset = std::clamp(offset, next, file.size());
    EVP_DigestUpdate(context.get(), file.data() + next, offset - next);
    next = std::min(file.size(), offset + bytes);
  };
  leave_out(facts.checksum_offset, 4);
  if (facts.security_directory_offset != 0) leave_out(facts.security_directory_offset, 8);
  leave_out(facts.signatures.address != 0 ? facts.signatures.address : file.size(), facts.signatures.bytes);
  leave_out(file.size(), 0);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> value{};
  unsigned length = 0;
  if (EVP_DigestFinal_ex(context.get(), value.data(), &length) != 1) return {};
  return hexadecimal(std::span(value).first(length));
}

}  // namespace dumpsim::loader
