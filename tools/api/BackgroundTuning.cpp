// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Locks are taken in one order: of the process, then of the problem. Neither is
// waited for while anything else is held.
#include "tools/api/BackgroundTuning.h"
#include "autotune/Problem.h"
#include "runtime/store/files/FileLock.h"
#include "runtime/store/files/Publish.h"
#include "runtime/store/files/StoredFile.h"
#include "tools/api/ChildProcess.h"
#include "tools/api/ScratchFolder.h"
#include "tools/api/Warning.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::api;
using namespace std::chrono_literals;

extern "C" char **environ;

/// Another process tunes it: a look at what came of it, now and then.
static constexpr auto kOthersTurn = 5s;
/// Between two looks at a child, and at whether this process tunes already.
static constexpr auto kLook = 50ms;
/// What a context and a launch take beside the tensors, bytes.
static constexpr double kBeside = double(512 << 20);
/// A child's folder for temporary files, in the program's own.
static constexpr char kScratch[] = "attn-jit-background-";

/// One child a process, whatever engines it has.
static std::atomic<int> tuner{0}; ///< the process, 0: none
/// Above the low half the process, which a child of fork finds not to be its.
static std::atomic<uint64_t> accepted{0};

/// False while this process tunes already; what a parent of fork was at is
/// nothing to its child.
static bool takeTurn() {
  int seen = tuner;
  return seen != getpid() && tuner.compare_exchange_strong(seen, getpid());
}

static bool acceptOne() {
  const uint64_t own = uint64_t(getpid()) << 32;
  uint64_t seen = accepted, next;
  do {
    next = (seen >> 32 == own >> 32 ? seen : own) + 1;
    if (next - own > BackgroundTuning::mostProblems)
      return false;
  } while (!accepted.compare_exchange_weak(seen, next));
  return true;
}

static std::string bucketName(const Description &description,
                              const CompileOptions &wanted,
                              const tune::Sizes &sizes) {
  std::string name = identity(description);
  for (int64_t each : {wanted.alignment, sizes.queryLen.most, sizes.kvLen.most,
                       sizes.heads.most, sizes.group})
    name += " " + std::to_string(each);
  return name;
}

static bool sameSizes(const TypicalCall &a, const TypicalCall &b) {
  return a.batch * a.kvHeads == b.batch * b.kvHeads &&
         a.queryHeads / a.kvHeads == b.queryHeads / b.kvHeads &&
         a.queryLen == b.queryLen && a.kvLen == b.kvLen;
}

std::unique_ptr<BackgroundTuning, BackgroundTuning::Ending>
BackgroundTuning::start(const rt::Device &device, const TuningMode &mode,
                        std::function<bool(const TunedCall &)> serve) {
  const store::CacheRoot root = store::findCacheRoot();
  if (!root || root.readOnly) {
    warnOnce("tune: nothing is tuned in the background, as there is no store "
             "to keep it: " +
             (root.off ? std::string("ATTN_JIT_CACHE is off")
              : !root  ? root.absent
                       : root.path + " is read-only"));
    return nullptr;
  }
  std::string program = commandBesideLibrary();
  if (program.empty()) {
    warnOnce("tune: nothing is tuned in the background, as there is no program "
             "attn-jit beside this library");
    return nullptr;
  }
  return std::unique_ptr<BackgroundTuning, Ending>(new BackgroundTuning(
      Place{root, std::move(program), device}, mode, std::move(serve)));
}

BackgroundTuning::BackgroundTuning(Place given, const TuningMode &mode,
                                   std::function<bool(const TunedCall &)> serve)
    : place(std::move(given)), mode(mode), serve(std::move(serve)),
      owner(getpid()) {
  // Read here, as another thread's look would race with a caller's setenv.
  for (char **each = environ; each && *each; ++each)
    if (std::strncmp(*each, "ATTN_JIT_TUNE=", 14) != 0 &&
        std::strncmp(*each, "TMPDIR=", 7) != 0)
      environment.emplace_back(*each);
  // Signals of the program are none of this thread's.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void BackgroundTuning::Ending::operator()(BackgroundTuning *tuning) const {
  if (getpid() == tuning->owner)
    delete tuning;
}

BackgroundTuning::~BackgroundTuning() {
  {
    const std::lock_guard lock(mutex);
    stopped = true;
  }
  changed.notify_all();
  thread.join();
}

void BackgroundTuning::want(const Description &description,
                            const CompileOptions &wanted,
                            const TypicalCall &call) {
  // Its numbers must not change while a program runs.
  if (getpid() != owner || call.batchInvariant)
    return;
  const tune::Call sizes = {call.batch, call.queryHeads, call.kvHeads,
                            call.queryLen, call.kvLen};
  const std::string name = bucketName(
      description, wanted, tune::bucketOf(sizes, tune::At::Least, false));
  const std::lock_guard lock(mutex);
  auto [at, fresh] = buckets.try_emplace(name, Bucket{call});
  Bucket &bucket = at->second;
  if (!fresh && (bucket.whole || sameSizes(bucket.first, call)))
    return;
  bucket.whole = !fresh;
  if (bucket.whole) {
    std::erase_if(jobs, [&](const Job &job) { return job.bucket == name; });
    superseded = superseded || current == name;
  }
  if (!acceptOne())
    return warnOnce("tune: " + std::to_string(mostProblems) +
                    " problems are tuned in the background; further ones of "
                    "this process are not");
  jobs.push_back({{description, wanted, call, bucket.whole}, name, {}});
  changed.notify_all();
}

/// False: the object is to end.
bool BackgroundTuning::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex);
  return !changed.wait_for(lock, time, [&] { return stopped.load(); });
}

void BackgroundTuning::work() {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return stopped || !jobs.empty(); });
      if (stopped)
        return;
      const auto next = std::ranges::min_element(jobs, {}, &Job::notBefore);
      job = std::move(*next);
      jobs.erase(next);
      current = job.bucket, superseded = false;
    }
    const auto left = job.notBefore - std::chrono::steady_clock::now();
    if (left > 0s && !pause(std::chrono::ceil<std::chrono::milliseconds>(left)))
      return;
    while (!takeTurn())
      if (!pause(kLook))
        return;
    const bool done = tune(job);
    tuner = 0;
    const std::lock_guard lock(mutex);
    current.clear();
    if (!done && !superseded) {
      job.notBefore = std::chrono::steady_clock::now() + kOthersTurn;
      jobs.push_back(std::move(job));
    }
  }
}

/// A child takes as much again as the call's tensors, and must leave the
/// program most of what is free.
bool BackgroundTuning::roomFor(const TunedCall &what) const {
  const auto memory = place.device.memory();
  if (!memory || memory->freeBytes <= 0)
    return true; // not known
  const TypicalCall &call = what.call;
  const double rows =
      double(call.batch) * (double(call.queryHeads) * double(call.queryLen) +
                            double(call.kvHeads) * double(call.kvLen));
  const double bytes =
      rows *
      double(what.description.headDim + what.description.valueDimOrHead()) *
      double(elementBytes(what.description.element));
  // A bucket's largest call: less than 1.5 of each size.
  const double most = what.bucket ? 1.5 * 1.5 * bytes : bytes;
  return most + kBeside <= double(memory->freeBytes) / 2;
}

/// False: another process tunes it.
bool BackgroundTuning::tune(Job &job) {
  std::optional<std::vector<std::string>> flags =
      tuneFlags(job.what, place.device.info());
  if (!flags || !roomFor(job.what))
    return true;
  const store::Layout layout(place.root);
  const std::string which =
      tune::deviceKey(place.device.info()).text() + job.bucket;
  if (!store::makeFolder(layout.folder("locks")))
    return true;
  const auto lock = store::FileLock::take(
      layout.lockFile("tuning"), store::lockByte(store::sha256(which)),
      store::FileLock::Kind::Exclusive, 0ms);
  if (!lock)
    return false;
  // Another process may have tuned it since it was asked for.
  if (serve(job.what) || stopped)
    return true;
  run(*flags);
  // The records say what came of it, also where the program's own handler took
  // the child's exit code.
  if (!stopped)
    (void)serve(job.what);
  return true;
}

void BackgroundTuning::run(const std::vector<std::string> &flags) {
  const auto scratch = ScratchFolder::make(kScratch);
  if (!scratch)
    return warnOnce("tune: a call is not tuned in the background: " +
                    scratch.error().text);
  std::vector<std::string> command = {place.program};
  command.insert(command.end(), flags.begin(), flags.end());
  command.push_back("--share=" + numberText(mode.share));
  command.push_back("--budget=" + numberText(mode.budgetSeconds));
  command.push_back("--schedules=" + std::to_string(int64_t(mode.schedules)));
  command.push_back("--background=" + std::to_string(owner));
  std::vector<std::string> words = environment;
  words.push_back("TMPDIR=" + scratch->path());
  const std::string errors = scratch->file("errors");
  std::optional<int> code;
  {
    auto child = ChildProcess::start(command, words, errors);
    if (child) {
      while (!(code = child->ended()))
        if (superseded || !pause(kLook))
          break;
    } else {
      warnOnce("tune: " + child.error().text);
    }
  }
  if (code && *code > 0 && !stopped) {
    std::string said;
    std::ifstream file(errors);
    for (std::string line; std::getline(file, line);)
      if (!line.empty())
        said = line.substr(0, 500);
    warnOnce("tune: a call is not tuned in the background: " +
             (said.empty() ? "exit code " + std::to_string(*code) : said));
  }
}
