// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// getaddrinfo has no deadline, so it runs in a thread that is left behind when
// it takes too long. One thread a name at a time: who asks again for a name
// that hangs waits for the same one, and a process gathers no threads.
#include "runtime/store/remote/Socket.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using std::chrono::milliseconds;

namespace {

struct Address {
  int family = 0;
  socklen_t size = 0;
  sockaddr_storage bytes{};
};

/// One resolution: shared by its thread and those who wait.
struct Resolution {
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  std::vector<Address> addresses;
  std::string error;
};

struct Resolutions {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Resolution>> running;
};

} // namespace

/// Never destroyed: threads may end while the process does. A child of fork has
/// none of these threads, and its parent's mutex may be locked for ever.
static Resolutions &resolutions() {
  static std::atomic<Resolutions *> all = [] {
    pthread_atfork(nullptr, nullptr, [] { all = new Resolutions; });
    return new Resolutions;
  }();
  return *all;
}

static void resolve(const std::string &host, int flags, Resolution &to) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  const int code = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  std::lock_guard lock(to.mutex);
  if (code)
    to.error = gai_strerror(code);
  for (addrinfo *each = code ? nullptr : found; each; each = each->ai_next) {
    Address address{each->ai_family, each->ai_addrlen, {}};
    std::memcpy(&address.bytes, each->ai_addr, each->ai_addrlen);
    to.addresses.push_back(address);
  }
  if (!code)
    freeaddrinfo(found);
  to.done = true;
  to.finished.notify_all();
}

static std::shared_ptr<Resolution> startResolution(const std::string &host) {
  Resolutions &all = resolutions();
  std::lock_guard lock(all.mutex);
  auto &slot = all.running[host];
  if (slot)
    return slot;
  slot = std::make_shared<Resolution>();
  std::thread([host, started = slot] {
    sigset_t every;
    sigfillset(&every);
    pthread_sigmask(SIG_BLOCK, &every, nullptr);
    resolve(host, 0, *started);
    Resolutions &all = resolutions();
    std::lock_guard lock(all.mutex);
    all.running.erase(host);
  }).detach();
  return slot;
}

static rt::Result<std::vector<Address>> addressesOf(const std::string &host,
                                                    Deadline deadline) {
  Resolution numeric;
  resolve(host, AI_NUMERICHOST, numeric);
  if (!numeric.addresses.empty())
    return std::move(numeric.addresses);
  const auto resolution = startResolution(host);
  std::unique_lock lock(resolution->mutex);
  if (!resolution->finished.wait_until(lock, deadline,
                                       [&] { return resolution->done; }))
    return rt::Error{
        rt::ErrorCode::Timeout, "its name was not resolved in time", {}};
  if (resolution->addresses.empty())
    return rt::failed("its name does not resolve: " + resolution->error);
  return resolution->addresses;
}

/// Until `events` or the deadline.
static rt::Status waitFor(int file, short events, Deadline deadline,
                          const char *what) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd one{file, events, 0};
    const int count =
        poll(&one, 1, int(std::clamp<int64_t>(left.count(), 0, 1 << 30)));
    if (count > 0)
      return rt::success();
    if (count == 0)
      return rt::Error{
          rt::ErrorCode::Timeout, std::string(what) + " took too long", {}};
    if (errno != EINTR)
      return rt::failed(std::string(what) + ": " + std::strerror(errno));
  }
}

static rt::Result<FileHandle> dial(const sockaddr *address, socklen_t size,
                                   Deadline deadline) {
  FileHandle file(socket(address->sa_family,
                         SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!file)
    return rt::failed(std::string("no socket: ") + std::strerror(errno));
  if (connect(file.get(), address, size) == 0)
    return file;
  // A Unix socket whose queue is full says EAGAIN and is not being connected.
  if (errno != EINPROGRESS)
    return rt::failed(std::string("connecting: ") + std::strerror(errno));
  ATTN_CHECK(waitFor(file.get(), POLLOUT, deadline, "connecting"));
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(file.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0)
    error = errno;
  if (error)
    return rt::failed(std::string("connecting: ") + std::strerror(error));
  return file;
}

rt::Result<Socket> Socket::dialTcp(const std::string &host, int port,
                                   Deadline deadline) {
  ATTN_TRY(std::vector<Address> addresses, addressesOf(host, deadline));
  rt::Error last = rt::failed("it has no address");
  for (Address &address : addresses) {
    auto *bytes = reinterpret_cast<sockaddr *>(&address.bytes);
    if (address.family == AF_INET)
      reinterpret_cast<sockaddr_in *>(bytes)->sin_port = htons(uint16_t(port));
    else if (address.family == AF_INET6)
      reinterpret_cast<sockaddr_in6 *>(bytes)->sin6_port =
          htons(uint16_t(port));
    else
      continue;
    auto file = dial(bytes, address.size, deadline);
    if (file) {
      const int on = 1;
      setsockopt(file->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return Socket(std::move(*file));
    }
    last = file.takeError();
    if (last.code == rt::ErrorCode::Timeout)
      break;
  }
  return last;
}

rt::Result<Socket> Socket::dialUnix(const std::string &path,
                                    Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return rt::failed("a path of " + std::to_string(path.size()) +
                      " bytes given, allowed: at most " +
                      std::to_string(sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, path.c_str(), path.size());
  ATTN_TRY(FileHandle file, dial(reinterpret_cast<sockaddr *>(&address),
                                 sizeof address, deadline));
  return Socket(std::move(file));
}

rt::Result<bool> Socket::exchange(std::string_view toSend, size_t &sent,
                                  std::string &received, Deadline deadline) {
  const short events = sent < toSend.size() ? POLLIN | POLLOUT : POLLIN;
  // Also where bytes are there already: a trickle must not outlast it.
  if (std::chrono::steady_clock::now() >= deadline)
    return rt::Error{rt::ErrorCode::Timeout, "the answer took too long", {}};
  ATTN_CHECK(waitFor(file.get(), events, deadline, "the answer"));
  if (sent < toSend.size()) {
    const ssize_t count = send(file.get(), toSend.data() + sent,
                               toSend.size() - sent, MSG_NOSIGNAL);
    if (count > 0)
      sent += size_t(count);
    else if (errno != EAGAIN && errno != EINTR)
      return rt::failed(std::string("sending: ") + std::strerror(errno));
  }
  char part[1 << 16];
  const ssize_t count = recv(file.get(), part, sizeof part, 0);
  if (count == 0)
    return false;
  if (count > 0)
    received.append(part, size_t(count));
  else if (errno != EAGAIN && errno != EINTR)
    return rt::failed(std::string("receiving: ") + std::strerror(errno));
  return true;
}
