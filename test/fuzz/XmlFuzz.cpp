// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a server answers for a list. An input's first byte says whether it is
// the whole reply or the text of one name in a reply that is otherwise right:
// then it must come back to the byte.
#include "runtime/store/remote/XmlText.h"
#include "test/fuzz/FuzzCheck.h"

#include <algorithm>

using namespace attn_jit::store;
using attn_jit::test::counts;
using attn_jit::test::require;

static constexpr std::string_view begin =
    "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"s3\">\n"
    "  <IsTruncated>false</IsTruncated><Contents><Key>";
static constexpr std::string_view end =
    "</Key><Size>12</Size></Contents><Empty/>\n</ListBucketResult>\n";

/// Each byte by one of the spellings that a server may choose.
static std::string escaped(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '&')
      result += i % 2 ? "&amp;" : "&#38;";
    else if (c == '<')
      result += i % 2 ? "&lt;" : "&#x3C;";
    else if (c == '>')
      result += i % 2 ? "&gt;" : ">";
    else if (c == '"')
      result += i % 2 ? "&quot;" : "\"";
    else if (c == '\'')
      result += "&apos;";
    else
      result += c;
  }
  return result;
}

static void checkReply(std::string_view xml) {
  const auto texts = readXml(xml);
  ++(texts ? counts.accepted : counts.refused);
  if (!texts)
    return;
  require(!texts->empty(), "a reply has an element");
  const std::string root = texts->back().path;
  require(root.find('/') == root.npos, "the last one is the whole");
  for (const XmlText &each : *texts) {
    require(each.path == root || each.path.starts_with(root + "/"),
            "all are in it");
    require(std::ranges::count(each.path, '/') < 8, "none is deep");
    require(each.text.size() <= xml.size(), "nothing grows");
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  const std::string_view text(reinterpret_cast<const char *>(data) + 1,
                              size - 1);
  if (data[0] % 2 == 0) {
    checkReply(text);
    return 0;
  }
  ++counts.accepted;
  const auto texts =
      readXml(std::string(begin) + escaped(text) + std::string(end));
  require(texts && texts->size() == 6, "a listing is read");
  require((*texts)[1].path == "ListBucketResult/Contents/Key" &&
              (*texts)[1].text == text,
          "a name comes back to the byte");
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  const std::string whole =
      std::string(begin) + "a&amp;&#233;" + std::string(end);
  sink("listing", '\0' + whole);
  sink("error", '\0' + std::string("\xef\xbb\xbf<Error><Code>NoSuchKey</Code>"
                                   "<Message a='&lt;'/></Error>"));
  sink("entities", '\0' + std::string("<a>&#x10FFFF;&#xD800;&#0;&x;</a>"));
  sink("deep", '\0' + std::string("<a><b><c><d><e><f><g><h>x</h></g></f></e>"
                                  "</d></c></b></a>"));
  sink("name", "\1records/abc & <\"'>");
}
