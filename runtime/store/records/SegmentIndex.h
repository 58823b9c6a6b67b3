// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where each record lies in the segments of a folder, known to one reader:
//
//   segment ::= line*
//   line    ::= '{"identity":"' hex '","problem":"' hex '","voice":"' voice '"'
//               (',"origin":' string)? ',"record":' record "}\n"
//
// A line without its end is a writer's that was killed, and is left out. Only
// what is new is read; records themselves are read when they are asked for.
#ifndef ATTN_JIT_RUNTIME_STORE_SEGMENTINDEX_H
#define ATTN_JIT_RUNTIME_STORE_SEGMENTINDEX_H

#include "runtime/store/files/FileHandle.h"
#include "runtime/store/records/RecordRows.h"

#include <map>
#include <sys/types.h>

namespace attn_jit::store {

/// With its end.
std::string segmentLine(const Row &row);

class SegmentIndex {
public:
  explicit SegmentIndex(std::string folder) : folder(std::move(folder)) {}
  SegmentIndex(const SegmentIndex &) = delete;
  SegmentIndex &operator=(const SegmentIndex &) = delete;

  /// Looks for new segments and new lines. An absent folder has none.
  rt::Status refresh();

  size_t size() const { return places.size(); }
  bool contains(const Digest &identity) const {
    return places.contains(identity);
  }
  /// In their order.
  std::vector<Digest> ofProblem(const Digest &problem) const;
  std::vector<Digest> problems() const;
  std::vector<Digest> after(const Digest *identity, size_t most) const;
  /// Of identities that are there, but those whose segments have gone
  /// meanwhile. Not verified.
  std::vector<Row> rows(std::span<const Digest> identities) const;
  /// Lines that are none, of the segments that there are.
  int64_t leftOut() const { return badLines; }

private:
  struct Segment {
    std::string name;
    ino_t inode = 0; ///< 0: never read
    off_t size = 0;  ///< when it was last looked at
    off_t read = 0;  ///< whole lines up to here are in the index
  };
  struct Place {
    Digest problem;
    Voice voice = Voice::Own;
    std::string origin;
    const Segment *segment = nullptr;
    off_t offset = 0; ///< of the record's own text
    size_t length = 0;
  };

  /// False: a segment has gone, or is another one than it was.
  bool readNew(const FileHandle &directory, const std::string &name,
               size_t &seen);
  void readGrown(const FileHandle &file, Segment &segment);
  void enter(std::string_view line, const Segment &segment, off_t at);
  static bool readHead(std::string_view &line, Digest &identity, Place &place);

  std::string folder;
  std::map<std::string, Segment> segments;
  std::map<Digest, Place> places;
  std::map<Digest, std::set<Digest>> byProblem;
  int64_t badLines = 0;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_SEGMENTINDEX_H
