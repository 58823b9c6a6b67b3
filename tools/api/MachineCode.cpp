// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One detached thread, which comes with the first kernel and ends with the
// last. It holds all that it uses, so that a process never waits for it: at the
// end its ptxas is killed, and what was not published is as if it had never
// begun.
#include "tools/api/MachineCode.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::api;

/// A decoder that is warming up has some tens; what is dropped is assembled by
/// a later process.
static constexpr size_t kMostWaiting = 64;

/// Killed, ptxas ends at once; its folder is removed by our thread.
static constexpr std::chrono::milliseconds kEnd{50};

bool api::isDriversOwn(const std::string &ptxas, const rt::DeviceInfo &device) {
  // "13.0 (580.65.06)"
  const std::string release =
      device.driverVersion.substr(0, device.driverVersion.find(' '));
  return !ptxas.empty() && !release.empty() &&
         ptxasVersion(ptxas) == "ptxas " + release;
}

static store::Key codeKey(const Compiled &ptx, const rt::DeviceInfo &device) {
  store::Key key;
  key.add("format", "attn-jit.machine_code.v1");
  key.add("ptx", store::sha256(ptx.image).hex());
  key.add("target", ptx.target);
  key.add("driver", device.driverVersion);
  return key;
}

/// Code is of one chip. PTX of an earlier one stays the driver's to assemble.
static bool concerns(const Compiled &ptx, const rt::DeviceInfo &device) {
  return ptx.kind == rt::ImageKind::Ptx && ptx.target == device.target &&
         !device.driverVersion.empty() && device.takes(rt::ImageKind::Cubin);
}

struct MachineCode::State {
  State(store::LocalStore local, std::string ptxas)
      : local(std::move(local)), ptxas(std::move(ptxas)) {}

  struct Job {
    store::Key key;
    std::string ptx, target;
    rt::DeviceInfo device;
  };

  store::LocalStore local;
  const std::string ptxas;
  const pid_t process = getpid();

  std::mutex mutex; ///< of all below
  std::condition_variable changed;
  std::deque<Job> jobs;
  bool works = false, ends = false;
  RunningTool running;

  void work();
  void assemble(const Job &job);
};

MachineCode::MachineCode(store::LocalStore local, std::string ptxas)
    : state(std::make_shared<State>(std::move(local), std::move(ptxas))) {}

MachineCode::~MachineCode() {
  if (state->process != getpid()) {
    // The lock may be held by a thread that is not here.
    new std::shared_ptr<State>(std::move(state));
    return;
  }
  {
    const std::lock_guard lock(state->mutex);
    state->ends = true;
    state->jobs.clear();
  }
  state->running.kill();
  wait(kEnd);
}

std::optional<std::string>
MachineCode::find(const Compiled &ptx, const rt::DeviceInfo &device) const {
  if (!concerns(ptx, device))
    return std::nullopt;
  const store::Digest key = codeKey(ptx, device).digest();
  // Most hosts have none: no miss to count.
  if (access(state->local.actionFile(key, store::Place::Own).c_str(), F_OK))
    return std::nullopt;
  store::Lookup found = state->local.find(key);
  // Made here, or it does not run.
  if (!found.entry || found.place != store::Place::Own)
    return std::nullopt;
  return std::move(found.entry->object);
}

void MachineCode::State::assemble(const Job &job) {
  const store::Digest key = job.key.digest();
  // Whoever comes second has nothing to wait for.
  const auto lock = local.lock(key, std::chrono::milliseconds(0));
  if (!lock ||
      !access(local.actionFile(key, store::Place::Own).c_str(), F_OK) ||
      !isDriversOwn(ptxas, job.device))
    return;
  auto made =
      api::assemble(ptxas, job.ptx, job.target, /*keepFault=*/false, &running);
  if (!made)
    return;
  store::Action action;
  action.key = job.key;
  action.kind = rt::name(rt::ImageKind::Cubin);
  action.object = store::sha256(made->cubin);
  action.bytes = int64_t(made->cubin.size());
  (void)local.publish(action, made->cubin).ok();
}

void MachineCode::State::work() {
  std::unique_lock lock(mutex);
  while (!jobs.empty()) {
    const Job job = std::move(jobs.front());
    jobs.pop_front();
    lock.unlock();
    assemble(job);
    lock.lock();
  }
  works = false;
  changed.notify_all();
}

void MachineCode::assembleLater(const Compiled &ptx,
                                const rt::DeviceInfo &device) {
  if (state->ptxas.empty() || state->process != getpid() ||
      !concerns(ptx, device) || !state->local.root())
    return;
  const std::lock_guard lock(state->mutex);
  if (state->ends || state->jobs.size() >= kMostWaiting)
    return;
  state->jobs.push_back({codeKey(ptx, device), ptx.image, ptx.target, device});
  if (state->works)
    return;
  state->works = true;
  std::thread([state = this->state] { state->work(); }).detach();
}

bool MachineCode::wait(std::chrono::milliseconds limit) const {
  std::unique_lock lock(state->mutex);
  return state->changed.wait_for(lock, limit, [&] { return !state->works; });
}
