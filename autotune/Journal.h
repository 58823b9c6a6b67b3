// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a tuner keeps while it searches: its records, in a store or a file of
// lines, and beside them a file that is there as long as the search is not at
// its end:
//
//   head    ::= "attn-jit.tuning.v1 " subject " " session "\n"
//   start   ::= "start\n"                         a process began or went on
//   running ::= "running " schedule "\n"          before it first runs
//   stop    ::= "stop\n"             the process was asked to end: what ran is
//                                   no suspect
//   step    ::= "step " number " " spent " " sample "\n"
//                                its records are stored; StepTimes, in seconds
//
// A line without its end was being written when the process was killed, and
// does not count. One process at a time holds the file (flock).
#ifndef ATTN_JIT_AUTOTUNE_JOURNAL_H
#define ATTN_JIT_AUTOTUNE_JOURNAL_H

#include "autotune/Search.h"

#include <map>

namespace attn_jit::tune {

/// Where records go.
class RecordSink {
public:
  virtual ~RecordSink() = default;
  virtual rt::Result<std::vector<store::StoredRecord>>
  ofProblem(const store::Digest &problem) = 0;
  /// On disk when it returns, where there is a disk.
  virtual rt::Status add(std::span<const store::Record> records) = 0;
};

/// A file of records, or one that is not there yet; appended to. A file that
/// holds other lines only is refused, and left as it is.
rt::Result<std::unique_ptr<RecordSink>> sinkInto(const std::string &file);

class FileJournal : public Journal {
public:
  /// `path` of the search's own file; empty: nothing survives but records.
  static rt::Result<std::unique_ptr<FileJournal>>
  open(const std::string &path, const SearchSubject &subject, RecordSink &sink);
  ~FileJournal() override;

  const std::vector<store::StoredRecord> &records() const override {
    return all;
  }
  std::string session() const override { return name; }
  double spentSeconds() const override { return spent; }
  std::optional<StepTimes> timesOf(uint64_t step) const override;
  std::vector<std::string> interrupted() const override { return suspects; }
  rt::Status running(const std::string &schedule) override;
  rt::Status add(std::span<const store::Record> records, uint64_t step,
                 const StepTimes &times) override;
  rt::Status finish() override;

  /// Is this session an earlier process's?
  bool continues() const { return resumed; }

private:
  FileJournal(const std::string &path, RecordSink &sink)
      : path(path), sink(sink) {}
  rt::Status hold(const std::string &subject);
  void read(std::string_view text, const std::string &subject);
  rt::Status write(const std::string &line);

  std::string path;
  RecordSink &sink;
  int file = -1;
  bool resumed = false;
  std::string name;
  double spent = 0;
  std::map<uint64_t, StepTimes> steps;
  std::vector<std::string> suspects;
  std::vector<store::StoredRecord> all;
};

/// From now on SIGTERM ends this process, and the search that it holds says
/// that it was asked to: without that, two such ends beside one schedule are a
/// crash.
void stopOnTermination();

/// Of a search: what it is of, by any process that goes on with it.
store::Digest digestOf(const SearchSubject &subject);

} // namespace attn_jit::tune

#endif
