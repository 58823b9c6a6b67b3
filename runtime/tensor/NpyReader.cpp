// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header's dict literal, read by a grammar of three keys, and the data
// behind it. Invariant: a header that is not exactly such a dict is refused.

#include "runtime/tensor/NpyReader.h"

#include "runtime/tensor/ByteSource.h"

#include <cstring>
#include <optional>
#include <string_view>

namespace attn_jit::rt {
namespace {

constexpr uint64_t maxHeaderBytes = 1 << 20;

struct Header {
  std::string descr;
  bool fortranOrder = false;
  std::vector<int64_t> shape;
};

/// header ::= '{' (key ':' value ','?)* '}' over the keys descr,
/// fortran_order and shape.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : text(text) {}

  std::optional<Header> parse() {
    Header header;
    unsigned seen = 0;
    if (!accept('{'))
      return std::nullopt;
    while (!accept('}')) {
      auto key = string();
      if (!key || !accept(':'))
        return std::nullopt;
      bool ok = false;
      if (*key == "descr") {
        auto descr = string();
        ok = descr && !(seen & 1);
        header.descr = descr.value_or("");
        seen |= 1;
      } else if (*key == "fortran_order") {
        bool isTrue = acceptWord("True");
        ok = (isTrue || acceptWord("False")) && !(seen & 2);
        header.fortranOrder = isTrue;
        seen |= 2;
      } else if (*key == "shape") {
        ok = tuple(header.shape) && !(seen & 4);
        seen |= 4;
      }
      if (!ok)
        return std::nullopt;
      if (!accept(',') && !peek('}'))
        return std::nullopt;
    }
    skipSpace();
    if (seen != 7 || at != text.size())
      return std::nullopt;
    return header;
  }

private:
  void skipSpace() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n'))
      ++at;
  }
  bool peek(char c) {
    skipSpace();
    return at < text.size() && text[at] == c;
  }
  bool accept(char c) {
    bool found = peek(c);
    at += found;
    return found;
  }
  bool acceptWord(std::string_view word) {
    skipSpace();
    bool found = text.substr(at).starts_with(word);
    at += found ? word.size() : 0;
    return found;
  }
  std::optional<std::string> string() {
    skipSpace();
    if (at >= text.size() || (text[at] != '\'' && text[at] != '"'))
      return std::nullopt;
    size_t end = text.find(text[at], at + 1);
    if (end == text.npos)
      return std::nullopt;
    std::string result(text.substr(at + 1, end - at - 1));
    at = end + 1;
    return result;
  }
  bool tuple(std::vector<int64_t> &into) {
    if (!accept('('))
      return false;
    while (!accept(')')) {
      skipSpace();
      int64_t value = 0;
      size_t begin = at;
      for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
        if (__builtin_mul_overflow(value, int64_t(10), &value) ||
            __builtin_add_overflow(value, int64_t(text[at] - '0'), &value))
          return false;
      if (at == begin || into.size() == 64)
        return false;
      into.push_back(value);
      if (!accept(',') && !peek(')'))
        return false;
    }
    return true;
  }

  std::string_view text;
  size_t at = 0;
};

struct Descr {
  DType type;
  bool bigEndian;
};

std::optional<Descr> parseDescr(const std::string &descr) {
  constexpr std::pair<std::string_view, DType> kinds[] = {
      {"f8", DType::F64}, {"f4", DType::F32}, {"f2", DType::F16},
      {"i8", DType::I64}, {"i4", DType::I32}, {"i2", DType::I16},
      {"i1", DType::I8},  {"u1", DType::U8},  {"b1", DType::Bool},
      {"V2", DType::BF16}}; // what numpy writes for ml_dtypes' bfloat16
  if (descr.empty() ||
      std::string_view("<>|=").find(descr[0]) == std::string_view::npos)
    return std::nullopt;
  for (const auto &[kind, type] : kinds)
    if (std::string_view(descr).substr(1) == kind)
      return Descr{type, descr[0] == '>'};
  return std::nullopt;
}

Result<HostTensor> readSource(const ByteSource &source) {
  std::byte head[12];
  ATTN_CHECK(source.read(0, std::span(head, 10)));
  if (std::memcmp(head, "\x93NUMPY", 6) != 0)
    return source.error("not a .npy file");
  unsigned version = unsigned(head[6]);
  if (version < 1 || version > 3 || head[7] != std::byte(0))
    return source.error("npy version " + std::to_string(version) + "." +
                        std::to_string(unsigned(head[7])) +
                        " is unknown; 1.0, 2.0 and 3.0 are read");
  uint64_t lengthBytes = version == 1 ? 2 : 4, length = 0;
  ATTN_CHECK(source.read(8, std::span(head + 8, lengthBytes)));
  for (uint64_t i = lengthBytes; i-- > 0;)
    length = length << 8 | uint64_t(head[8 + i]);
  uint64_t dataStart = 8 + lengthBytes + length;
  if (length > maxHeaderBytes || dataStart > source.size())
    return source.error("truncated: the header claims " +
                        std::to_string(length) + " bytes");
  ATTN_TRY(auto text, source.load(8 + lengthBytes, length));
  auto header = HeaderParser({reinterpret_cast<const char *>(text->data()),
                              size_t(length)})
                    .parse();
  if (!header)
    return source.error("the header is not {'descr': ..., 'fortran_order': "
                        "..., 'shape': ...}");
  auto descr = parseDescr(header->descr);
  if (!descr)
    return source.error("dtype " + inQuotes(header->descr) +
                        " is not read; f2, f4, f8, i1, i2, i4, i8, u1, b1 "
                        "and V2 (bfloat16) are");

  size_t rank = header->shape.size();
  std::vector<int64_t> strides(rank);
  uint64_t count = 1;
  bool overflow = false;
  for (size_t step = 0; step < rank; ++step) {
    size_t i = header->fortranOrder ? step : rank - 1 - step;
    overflow |= count > uint64_t(INT64_MAX);
    strides[i] = int64_t(count);
    overflow |=
        __builtin_mul_overflow(count, uint64_t(header->shape[i]), &count);
  }
  overflow |=
      __builtin_mul_overflow(count, uint64_t(byteSize(descr->type)), &count);
  if (overflow || count > source.size() - dataStart)
    return source.error(
        "truncated: shape " + shapeText(header->shape) + " of " +
        std::string(name(descr->type)) + " is more than the file's " +
        std::to_string(source.size() - dataStart) + " bytes of data");
  ATTN_TRY(auto storage, source.load(dataStart, count));
  if (descr->bigEndian)
    swapBytes(*storage, byteSize(descr->type));
  auto tensor = HostTensor::view(std::move(storage), descr->type, header->shape,
                                 std::move(strides), 0);
  if (!tensor)
    return source.error(tensor.error().text);
  return tensor;
}

} // namespace

Result<HostTensor> readNpy(const std::string &path) {
  ATTN_TRY(ByteSource source, ByteSource::open(path));
  return readSource(source);
}

Result<HostTensor> readNpy(std::span<const std::byte> bytes,
                           const std::string &name) {
  return readSource(ByteSource(bytes, name));
}

} // namespace attn_jit::rt
