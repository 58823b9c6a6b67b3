// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Leases are what a server says that others have said. An input's first byte
// says what is put right: 1 the signature, of the lines before it; 2 the lines,
// of the numbers that stand between blanks, and the signature.
#include "runtime/store/trust/Lease.h"
#include "test/fuzz/FuzzCheck.h"
#include "test/runtime/store/trust/TestKeys.h"

#include <charconv>

using namespace attn_jit;
using namespace attn_jit::store;
using attn_jit::test::counts;
using attn_jit::test::require;
using std::chrono::milliseconds;

static const SigningKey mine = attn_jit::store::test::signer(1);
static const Digest wanted = sha256("key");
static constexpr milliseconds now{1'764'313'309'123};

static std::string withSignature(std::string text) {
  text.resize(std::min(text.size(), text.rfind("signature")));
  const Signature made = mine.sign(Domain::Lease, text);
  return text + "signature ed25519 " + made.keyId + " " + made.base64 + "\n";
}

static std::string leaseOf(std::string_view numbers) {
  int64_t values[2] = {};
  for (int64_t &value : values) {
    const auto read =
        std::from_chars(numbers.data(), numbers.data() + numbers.size(), value);
    numbers.remove_prefix(
        std::min(size_t(read.ptr - numbers.data()) + 1, numbers.size()));
  }
  const Lease lease{wanted, std::string(numbers), milliseconds(values[0]),
                    milliseconds(values[1])};
  return lease.text(mine);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  std::string text(reinterpret_cast<const char *>(data) + 1, size - 1);
  if (data[0] % 3 == 1)
    text = withSignature(std::move(text));
  else if (data[0] % 3 == 2)
    text = leaseOf(text);
  static const TrustedKeys keys =
      *TrustedKeys::parse(attn_jit::store::test::lineOf(1), "keys");
  static const TrustedKeys others =
      *TrustedKeys::parse(attn_jit::store::test::lineOf(2), "keys");
  require(!Lease::open(text, wanted, others, now), "nobody's lease counts");
  const auto lease = Lease::open(text, wanted, keys, now);
  if (!lease) {
    require(lease.error().text.find('\n') == std::string::npos,
            "an error must be one line");
    ++counts.refused;
    return 0;
  }
  ++counts.accepted;
  require(lease->key == wanted, "it is the key's");
  require(lease->valid > milliseconds(0) && lease->valid <= Lease::mostValid,
          "nobody waits for longer");
  require(lease->issued >= now - lease->valid - Lease::clocksApart &&
              lease->issued <= now + Lease::clocksApart,
          "it is of this moment");
  require(lease->text(mine) == text, "a lease has one text");
  require(!Lease::open(text, sha256("another"), keys, now), "and no other's");
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  const std::string numbers = std::to_string(now.count()) + " 1000 ",
                    holder = "00112233aabbccdd";
  const std::string text = leaseOf(numbers + holder);
  sink("text", '\0' + text);
  sink("signed", '\1' + text);
  sink("unsigned", '\0' + text.substr(0, text.find("signature")));
  sink("numbers", '\2' + numbers + holder);
  sink("old", '\2' + std::to_string(now.count() - 6000) + " 999 " + holder);
  sink("twice", '\0' + text + text);
}
