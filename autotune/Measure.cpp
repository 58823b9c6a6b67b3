// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tuner's side. Invariant: a sample stands for a schedule only if some
// worker has checked that schedule's output, and each failure is that of the
// one schedule that ran when it happened.
#include "autotune/Measure.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

using namespace attn_jit;
using namespace attn_jit::tune;
using Json = nlohmann::json;
using store::Outcome;

/// Workers in a row that end while they start: then it is the device.
static constexpr int kMostStarts = 2;

static double clockSeconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

WorkerMeasurer::WorkerMeasurer(WorkerOptions given)
    : options(std::move(given)),
      pool(options.compile, options.compileThreads, options.elsewhere),
      beginning(clockSeconds()) {}

double WorkerMeasurer::seconds() const {
  return options.deviceSecondsOnly ? answerSeconds : clockSeconds() - beginning;
}

void WorkerMeasurer::prepare(std::span<const std::string> schedules) {
  for (const std::string &schedule : schedules)
    pool.announce(schedule);
}

size_t WorkerMeasurer::numberOf(const std::string &schedule) {
  return numbers.emplace(schedule, numbers.size()).first->second;
}

static std::string textOf(const Json &answer, const char *field) {
  auto found = answer.find(field);
  return found != answer.end() && found->is_string() ? found->get<std::string>()
                                                     : "";
}

static double numberIn(const Json &answer, const char *field) {
  auto found = answer.find(field);
  return found != answer.end() && found->is_number() ? found->get<double>() : 0;
}

rt::Status WorkerMeasurer::ensureWorker() {
  std::string how;
  for (int attempt = 0; !worker && attempt < kMostStarts; ++attempt) {
    const std::string errorFile =
        options.folder + "/worker." + std::to_string(++started);
    ATTN_TRY(WorkerProcess fresh,
             WorkerProcess::start(options.command, errorFile));
    std::string line;
    const auto heard = fresh.hear(line, options.startSeconds);
    const Json answer = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (heard == WorkerProcess::Heard::Line && answer.is_object() &&
        answer.contains("ready")) {
      worker.emplace(std::move(fresh));
      used = numberIn(answer, "used_s");
      owedSeconds = used * (1 / options.share - 1);
    } else if (heard == WorkerProcess::Heard::Line && answer.is_object() &&
               answer.contains("error"))
      return rt::failed(textOf(answer, "error"));
    else
      how = heard == WorkerProcess::Heard::Silence
                ? "it was silent for " +
                      std::to_string(int(options.startSeconds)) + " s"
                : fresh.end().how;
  }
  if (!worker)
    return rt::failed("worker: it does not get ready: " + how);
  return rt::success();
}

/// What it had loaded went with it.
WorkerProcess::End WorkerMeasurer::dropWorker() {
  WorkerProcess::End ended = worker->end();
  worker.reset();
  loaded.clear();
  usedBefore += std::exchange(used, 0);
  return ended;
}

/// Is there an answer that is none of a failure? Else `result` says what
/// happened, and the worker is gone unless the failure was only told. `seconds`
/// grows by what the answer took.
bool WorkerMeasurer::answered(const std::string &schedule, double limitSeconds,
                              Measured &result, double &seconds,
                              std::string &line) {
  // A worker may rest from what it did before its last answer.
  const double before = clockSeconds();
  const auto heard = worker->hear(line, limitSeconds + owedSeconds);
  const double took = clockSeconds() - before;
  answerSeconds += took, seconds += took;
  if (heard == WorkerProcess::Heard::Silence) {
    result.outcome = Outcome::TimedOut;
    char text[64];
    std::snprintf(text, sizeof text, "no answer within %g s", limitSeconds);
    result.note = text;
    (void)dropWorker();
    return false;
  }
  const Json answer = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (heard == WorkerProcess::Heard::Death || !answer.is_object()) {
    result.outcome = Outcome::Crashed;
    const WorkerProcess::End ended = dropWorker();
    const bool died = heard == WorkerProcess::Heard::Death;
    result.note = died ? ended.how : "the worker's answer is no JSON object";
    // Once may have been anybody's kill: it is measured again.
    if (died && ended.killed && killed.insert(schedule).second)
      result.outcome = Outcome::Throttled;
    return false;
  }
  const double usedNow = std::max(used, numberIn(answer, "used_s"));
  owedSeconds = (usedNow - used) * (1 / options.share - 1);
  used = usedNow;
  if (!answer.contains("failed"))
    return true;
  result.outcome = textOf(answer, "failed") == "wrong" ? Outcome::Wrong
                                                       : Outcome::LaunchFailed;
  result.note = textOf(answer, "note");
  result.error = numberIn(answer, "error");
  if (answer.value("ends", false))
    (void)dropWorker();
  return false;
}

rt::Status
WorkerMeasurer::load(std::span<const std::string> schedules, size_t which,
                     Measured &result,
                     const std::function<rt::Status(size_t)> &running) {
  const std::string &schedule = schedules[which];
  CompiledPath path = pool.get(schedule);
  if (!path) {
    if (path.error().code == rt::ErrorCode::NotFound ||
        path.error().code == rt::ErrorCode::OutOfMemory)
      return path.takeError();
    result.outcome = Outcome::CompileFailed;
    result.note = path.error().text;
    return rt::success();
  }
  ATTN_CHECK(ensureWorker());
  ATTN_CHECK(running(which));
  const bool check = !errors.contains(schedule);
  worker->say(
      Json{{"load", numberOf(schedule)}, {"manifest", *path}, {"check", check}}
          .dump());
  std::string line;
  if (!answered(schedule, options.loadSeconds, result, result.loadSeconds,
                line))
    return rt::success();
  if (check)
    errors[schedule] = numberIn(
        Json::parse(line, nullptr, /*allow_exceptions=*/false), "error");
  loaded[schedule] = true;
  return rt::success();
}

/// A worker that ends takes the loaded along: they are loaded again.
rt::Status
WorkerMeasurer::loadAll(std::span<const std::string> schedules,
                        Results &results,
                        const std::function<rt::Status(size_t)> &running) {
  bool again = true;
  while (again) {
    again = false;
    for (size_t i = 0; i < schedules.size(); ++i) {
      if (results[i].outcome != Outcome::Ok || loaded[schedules[i]])
        continue;
      ATTN_CHECK(load(schedules, i, results[i], running));
      again |= !worker;
    }
  }
  return rt::success();
}

/// Takes out of `left` what was answered, until nothing is left or a schedule
/// fails; what failed is left out by the next call.
rt::Status WorkerMeasurer::time(std::span<const std::string> schedules,
                                std::vector<Visit> &left, Results &results) {
  std::erase_if(
      left, [&](Visit visit) { return results[visit].outcome != Outcome::Ok; });
  if (left.empty())
    return rt::success();
  Json order = Json::array();
  for (Visit visit : left)
    order.push_back(numberOf(schedules[visit]));
  const double before = clockSeconds();
  worker->say(Json{{"time", std::move(order)}}.dump());
  size_t heard = 0;
  while (heard < left.size()) {
    Measured &result = results[left[heard++]];
    std::string line;
    if (!answered(schedules[left[heard - 1]], options.sampleSeconds, result,
                  result.timingSeconds, line))
      break;
    const Json answer = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const double us = numberIn(answer, "us");
    if (!(us > 0))
      return rt::failed("worker: no time in its answer: " +
                        line.substr(0, 200));
    if (answer.value("throttled", false))
      result.outcome = Outcome::Throttled;
    // The same kernel has the same limit each time: it counts, and is told.
    if (answer.value("power_cap", false))
      result.note = "power cap";
    result.samplesUs.push_back(us);
    result.clockMHz = std::max(result.clockMHz, numberIn(answer, "clock_mhz"));
  }
  perSample = (clockSeconds() - before) / double(heard);
  left.erase(left.begin(), left.begin() + int64_t(heard));
  return rt::success();
}

rt::Result<std::vector<Measured>>
WorkerMeasurer::measure(std::span<const std::string> schedules,
                        std::span<const Visit> visits,
                        const std::function<rt::Status(size_t)> &running) {
  prepare(schedules);
  Results results(schedules.size());
  std::vector<Visit> left(visits.begin(), visits.end());
  do {
    ATTN_CHECK(loadAll(schedules, results, running));
    ATTN_CHECK(time(schedules, left, results));
  } while (!left.empty());
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].outcome == Outcome::Ok)
      results[i].error = errors[schedules[i]]; // of this call or an earlier one
    else
      results[i].samplesUs.clear();
  }
  return results;
}
