// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The regular files of a tar.zst one after the other, by libarchive, within
// limits. What is no such archive, or one inside another, is refused.
#ifndef ATTN_JIT_RUNTIME_STORE_PACKREADER_H
#define ATTN_JIT_RUNTIME_STORE_PACKREADER_H

#include "runtime/store/pack/Pack.h"

#include <memory>

struct archive;

namespace attn_jit::store {

/// An open file, or else memory; read from its beginning.
struct PackBytes {
  int file = -1;
  std::string_view memory;
};

class PackReader {
public:
  /// Errors of a reader have no name before them.
  static rt::Result<PackReader> open(const PackBytes &bytes,
                                     const PackLimits &limits);

  struct Header {
    std::string name;
    int64_t bytes = 0;
  };
  /// The next entry; none behind the last one.
  rt::Result<std::optional<Header>> next();
  /// All bytes of an entry that next() gave, in pieces.
  rt::Status read(const Header &header,
                  const std::function<void(std::string_view)> &take);
  rt::Result<std::string> load(const Header &header);

private:
  struct Close {
    void operator()(archive *opened) const;
  };
  PackReader(archive *opened, const PackLimits &limits)
      : reader(opened), limits(&limits) {}
  rt::Error broken() const;
  rt::Status checkRatio() const;

  std::unique_ptr<archive, Close> reader;
  const PackLimits *limits;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_PACKREADER_H
