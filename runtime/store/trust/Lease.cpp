// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/trust/Lease.h"
#include "runtime/store/files/Random.h"

#include <algorithm>
#include <charconv>

using namespace attn_jit;
using namespace attn_jit::store;
using std::chrono::milliseconds;

static constexpr std::string_view signatureHead = "signature ed25519 ";
static constexpr size_t holderBytes = 8;

static std::string bodyOf(const Lease &lease) {
  return "attn-jit.lease.v1\nkey " + lease.key.hex() + "\nholder " +
         lease.holder + "\nissued " + std::to_string(lease.issued.count()) +
         "\nvalid " + std::to_string(lease.valid.count()) + "\n";
}

milliseconds Lease::clock() {
  return std::chrono::duration_cast<milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
}

Lease Lease::of(const Digest &key) {
  return {key, randomHex(holderBytes), clock(), mostValid};
}

std::string Lease::text(const SigningKey &signer) const {
  const std::string body = bodyOf(*this);
  const Signature made = signer.sign(Domain::Lease, body);
  return body + std::string(signatureHead) + made.keyId + " " + made.base64 +
         "\n";
}

/// The rest of the line that begins so; none: it is another line.
static std::optional<std::string_view> take(std::string_view &text,
                                            std::string_view head) {
  const size_t end = text.find('\n');
  if (!text.starts_with(head) || end == text.npos)
    return std::nullopt;
  const std::string_view rest = text.substr(head.size(), end - head.size());
  text.remove_prefix(end + 1);
  return rest;
}

static std::optional<milliseconds> takeTime(std::string_view &text,
                                            std::string_view head) {
  const auto digits = take(text, head);
  int64_t number = 0;
  if (!digits ||
      std::from_chars(digits->data(), digits->data() + digits->size(), number)
              .ec != std::errc())
    return std::nullopt;
  return milliseconds(number);
}

rt::Result<Lease> Lease::open(std::string_view text, const Digest &wanted,
                              const TrustedKeys &keys, milliseconds now) {
  std::string_view rest = text;
  const auto format = take(rest, "attn-jit.lease.v1");
  const auto key = take(rest, "key ");
  const auto holder = take(rest, "holder ");
  const auto issued = takeTime(rest, "issued ");
  const auto valid = takeTime(rest, "valid ");
  const std::string_view body = text.substr(0, text.size() - rest.size());
  const auto digest = key ? Digest::parse(*key) : std::nullopt;
  if (!format || !digest || !holder || !issued || !valid ||
      body != bodyOf({*digest, std::string(*holder), *issued, *valid}))
    return rt::badInput("it is no lease of the format attn-jit.lease.v1");
  std::vector<Signature> signatures;
  if (const auto line = take(rest, signatureHead)) {
    const size_t space = std::min(line->find(' '), line->size());
    signatures.push_back(
        {std::string(line->substr(0, space)),
         std::string(line->substr(std::min(space + 1, line->size())))});
  }
  if (!rest.empty())
    return rt::badInput("what stands behind it is no signature");
  ATTN_TRY(const std::string signer,
           keys.verify(Domain::Lease, body, signatures));
  (void)signer;
  if (*digest != wanted)
    return rt::badInput("it is of another key");
  // Compared without sums that could overflow.
  if (*valid <= milliseconds(0) || *valid > mostValid ||
      *issued < milliseconds(0) || *issued > now + clocksApart ||
      *issued < now - *valid - clocksApart)
    return rt::badInput("it is not of this moment");
  return Lease{*digest, std::string(*holder), *issued, *valid};
}
