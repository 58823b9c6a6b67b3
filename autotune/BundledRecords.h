// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Records that come with the program, records.<target>.jsonl of a folder: one
// canonical record a line (docs/records.md), so that a fresh install is tuned.
// A file is read when its target is first asked for, by its lines' problems
// alone; the records themselves when their problem is.
#ifndef ATTN_JIT_AUTOTUNE_BUNDLEDRECORDS_H
#define ATTN_JIT_AUTOTUNE_BUNDLEDRECORDS_H

#include "runtime/store/records/RecordStore.h"

#include <map>
#include <mutex>
#include <unordered_map>

namespace attn_jit::tune {

/// Any number of threads at once. A folder or file that is absent, or cannot be
/// read, holds nothing.
class BundledRecords {
public:
  explicit BundledRecords(std::string folder) : folder(std::move(folder)) {}

  /// Is there a file for the target, and is something in it?
  bool has(const std::string &target) const;
  /// All of the problem, retractions too. Lines that are no records are none.
  std::vector<store::StoredRecord> ofProblem(const std::string &target,
                                             const store::Key &problem) const;
  /// All of the target.
  void each(const std::string &target,
            const std::function<void(const store::Record &)> &visit) const;

private:
  /// Views into the text, by the text of their problem.
  struct File {
    std::string text;
    std::unordered_map<std::string_view, std::vector<std::string_view>> lines;
  };
  const File &fileOf(const std::string &target) const;

  std::string folder;
  mutable std::mutex mutex;
  mutable std::map<std::string, File> files; ///< nodes stay where they are
};

} // namespace attn_jit::tune

#endif // ATTN_JIT_AUTOTUNE_BUNDLEDRECORDS_H
