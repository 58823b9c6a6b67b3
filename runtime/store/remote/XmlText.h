// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The texts of an XML reply, each with the path of its element. It reads what
// S3 servers write: elements, text, the five named and the numbered entities.
// Document types, CDATA and what else XML has are refused, so that nothing in a
// reply can refer to anything or grow.
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTE_XMLTEXT_H
#define ATTN_JIT_RUNTIME_STORE_REMOTE_XMLTEXT_H

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attn_jit::store {

struct XmlText {
  std::string path; ///< "ListBucketResult/Contents/Key"
  std::string text; ///< decoded, UTF-8
};

/// Of the elements that hold no others, in their order, and of each that holds
/// others, an empty one where it ends. None: the reply is no such XML.
std::optional<std::vector<XmlText>> readXml(std::string_view xml);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTE_XMLTEXT_H
