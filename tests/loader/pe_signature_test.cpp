// SPDX-License-Identifier: Apache-2.0
// Signatures made by osslsigncode (fixtures/signed/make.sh), as `dumpsim inspect` tells them; and where an image's code
// uses an import.
#include "loader/pe_signature.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "base/random.hpp"
#include "loader/pe_references.hpp"
#include "pe_builder.hpp"

namespace dumpsim::loader {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string bytes_of(const std::string& name) {
  std::ifstream file(std::filesystem::path(DUMPSIM_SIGNED) / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::span<const std::byte> span_of(const std::string& bytes) {
  return std::as_bytes(std::span(bytes));
}
Result<std::vector<PeSignature>> signatures_of(const std::string& bytes) {
  const Result<PeFacts> facts = read_pe(span_of(bytes));
  if (!facts) return facts.error();
  if (facts->certificates.size() != 1) return Error{"not one certificate"};
  return read_signatures(span_of(bytes), *facts, facts->certificates[0]);
}

TEST(PeSignature, TestedByMicrosoftWithPageHashesAndTimestamp) {
  const auto found = signatures_of(bytes_of("whql.sys"));
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 1u);
  const PeSignature& signature = found->front();
  EXPECT_EQ(signature.signer, "Example Hardware Publisher");
  EXPECT_EQ(signature.issuer, "Example Root");
  EXPECT_EQ(signature.serial, "1234abcd");
  EXPECT_EQ(signature.algorithm, "sha256");
  EXPECT_EQ(signature.kind, SignatureKind::whql);
  EXPECT_TRUE(signature.hash_matches);
  EXPECT_EQ(signature.page_hashes, "sha256");
  EXPECT_EQ(signature.timestamp, "RFC 3161");
}

TEST(PeSignature, ANestedOneFollowsTheFirst) {
  const auto found = signatures_of(bytes_of("nested.sys"));
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].signer, "Example Test Certificate");
  EXPECT_EQ((*found)[0].algorithm, "sha1");
  EXPECT_EQ((*found)[0].kind, SignatureKind::self_signed);
  EXPECT_TRUE((*found)[0].hash_matches);
  EXPECT_EQ((*found)[0].page_hashes, "");
  EXPECT_EQ((*found)[0].timestamp, "");
  EXPECT_EQ((*found)[1].signer, "Example Attestation");
  EXPECT_EQ((*found)[1].algorithm, "sha256");
  EXPECT_EQ((*found)[1].kind, SignatureKind::attestation) << "though it has the usage of WHQL too";
  EXPECT_TRUE((*found)[1].hash_matches);
}

TEST(PeSignature, CrossSignedByTheChainThatItCarries) {
  const auto found = signatures_of(bytes_of("cross.sys"));
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].signer, "Example Author") << "the organisation, where there is no common name";
  EXPECT_EQ((*found)[0].issuer, "Example Authority");
  EXPECT_EQ((*found)[0].kind, SignatureKind::cross_signed);
}

// As osslsigncode prints it; the control: a changed byte of code, of the checksum, of the signature.
TEST(PeSignature, TheHashIsOfTheImageWithoutChecksumAndSignature) {
  std::string bytes = bytes_of("whql.sys");
  const Result<PeFacts> facts = read_pe(span_of(bytes));
  ASSERT_TRUE(facts);
  const auto hash = [&] { return authentihash(span_of(bytes), *facts, "sha256"); };
  const std::string before = hash();
  EXPECT_EQ(before, "eca3f7be04a6b36a6d3d0874169ec4322a6b84b9926a1d015cc6c99998692833");
  bytes[facts->checksum_offset] ^= 1;
  bytes[facts->security_directory_offset] ^= 1;
  bytes[facts->certificates[0].file_offset + 8] ^= 1;
  EXPECT_EQ(hash(), before);
  bytes[facts->sections[0].file_offset] ^= 1;
  EXPECT_NE(hash(), before);
  EXPECT_EQ(authentihash(span_of(bytes), *facts, "no such"), "");

  std::string changed = bytes_of("whql.sys");
  changed[facts->sections[0].file_offset] ^= 1;
  const auto found = signatures_of(changed);
  ASSERT_TRUE(found);
  EXPECT_FALSE((*found)[0].hash_matches);
}

TEST(PeSignature, WhatIsNoneIsSaidInWords) {
  std::string bytes = bytes_of("cross.sys");
  const Result<PeFacts> facts = read_pe(span_of(bytes));
  ASSERT_TRUE(facts);
  std::memset(bytes.data() + facts->certificates[0].file_offset, 0, facts->certificates[0].bytes);
  EXPECT_EQ(signatures_of(bytes).error().message, "no PKCS#7 message");
  PeCertificate other = facts->certificates[0];
  other.type = 1;
  EXPECT_TRUE(read_signatures(span_of(bytes), *facts, other)->empty()) << "a kind that Windows' loader passes over";
}

TEST(PeSignature, DamagedOnesAreHarmless) {
  const std::string sound = bytes_of("nested.sys");
  const Result<PeFacts> facts = read_pe(span_of(sound));
  ASSERT_TRUE(facts);
  const PeCertificate& certificate = facts->certificates[0];
  Random random(20261127);
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = sound;
    for (std::uint64_t i = 0; i <= random.below(4); ++i) {
      bytes[certificate.file_offset + random.below(certificate.bytes)] = static_cast<char>(random.below(256));
    }
    if (!read_signatures(span_of(bytes), *facts, certificate)) ++refused;
  }
  EXPECT_GT(refused, 100);
}

TEST(PeReferences, NamesTheCodeThatUsesAnImport) {
  PeBuilder builder;
  // call [slot]; mov rax, [slot]; ret; and what GNU linkers make: call a jmp [slot].
  std::string code("\xff\x15\0\0\0\0\x48\x8b\x05\0\0\0\0\xc3\xe8\x01\0\0\0\xc3\xff\x25\0\0\0\0", 26);
  const auto lead = [&](std::size_t at) {
    const auto distance = static_cast<std::int32_t>(PeBuilder::slots - (PeBuilder::text + at + 4));
    std::memcpy(code.data() + at, &distance, 4);
  };
  lead(2);
  lead(9);
  lead(22);
  builder.section(0).bytes = code;
  builder.section(0).header.bytes = static_cast<std::uint32_t>(code.size());
  const std::string bytes = builder.build();
  const Result<PeFacts> facts = read_pe(span_of(bytes));
  ASSERT_TRUE(facts) << facts.error().message;
  const auto found = import_references(span_of(bytes), *facts);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found.at(PeBuilder::slots), ElementsAre(PeBuilder::text, PeBuilder::text + 6, PeBuilder::text + 14));
  EXPECT_EQ(function_name(*facts, PeBuilder::text + 6), "the entry point+0x6");
  EXPECT_EQ(function_name(*facts, PeBuilder::data), "+0x3000");
}

}  // namespace
}  // namespace dumpsim::loader
