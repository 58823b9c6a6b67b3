// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Records are stored before the step that names them: a kill between both costs
// a clock reading, not a measurement.
#include "autotune/Journal.h"
#include "runtime/Printable.h"

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::tune;

static constexpr std::string_view kHead = "attn-jit.tuning.v1 ";
static constexpr std::string_view kStop = "stop";
/// Of a file of records, and of a search's own.
static constexpr off_t kLargest = off_t(1) << 30;

static rt::Error refused(const std::string &path, const std::string &why) {
  return rt::badInput("records: " + rt::inQuotes(path) + " given, " + why);
}

static rt::Status readAll(int file, const std::string &path,
                          std::string &text) {
  struct stat about;
  if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode))
    return refused(path, "which is no file");
  if (about.st_size > kLargest)
    return refused(path, "which is larger than 1 GiB");
  text.resize(size_t(about.st_size));
  size_t got = 0;
  while (got < text.size()) {
    const ssize_t count =
        pread(file, text.data() + got, text.size() - got, off_t(got));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      break;
    got += size_t(count);
  }
  text.resize(got);
  return rt::success();
}

static rt::Status appendAll(int file, const std::string &path,
                            std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return rt::failed("records: " + rt::inQuotes(path) +
                        " cannot be written: " + std::strerror(errno));
    text.remove_prefix(size_t(count));
  }
  if (fdatasync(file) != 0)
    return rt::failed("records: " + rt::inQuotes(path) +
                      " cannot be written: " + std::strerror(errno));
  return rt::success();
}

namespace {
class FileSink : public RecordSink {
public:
  FileSink(std::string path, int file) : path(std::move(path)), file(file) {}
  ~FileSink() override { close(file); }

  rt::Status check() {
    std::string text;
    ATTN_CHECK(readAll(file, path, text));
    torn = !text.empty() && text.back() != '\n';
    const store::ReadRecords read =
        store::readRecords(text, store::Voice::Own, {});
    if (read.records.empty() && read.leftOut > 0)
      return refused(path, "which holds other lines than records; allowed: a "
                           "file of records, or a new one");
    return rt::success();
  }
  rt::Result<std::vector<store::StoredRecord>>
  ofProblem(const store::Digest &problem) override {
    std::string text;
    ATTN_CHECK(readAll(file, path, text));
    std::vector<store::StoredRecord> found =
        store::readRecords(text, store::Voice::Own, {}).records;
    std::erase_if(found, [&](const store::StoredRecord &each) {
      return each.record.problemDigest() != problem;
    });
    store::takeOutRetracted(found);
    return found;
  }
  rt::Status add(std::span<const store::Record> records) override {
    std::string text = torn ? "\n" : "";
    for (const store::Record &record : records)
      text += record.line() + "\n";
    ATTN_CHECK(appendAll(file, path, text));
    torn = false;
    return rt::success();
  }

private:
  const std::string path;
  const int file;
  bool torn = false; ///< a killed writer's last line lacks its end
};
} // namespace

rt::Result<std::unique_ptr<RecordSink>>
tune::sinkInto(const std::string &path) {
  const int file =
      ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0)
    return refused(path, std::string("which cannot be written: ") +
                             std::strerror(errno));
  auto sink = std::make_unique<FileSink>(path, file);
  ATTN_CHECK(sink->check());
  return std::unique_ptr<RecordSink>(std::move(sink));
}

store::Digest tune::digestOf(const SearchSubject &subject) {
  return store::sha256("attn-jit.tuning.v1\n" + subject.problem.text() +
                       subject.device.text() + subject.compiler + "\n" +
                       subject.driver);
}

static std::string newSession() {
  std::random_device random;
  char text[20];
  std::snprintf(text, sizeof text, "%08x%08x", random(), random());
  return text;
}

rt::Result<std::unique_ptr<FileJournal>>
FileJournal::open(const std::string &path, const SearchSubject &subject,
                  RecordSink &sink) {
  std::unique_ptr<FileJournal> made(new FileJournal(path, sink));
  ATTN_TRY(made->all, sink.ofProblem(subject.problem.digest()));
  if (!path.empty())
    ATTN_CHECK(made->hold(digestOf(subject).hex()));
  if (made->name.empty())
    made->name = newSession();
  return made;
}

/// For the signal's handler.
static std::atomic<int> heldFile{-1};

/// A line that was being written ends here, whatever it was.
static void sayStop(int) {
  static constexpr char line[] = "\nstop\n";
  if (const int file = heldFile; file >= 0)
    (void)!::write(file, line, sizeof line - 1);
  _exit(128 + SIGTERM);
}

void tune::stopOnTermination() {
  struct sigaction action = {};
  action.sa_handler = sayStop;
  sigaction(SIGTERM, &action, nullptr);
}

FileJournal::~FileJournal() {
  int own = file;
  heldFile.compare_exchange_strong(own, -1);
  if (file >= 0)
    close(file);
}

rt::Status FileJournal::hold(const std::string &subject) {
  while (true) {
    file = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
      return rt::failed("tune: " + rt::inQuotes(path) +
                        " cannot be written: " + std::strerror(errno));
    if (flock(file, LOCK_EX | LOCK_NB) != 0)
      return rt::failed("tune: another process tunes this problem, and holds " +
                        rt::inQuotes(path));
    struct stat about;
    if (fstat(file, &about) == 0 && about.st_nlink > 0)
      break;
    close(file); // whoever held it came to the end, and took it away
  }
  heldFile = file;
  std::string text;
  ATTN_CHECK(readAll(file, path, text));
  read(text, subject);
  resumed = !name.empty();
  if (resumed)
    return write((text.back() == '\n' ? "" : "\n") + std::string("start"));
  name = newSession();
  if (ftruncate(file, 0) != 0)
    return rt::failed("tune: " + rt::inQuotes(path) +
                      " cannot be written: " + std::strerror(errno));
  return write(std::string(kHead) + subject + " " + name + "\nstart");
}

/// from_chars reads "inf" and "nan" too; an infinite one would be the end of
/// every budget.
static bool isTime(double seconds) {
  return std::isfinite(seconds) && seconds >= 0;
}

/// What is no line of the grammar above is passed over.
void FileJournal::read(std::string_view text, const std::string &subject) {
  std::string current;
  auto interrupt = [&] {
    if (!current.empty())
      suspects.push_back(current);
    current.clear();
  };
  for (bool first = true; !text.empty(); first = false) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos)
      break;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (first) {
      const std::string head = std::string(kHead) + subject + " ";
      if (!line.starts_with(head) || line.size() != head.size() + 16)
        return;
      name = line.substr(head.size());
    } else if (line == "start") {
      interrupt();
    } else if (line == kStop) {
      current.clear();
    } else if (line.starts_with("running ")) {
      current = line.substr(8);
    } else if (line.starts_with("step ")) {
      line.remove_prefix(5);
      uint64_t step = 0;
      StepTimes times;
      const char *last = line.data() + line.size();
      const auto number = std::from_chars(line.data(), last, step);
      if (number.ec != std::errc() || number.ptr == last)
        continue;
      const auto whole =
          std::from_chars(number.ptr + 1, last, times.spentSeconds);
      if (whole.ec != std::errc() || whole.ptr == last ||
          std::from_chars(whole.ptr + 1, last, times.sampleSeconds).ec !=
              std::errc() ||
          !isTime(times.spentSeconds) || !isTime(times.sampleSeconds))
        continue;
      steps[step] = times;
      spent = std::max(spent, times.spentSeconds);
      current.clear();
    }
  }
  interrupt();
}

rt::Status FileJournal::write(const std::string &line) {
  return file < 0 ? rt::success() : appendAll(file, path, line + "\n");
}

std::optional<StepTimes> FileJournal::timesOf(uint64_t step) const {
  auto found = steps.find(step);
  return found == steps.end() ? std::nullopt : std::optional(found->second);
}

rt::Status FileJournal::running(const std::string &schedule) {
  return write("running " + schedule);
}

rt::Status FileJournal::add(std::span<const store::Record> records,
                            uint64_t step, const StepTimes &times) {
  ATTN_CHECK(sink.add(records));
  for (const store::Record &record : records)
    all.push_back({record, store::Voice::Own, {}});
  char text[96];
  std::snprintf(text, sizeof text, "step %llu %.9g %.9g",
                static_cast<unsigned long long>(step), times.spentSeconds,
                times.sampleSeconds);
  return write(text);
}

rt::Status FileJournal::finish() {
  if (file >= 0)
    unlink(path.c_str());
  return rt::success();
}
