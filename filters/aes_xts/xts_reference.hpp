// SPDX-License-Identifier: Apache-2.0
// OpenSSL's AES-XTS over 512-byte data units, as the independent opinion both tests of this folder ask. Shares no line
// with the cipher under test.
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

namespace xts_reference {

/// `key`: 32 or 64 bytes, halves that differ. `text`: whole blocks; only the last data unit may be short. Throws when
/// OpenSSL refuses, which is a mistake in the test.
inline std::vector<std::uint8_t> apply(bool encrypt, std::span<const std::uint8_t> key, std::uint64_t first_data_unit,
                                       std::span<const std::uint8_t> text) {
  const EVP_CIPHER* cipher = key.size() == 64 ? EVP_aes_256_xts() : EVP_aes_128_xts();
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                &EVP_CIPHER_CTX_free);
  std::vector<std::uint8_t> result(text.size());
  for (std::size_t done = 0; done < text.size(); done += 512) {
    const auto bytes = static_cast<int>(text.size() - done < 512 ? text.size() - done : 512);
    const std::uint64_t unit = first_data_unit + done / 512;
    std::uint8_t tweak[16] = {};
    for (int i = 0; i < 8; ++i) tweak[i] = static_cast<std::uint8_t>(unit >> (8 * i));
    int written = 0;
    if (EVP_CipherInit_ex(context.get(), cipher, nullptr, key.data(), tweak, encrypt ? 1 : 0) != 1 ||
        EVP_CipherUpdate(context.get(), result.data() + done, &written, text.data() + done, bytes) != 1 ||
        written != bytes) {
      throw std::runtime_error("OpenSSL refused an XTS data unit");
    }
  }
  return result;
}

}  // namespace xts_reference
