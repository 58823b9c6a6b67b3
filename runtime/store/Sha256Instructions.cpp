// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// FIPS 180-4. Two rounds an instruction; the state is kept as the instructions
// want it (ABEF, CDGH), and the message schedule in four words a register.
#include "runtime/store/Sha256Instructions.h"

using namespace attn_jit::store;

#if defined(__x86_64__)

#include <cpuid.h>
#include <cstring>
#include <immintrin.h>

static bool processorHasThem() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3))
    return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29));
}

alignas(16) static const uint32_t roundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

namespace {
struct State {
  __m128i abef, cdgh;
};
} // namespace

__attribute__((target("sha,sse4.1,ssse3"))) static void
blocks(State &state, const unsigned char *bytes, size_t count) {
  const __m128i bigEndian =
      _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef = state.abef, cdgh = state.cdgh;
  for (; count-- > 0; bytes += 64) {
    const __m128i oldAbef = abef, oldCdgh = cdgh;
    __m128i words[4];
#pragma GCC unroll 16
    for (int group = 0; group < 16; ++group) {
      __m128i &word = words[group % 4];
      if (group < 4) {
        word = _mm_shuffle_epi8(
            _mm_loadu_si128(reinterpret_cast<const __m128i *>(bytes) + group),
            bigEndian);
      } else {
        const __m128i before = words[(group + 3) % 4];
        word = _mm_sha256msg1_epu32(word, words[(group + 1) % 4]);
        word = _mm_add_epi32(
            word, _mm_alignr_epi8(before, words[(group + 2) % 4], 4));
        word = _mm_sha256msg2_epu32(word, before);
      }
      __m128i sum = _mm_add_epi32(
          word, _mm_load_si128(
                    reinterpret_cast<const __m128i *>(roundConstants) + group));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      sum = _mm_shuffle_epi32(sum, 0x0e);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, sum);
    }
    abef = _mm_add_epi32(abef, oldAbef);
    cdgh = _mm_add_epi32(cdgh, oldCdgh);
  }
  state = {abef, cdgh};
}

__attribute__((target("sha,sse4.1,ssse3"))) static Digest
digestOf(std::string_view text) {
  State state{
      _mm_set_epi32(0x6a09e667, int(0xbb67ae85), 0x510e527f, int(0x9b05688c)),
      _mm_set_epi32(0x3c6ef372, int(0xa54ff53a), 0x1f83d9ab, 0x5be0cd19)};
  const auto *bytes = reinterpret_cast<const unsigned char *>(text.data());
  blocks(state, bytes, text.size() / 64);

  // What is left, a bit, zeros, and the length in bits: one block or two.
  unsigned char last[128] = {};
  const size_t left = text.size() % 64, total = left < 56 ? 64 : 128;
  if (left)
    std::memcpy(last, bytes + text.size() - left, left);
  last[left] = 0x80;
  for (int i = 0; i < 8; ++i)
    last[total - 1 - i] = (unsigned char)(uint64_t(text.size()) * 8 >> 8 * i);
  blocks(state, last, total / 64);

  uint32_t abef[4], cdgh[4]; // from F to A, from H to C
  std::memcpy(abef, &state.abef, sizeof abef);
  std::memcpy(cdgh, &state.cdgh, sizeof cdgh);
  const uint32_t hash[8] = {abef[3], abef[2], cdgh[3], cdgh[2],
                            abef[1], abef[0], cdgh[1], cdgh[0]};
  Digest digest;
  for (size_t i = 0; i < 32; ++i)
    digest.bytes[i] = (unsigned char)(hash[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

std::optional<Digest>
attn_jit::store::sha256ByInstructions(std::string_view bytes) {
  static const bool has = processorHasThem();
  return has ? std::optional(digestOf(bytes)) : std::nullopt;
}

#else

std::optional<Digest> attn_jit::store::sha256ByInstructions(std::string_view) {
  return std::nullopt;
}

#endif
