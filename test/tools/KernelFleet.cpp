// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A fleet's cold start: hosts with caches, signing keys and configurations of
// their own, processes on each, one remote and one key that nobody has.
//
//   KernelFleet URL FOLDER once|killed|strangers|cost
//
//   once       64 processes on 8 hosts
//   killed     the holder of the lease is killed while it compiles
//   strangers  hosts that list nobody's key
//   cost       what the remote adds to a launch, of a host that is alone
//
// A compiler is one that takes a while, and looks now and then whether it is
// called off, as the real one does between its steps.
#include "test/runtime/TestManifest.h"
#include "test/runtime/store/remote/RunDelay.h"
#include "tools/api/KernelStore.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit;
using namespace std::chrono_literals;
using api::KernelStore;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

namespace {

/// Shorter than a lease by what a busy machine may take.
constexpr std::chrono::milliseconds compilation{200};

struct Fleet {
  std::string url, folder;
  int hosts;

  std::string home(int host) const {
    return folder + "/" + std::to_string(host);
  }
  /// Hosts that list the keys of all.
  void furnish(bool listed) const {
    std::string lines;
    std::vector<store::SigningKey> keys;
    for (int host = 0; host < hosts; ++host) {
      fs::create_directories(home(host));
      chmod(home(host).c_str(), 0700);
      keys.push_back(*store::SigningKey::generate(home(host) + "/signing_key"));
      lines += keys.back().publicKey().line() + "\n";
    }
    for (int host = 0; listed && host < hosts; ++host)
      std::ofstream(home(host) + "/trusted_keys") << lines;
  }
  /// In a process of that host.
  void moveTo(int host) const {
    setenv("ATTN_JIT_CONFIG", home(host).c_str(), 1);
  }
  std::unique_ptr<KernelStore> storeOf(int host, bool remote = true) const {
    store::RemoteOptions options;
    options.url = url;
    return std::make_unique<KernelStore>(
        store::checkCacheRoot(home(host) + "/cache"),
        std::span(&options, remote ? 1 : 0));
  }
};

store::Key keyOf(const std::string &name) {
  store::Key key;
  key.add("name", name);
  return key;
}

/// Appended to by whoever has compiled.
void count(const std::string &folder) {
  const int file = open((folder + "/compiled").c_str(),
                        O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (write(file, "x", 1) != 1)
    _exit(3);
  close(file);
}

rt::Result<api::Compiled> compiled(const KernelStore::CalledOff &calledOff,
                                   std::chrono::milliseconds takes) {
  for (const auto end = Clock::now() + takes; Clock::now() < end;) {
    if (calledOff())
      return rt::failed("kernel: called off");
    std::this_thread::sleep_for(2ms);
  }
  api::Compiled made;
  made.kind = rt::ImageKind::Ptx;
  made.image = std::string(100000, 'p');
  made.manifest = rt::test::goodManifest().dump();
  return made;
}

/// Ends the process: 10, 11 or 12 by where the kernel came from.
[[noreturn]] void launch(const Fleet &fleet, int host) {
  fleet.moveTo(host);
  int code = 1;
  {
    const auto store = fleet.storeOf(host);
    auto image = store->image(keyOf("kernel"),
                              [&](const KernelStore::CalledOff &calledOff) {
                                auto made = compiled(calledOff, compilation);
                                if (made)
                                  count(fleet.folder);
                                return made;
                              });
    if (image)
      code = 10 + int(image->from);
    else
      fprintf(stderr, "%s\n", image.error().text.c_str());
  }
  _exit(code);
}

struct Ends {
  int disk = 0, remote = 0, compiler = 0, failed = 0;
  std::chrono::milliseconds took{};
};

/// All begin at one moment.
Ends launchAll(const Fleet &fleet, int from, int processesEach) {
  int gate[2];
  if (pipe(gate) != 0)
    exit(3);
  std::vector<pid_t> children;
  for (int host = from; host < fleet.hosts; ++host)
    for (int i = 0; i < processesEach; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        char byte;
        close(gate[1]);
        (void)!read(gate[0], &byte, 1);
        launch(fleet, host);
      }
      children.push_back(child);
    }
  const auto begin = Clock::now();
  close(gate[0]);
  close(gate[1]);
  Ends ends;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    ends.disk += code == 10 + int(KernelStore::From::Disk);
    ends.remote += code == 10 + int(KernelStore::From::Remote);
    ends.compiler += code == 10 + int(KernelStore::From::Compiler);
    ends.failed += code < 10;
  }
  ends.took =
      std::chrono::ceil<std::chrono::milliseconds>(Clock::now() - begin);
  return ends;
}

int report(const Fleet &fleet, const Ends &ends) {
  std::error_code none;
  const auto compilations = fs::file_size(fleet.folder + "/compiled", none);
  printf("%d compiled, %d from the disk, %d from the remote, %d failed; "
         "compilations: %d; %s\n",
         ends.compiler, ends.disk, ends.remote, ends.failed,
         none ? 0 : int(compilations),
         ends.took <= 2 * compilation + store::FleetLookup::mostWait + 1s
             ? "in time"
             : "too late");
  fprintf(stderr, "%ld ms\n", long(ends.took.count()));
  return ends.failed;
}

int killed(const Fleet &fleet) {
  const pid_t holder = fork();
  if (holder == 0) {
    fleet.moveTo(0);
    const auto store = fleet.storeOf(0);
    (void)store->image(keyOf("kernel"),
                       [](const KernelStore::CalledOff &calledOff) {
                         // Long enough for the lease to be taken.
                         (void)compiled(calledOff, 200ms).ok();
                         raise(SIGKILL);
                         return rt::Result<api::Compiled>(rt::failed(""));
                       });
    _exit(0);
  }
  int status = 0;
  waitpid(holder, &status, 0);
  if (!WIFSIGNALED(status))
    return 3;
  return report(fleet, launchAll(fleet, 1, 1));
}

/// What a launch takes whose compilation takes 20 ms, without what its thread
/// waited for a processor.
std::chrono::microseconds launchTime(KernelStore &store,
                                     const std::string &name) {
  const store::test::Stopwatch watch;
  auto image =
      store.image(keyOf(name), [](const KernelStore::CalledOff &calledOff) {
        return compiled(calledOff, 20ms);
      });
  if (!image || image->from != KernelStore::From::Compiler)
    exit(3);
  return std::chrono::ceil<std::chrono::microseconds>(watch.elapsed());
}

int cost(const Fleet &fleet) {
  fleet.moveTo(0);
  const auto alone = fleet.storeOf(0, false), beside = fleet.storeOf(0, true);
  std::array<std::vector<std::chrono::microseconds>, 2> times;
  // In turn, so that what the machine does is the same for both.
  for (int i = 0; i < 31; ++i)
    for (bool remote : {false, true})
      times[remote].push_back(
          launchTime(remote ? *beside : *alone,
                     (remote ? "remote " : "alone ") + std::to_string(i)));
  for (auto &each : times)
    std::ranges::nth_element(each, each.begin() + 15);
  fprintf(stderr, "alone %ld us, beside the remote %ld us\n",
          long(times[0][15].count()), long(times[1][15].count()));
  printf("%s\n",
         times[1][15] <= times[0][15] + 5ms ? "at most 5 ms more" : "too much");
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr,
            "usage: KernelFleet URL FOLDER once|killed|strangers|cost\n");
    return 2;
  }
  const std::string what = argv[3];
  const Fleet fleet{argv[1], argv[2], what == "cost" ? 1 : 8};
  fs::remove_all(fleet.folder);
  fleet.furnish(what != "strangers");
  if (what == "killed")
    return killed(fleet);
  if (what == "cost")
    return cost(fleet);
  return report(fleet, launchAll(fleet, 0, what == "once" ? 8 : 1));
}
