// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a killed tuner left behind, and what may have become of it. An input's
// first byte says whether the head of this search is put before the rest, and
// whether that is a file of records instead.
#include "autotune/Journal.h"
#include "test/autotune/NoRecords.h"
#include "test/fuzz/FuzzCheck.h"

#include <cmath>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::tune;
using attn_jit::test::counts;
using attn_jit::test::require;

/// Gone at the end.
namespace {
struct ScratchFile {
  // In memory where there is such a folder: an input writes and syncs it.
  std::string path = (access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") +
                     std::string("/attn-journal-fuzz.") +
                     std::to_string(getpid());
  ~ScratchFile() { unlink(path.c_str()); }
  void write(const std::string &text) const {
    const int file =
        open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(file >= 0 &&
                ::write(file, text.data(), text.size()) == ssize_t(text.size()),
            "the file is written");
    close(file);
  }
};
} // namespace

static const SearchSubject &subject() {
  static const SearchSubject made = [] {
    SearchSubject of;
    of.problem.add("description", "head_dim=128");
    of.device.add("name", "NVIDIA H200");
    of.compiler = "attn-jit 0.1.0", of.driver = "cuda 13.0";
    return of;
  }();
  return made;
}

static void checkJournal(const ScratchFile &file) {
  static test::NoRecords sink;
  auto first = FileJournal::open(file.path, subject(), sink);
  require(first.ok(), "any file is a search, an old one or a new one");
  const bool goesOn = (*first)->continues();
  ++(goesOn ? counts.accepted : counts.refused);
  const std::string session = (*first)->session();
  require(session.size() == 16, "a session has a name");
  const double spent = (*first)->spentSeconds();
  require(std::isfinite(spent) && spent >= 0, "time is a number");
  if (!goesOn)
    require(spent == 0 && (*first)->interrupted().empty(),
            "a new search begins anew");
  for (const std::string &each : (*first)->interrupted())
    require(!each.empty() && each.find('\n') == each.npos,
            "a schedule is one line");
  for (uint64_t step = 0; step < 4; ++step)
    if (const auto times = (*first)->timesOf(step))
      require(std::isfinite(times->spentSeconds) && times->spentSeconds >= 0 &&
                  std::isfinite(times->sampleSeconds) &&
                  times->sampleSeconds >= 0 && times->spentSeconds <= spent,
              "times of a step are numbers");
  require((*first)->add({}, 4, {spent + 1, 0.5}).ok(), "it goes on");
  first->reset();
  auto second = FileJournal::open(file.path, subject(), sink);
  require(second && (*second)->continues() && (*second)->session() == session,
          "and the next process goes on with it");
  require((*second)->timesOf(4).has_value() &&
              (*second)->spentSeconds() >= spent,
          "what was written is read");
  require((*second)->finish().ok(), "and ends it");
}

static void checkRecords(const ScratchFile &file) {
  auto sink = sinkInto(file.path);
  if (!sink) {
    require(sink.error().text.starts_with("records: ") &&
                sink.error().text.find('\n') == std::string::npos,
            "an error must be one line");
    ++counts.refused;
    return;
  }
  ++counts.accepted;
  require((*sink)->ofProblem(subject().problem.digest()).ok(),
          "what is a file of records answers");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  static const ScratchFile file;
  std::string text(reinterpret_cast<const char *>(data) + 1, size - 1);
  if (data[0] % 4 == 1 || data[0] % 4 == 2)
    text = "attn-jit.tuning.v1 " + digestOf(subject()).hex() + " " + text;
  file.write(text);
  data[0] % 4 == 3 ? checkRecords(file) : checkJournal(file);
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  const std::string session = "0123456789abcdef\nstart\n",
                    some = "running flash_fwd_ws.v1<bm=128>\n"
                           "step 0 1.25 0.01\nrunning flash_fwd_sync.v1<>\n";
  sink("whole", '\1' + session + some);
  sink("resumed",
       '\1' + session + some + "start\nstep 1 2.5e0 0.0625\nstart\n");
  sink("torn", '\1' + session + some + "step 2 inf nan\nstep 3 7");
  sink("other", '\0' + ("attn-jit.tuning.v1 00 " + session));
  sink("records",
       "\3{\"format\":\"attn-jit.record.v1\",\"problem\":{\"goal\":\"x\"},"
       "\"retracts\":\"" +
           std::string(64, 'a') + "\",\"at\":\"2026-11-28T03:41:19Z\"}\n");
}
