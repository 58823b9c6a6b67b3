// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A lane's thread owns all that it uses, so that a process never waits for it:
// at the end its ptxas is killed, and what was not published is as if it had
// never begun.
#include "tools/api/MachineCode.h"
#include "runtime/store/files/Publish.h"

#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::api;

/// A decoder that is warming up has some tens; what is dropped is assembled by
/// a later process.
static constexpr size_t kMostWaiting = 64;

/// Killed, ptxas ends at once; its folder is removed by our thread.
static constexpr std::chrono::milliseconds kEnd{50};

std::string api::driverRelease(const rt::DeviceInfo &device) {
  return device.driverVersion.substr(0, device.driverVersion.find(' '));
}

bool api::isOfRelease(const std::string &ptxas, const std::string &release,
                      RunningTool *running) {
  return !ptxas.empty() && !release.empty() &&
         ptxasVersion(ptxas, running) == "ptxas " + release;
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
      : local(std::move(local)), ptxas(std::move(ptxas)),
        running(this->local.root().path + "/v1/tmp") {}

  struct Job {
    store::Key key;
    std::string ptx, target;
    rt::DeviceInfo device;
  };
  void assemble(const Job &job);

  store::LocalStore local;
  const std::string ptxas;
  RunningTool running;
  const pid_t process = getpid();
};

MachineCode::MachineCode(store::LocalStore local, std::string ptxas)
    : state(std::make_shared<State>(std::move(local), std::move(ptxas))),
      lane(std::make_unique<store::Lane>(kMostWaiting, SIZE_MAX)) {}

MachineCode::~MachineCode() {
  if (state->process != getpid()) {
    // Its locks may be those of threads that are not here.
    new std::unique_ptr<store::Lane>(std::move(lane));
    return;
  }
  state->running.kill();
  lane->stop();
  lane->waitEnded(std::chrono::steady_clock::now() + kEnd);
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
      !isOfRelease(ptxas, driverRelease(job.device), &running))
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

void MachineCode::assembleLater(const Compiled &ptx,
                                const rt::DeviceInfo &device) {
  if (state->ptxas.empty() || state->process != getpid() ||
      !concerns(ptx, device) || !state->local.root())
    return;
  // One that is not taken is assembled by a later process.
  (void)lane->push(
      [state = this->state,
       job = State::Job{codeKey(ptx, device), ptx.image, ptx.target, device}] {
        (void)store::makeFolder(state->running.folder).ok();
        state->assemble(job);
      });
}

bool MachineCode::wait(std::chrono::milliseconds limit) const {
  return lane->waitIdle(std::chrono::steady_clock::now() + limit);
}
