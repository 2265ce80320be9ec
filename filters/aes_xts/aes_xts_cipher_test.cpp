// SPDX-License-Identifier: Apache-2.0
// The cipher on its own, both implementations: against the published vectors of IEEE 1619, and against OpenSSL with
// random keys, positions and lengths. The tests' control is a ciphertext with one bit changed, which must not compare.
#include "aes_xts_cipher.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "xts_reference.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes from_hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

Bytes counting(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

class AesXtsCipher : public testing::TestWithParam<AES_XTS_IMPLEMENTATION> {
 protected:
  AES_XTS_KEY expand(const Bytes& key) {
    AES_XTS_KEY expanded{};
    EXPECT_EQ(AesXtsExpandKey(&expanded, key.data(), key.size(), GetParam()), 1);
    EXPECT_EQ(expanded.UsesAesNi != 0, GetParam() == AesXtsBest);
    return expanded;
  }
  Bytes encrypt(const Bytes& key, std::uint64_t unit, const Bytes& text) {
    const AES_XTS_KEY expanded = expand(key);
    Bytes result(text.size());
    AesXtsEncrypt(&expanded, unit, text.data(), result.data(), text.size());
    return result;
  }
  Bytes decrypt(const Bytes& key, std::uint64_t unit, const Bytes& text) {
    const AES_XTS_KEY expanded = expand(key);
    Bytes result(text.size());
    AesXtsDecrypt(&expanded, unit, text.data(), result.data(), text.size());
    return result;
  }
};

struct Vector {
  const char* name;
  const char* key;
  std::uint64_t unit;
  Bytes plain;
  const char* head;  // the first bytes of the ciphertext
  const char* tail;  // the last ones, or empty
};

// IEEE Std 1619-2007, annex B.
const Vector vectors[] = {
    {"vector 1", "0000000000000000000000000000000000000000000000000000000000000000", 0, Bytes(32, 0),
     "917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e", ""},
    {"vector 2", "1111111111111111111111111111111122222222222222222222222222222222", 0x3333333333, Bytes(32, 0x44),
     "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0", ""},
    {"vector 3", "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f022222222222222222222222222222222", 0x3333333333, Bytes(32, 0x44),
     "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89", ""},
    {"vector 4", "2718281828459045235360287471352631415926535897932384626433832795", 0, counting(512),
     "27a7479befa1d476489f308cd4cfa6e2a96e4bbe3208ff25287dd3819616e89cc78cf7f5e543445f8333d8fa7f560000",
     "eb4a427d1923ce3ff262735779a418f20a282df920147beabe421ee5319d0568"},
    {"vector 10",
     "2718281828459045235360287471352662497757247093699959574966967627"
     "3141592653589793238462643383279502884197169399375105820974944592",
     0xff, counting(512),
     "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b5d31e276f8fe4a8d66b317f9ac683f44",
     "bd2092fa755c824bb5e54c4f36ffda9fcea70b9c6e693e148c151"},
};

TEST_P(AesXtsCipher, AgreesWithThePublishedVectors) {
  for (const Vector& vector : vectors) {
    SCOPED_TRACE(vector.name);
    const Bytes key = from_hex(vector.key);
    const Bytes cipher = encrypt(key, vector.unit, vector.plain);
    const Bytes head = from_hex(vector.head);
    EXPECT_EQ(Bytes(cipher.begin(), cipher.begin() + static_cast<std::ptrdiff_t>(head.size())), head);
    if (const std::string_view tail = vector.tail; !tail.empty()) {
      std::string text;
      for (const std::uint8_t byte : cipher) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
      }
      EXPECT_EQ(text.substr(text.size() - tail.size()), tail);
    }
    EXPECT_EQ(decrypt(key, vector.unit, cipher), vector.plain);
  }
}

TEST_P(AesXtsCipher, AgreesWithOpensslOnRandomInput) {
  constexpr std::uint64_t seed = 0x41455358;
  std::cout << "seed " << seed << '\n';
  std::mt19937_64 random(seed);
  for (int round = 0; round < 400; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    Bytes key(random() % 2 == 0 ? 32 : 64);
    for (std::uint8_t& byte : key) byte = static_cast<std::uint8_t>(random());
    // Lengths around the pipeline's eight blocks, the data unit and the eight units whose tweaks are made together.
    Bytes plain(16 * (1 + random() % (round % 4 == 0 ? 640 : 40)));
    for (std::uint8_t& byte : plain) byte = static_cast<std::uint8_t>(random());
    const std::uint64_t unit = random() >> random() % 64;

    const Bytes cipher = encrypt(key, unit, plain);
    ASSERT_EQ(cipher, xts_reference::apply(true, key, unit, plain));
    ASSERT_EQ(decrypt(key, unit, cipher), plain);
    Bytes spoiled = cipher;
    spoiled[random() % spoiled.size()] ^= 0x10;
    ASSERT_NE(decrypt(key, unit, spoiled), plain);
  }
}

TEST_P(AesXtsCipher, WorksInPlace) {
  const Bytes key = counting(64);
  const Bytes plain(4096 + 512, 0x5a);
  const AES_XTS_KEY expanded = expand(key);
  Bytes buffer = plain;
  AesXtsEncrypt(&expanded, 77, buffer.data(), buffer.data(), buffer.size());
  EXPECT_EQ(buffer, encrypt(key, 77, plain));
  AesXtsDecrypt(&expanded, 77, buffer.data(), buffer.data(), buffer.size());
  EXPECT_EQ(buffer, plain);
}

TEST_P(AesXtsCipher, NumbersEachDataUnitOnItsOwn) {
  const Bytes key = counting(64);
  const Bytes plain(10 * 512, 0);
  const Bytes whole = encrypt(key, 1000, plain);
  for (std::size_t unit = 0; unit < 10; ++unit) {
    const Bytes one = encrypt(key, 1000 + unit, Bytes(512, 0));
    const auto from = whole.begin() + static_cast<std::ptrdiff_t>(unit * 512);
    EXPECT_EQ(Bytes(from, from + 512), one) << "data unit " << unit;
  }
}

TEST_P(AesXtsCipher, RefusesOtherKeyLengths) {
  const Bytes key(128, 1);
  for (const std::size_t length : {0, 16, 31, 33, 48, 63, 65, 128}) {
    AES_XTS_KEY expanded{};
    EXPECT_EQ(AesXtsExpandKey(&expanded, key.data(), length, GetParam()), 0) << length;
    EXPECT_EQ(expanded.Rounds, 0u) << length;
  }
}

// A processor without AES-NI has one implementation to test.
std::vector<AES_XTS_IMPLEMENTATION> implementations() {
  if (AesXtsHasAesNi()) return {AesXtsPortable, AesXtsBest};
  return {AesXtsPortable};
}

INSTANTIATE_TEST_SUITE_P(Each, AesXtsCipher, testing::ValuesIn(implementations()), [](const auto& implementation) {
  return implementation.param == AesXtsBest ? "AesNi" : "Portable";
});

}  // namespace
