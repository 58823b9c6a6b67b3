// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzzes the key file's reader. Points of the curve are not found by chance, so
// bytes 1 to 3 of an input stand for a key's base64, 4 to 6 for its id, 7 for a
// point of small order, and 8 for as much text as makes a line too long.
#include "runtime/store/trust/Trust.h"
#include "test/fuzz/FuzzCheck.h"
#include "test/runtime/store/pack/PackBuilder.h"

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;
using attn_jit::test::checkError;
using attn_jit::test::counts;
using attn_jit::test::require;

static constexpr unsigned char signers = 3;

/// What keys.verify() must say of a signature by `key`.
static void checkVerdict(const TrustedKeys &keys, const TrustedKey &key,
                         const Signature &signature, const char *bytes) {
  const bool listed =
      std::ranges::count(keys.keys(), key.bytes, &TrustedKey::bytes) == 1;
  const auto verdict =
      keys.verify(Domain::Action, bytes, std::span(&signature, 1));
  require(verdict.ok() == (listed && !keys.revoked(key.id())),
          "listed and unrevoked is what counts");
  require(verdict || verdict.error().text.find('\n') == std::string::npos,
          "a verdict is one line");
  require(!keys.verify(Domain::Record, bytes, std::span(&signature, 1)),
          "no signature is of two domains");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct Known {
    TrustedKey key;
    std::string text, id;
    Signature signature;
  };
  static const std::vector<Known> known = [] {
    std::vector<Known> all;
    for (unsigned char i = 1; i <= signers; ++i) {
      const TrustedKey key = signer(i).publicKey();
      all.push_back({key, key.line().substr(8), key.id(),
                     signer(i).sign(Domain::Action, "bytes")});
    }
    return all;
  }();
  std::string text;
  for (size_t i = 0; i < size; ++i)
    if (data[i] >= 1 && data[i] <= signers)
      text += known[data[i] - 1].text;
    else if (data[i] > signers && data[i] <= 2 * signers)
      text += known[data[i] - signers - 1].id;
    else if (data[i] == 7)
      text += std::string(43, 'A') + '=';
    else if (data[i] == 8)
      text += std::string(1000, 'x');
    else
      text += char(data[i]);
  // Either kind of line alone, as commands take them.
  (void)TrustedKey::parse(text).ok();
  (void)Revocation::parse(text).ok();
  auto keys = TrustedKeys::parse(text, "fuzz");
  if (!keys) {
    checkError(keys.error().text);
    ++counts.refused;
    return 0;
  }
  ++counts.accepted;
  for (const TrustedKey &key : keys->keys()) {
    auto again = TrustedKey::parse(key.line());
    require(again && again->bytes == key.bytes && again->name == key.name,
            "a key's line is read as itself");
  }
  for (const Revocation &each : keys->revocations()) {
    auto again = Revocation::parse(each.line());
    require(again && again->keyId == each.keyId && again->why == each.why,
            "a revocation's line is read as itself");
  }
  for (const Known &each : known)
    checkVerdict(*keys, each.key, each.signature, "bytes");
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  sink("keys", "# builders\ned25519 \1 builder one\ned25519 \2\n");
  sink("revoked", "revoked \5 laptop lost\ned25519 \1\ned25519 \2 b\n");
  sink("editors", "ed25519 \1 a\r\n\r\n# note\r\nrevoked \4\r\ned25519 \3");
  sink("refused", "ed25519 \7 small order\n");
  sink("long", "ed25519 \1 \b\n");
  sink("twice", "ed25519 \1 a\ned25519 \1 b\nrevoked \6\nrevoked \6 why\n");
}
