// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All options are set anew for each request: none is left of the one before.
#include "runtime/store/remote/Transfer.h"
#include "runtime/store/remote/CurlApi.h"
#include "runtime/store/remote/Url.h"

#include <csignal>
#include <ctime>
#include <pthread.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using rt::Result;

std::string_view store::name(Verb verb) {
  return verb == Verb::Get ? "GET" : verb == Verb::Head ? "HEAD" : "PUT";
}

namespace {

/// Enough for any server's headers; libcurl 7.88 counts none.
constexpr size_t mostHeaderBytes = 256 << 10;
constexpr size_t longBody = 1 << 20;

struct Sink {
  WebReply reply;
  size_t most, headerBytes = 0;
  Deadline deadline;
  bool tooLong = false, headersTooLong = false, late = false;
};

/// TLS libraries write with write(), which signals where a peer has closed;
/// CURLOPT_NOSIGNAL keeps libcurl from changing the process's handlers.
class WithoutSigPipe {
public:
  WithoutSigPipe() {
    sigset_t pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    if (!(wasPending = sigismember(&pending, SIGPIPE)))
      pthread_sigmask(SIG_BLOCK, &pipe, &before);
  }
  ~WithoutSigPipe() {
    if (wasPending)
      return;
    const timespec now{};
    sigtimedwait(&pipe, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  WithoutSigPipe(const WithoutSigPipe &) = delete;
  WithoutSigPipe &operator=(const WithoutSigPipe &) = delete;

private:
  sigset_t pipe, before;
  bool wasPending;
};

} // namespace

extern "C" {
static size_t takeBody(char *bytes, size_t, size_t count, void *to) {
  auto &sink = *static_cast<Sink *>(to);
  // libcurl looks at its clock between a hundred of these.
  if (std::chrono::steady_clock::now() > sink.deadline) {
    sink.late = true;
    return 0;
  }
  if (count > sink.most - sink.reply.body.size()) {
    sink.tooLong = true;
    return 0;
  }
  // Pages that nobody writes to cost nothing, but doubling a string from 32 MB
  // costs 100 ms on a busy machine, and nothing looks at the deadline then.
  std::string &body = sink.reply.body;
  if (body.size() + count > longBody && body.capacity() < sink.most)
    body.reserve(sink.most);
  body.append(bytes, count);
  return count;
}

static size_t takeHeader(char *, size_t, size_t count, void *to) {
  auto &sink = *static_cast<Sink *>(to);
  sink.headerBytes += count;
  if (sink.headerBytes > mostHeaderBytes) {
    sink.headersTooLong = true;
    return 0;
  }
  return count;
}
}

Transfer::Transfer(Transfer &&other) noexcept
    : access(std::move(other.access)), shown(std::move(other.shown)),
      handle(std::exchange(other.handle, nullptr)), process(other.process),
      connected(other.connected) {}

Transfer::~Transfer() {
  if (handle && process == getpid())
    CurlApi::get()->curl_easy_cleanup(handle);
}

static rt::Error describe(const CurlApi &api, CURLcode code, const Sink &sink,
                          const char *detail, const WebRequest &request) {
  if (sink.late)
    return {rt::ErrorCode::Timeout,
            "its time was over after " +
                std::to_string(sink.reply.body.size()) + " bytes",
            {}};
  if (sink.headersTooLong)
    return rt::badInput("the reply's headers are longer than " +
                        std::to_string(mostHeaderBytes) + " bytes");
  if (sink.tooLong || code == CURLE_FILESIZE_EXCEEDED)
    return rt::badInput("the reply is longer than " +
                        std::to_string(request.mostBytes) + " bytes");
  std::string text = *detail ? detail : api.curl_easy_strerror(code);
  switch (code) {
  case CURLE_OPERATION_TIMEDOUT:
    return {rt::ErrorCode::Timeout, std::move(text), {}};
  case CURLE_PARTIAL_FILE:
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_BAD_CONTENT_ENCODING:
    return rt::badInput("no proper reply: " + text);
  default:
    return rt::failed(std::move(text));
  }
}

static std::chrono::milliseconds untilThen(Deadline deadline) {
  return std::chrono::ceil<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
}

Result<WebReply> Transfer::perform(const WebRequest &request,
                                   Deadline deadline) {
  const auto &opened = CurlApi::get();
  if (!opened)
    return rt::failed("remote " + shown + ": " + opened.error().text);
  const CurlApi &api = *opened;
  const auto limit = untilThen(deadline);
  const std::string before =
      "remote " + shown + ": " + std::string(name(request.verb));
  if (limit.count() <= 0)
    return rt::Error{rt::ErrorCode::Timeout,
                     before + ": its time was over before it began",
                     {}};
  // The parent's connections are not the child's to use, nor to close.
  if (process != getpid())
    handle = nullptr;
  if (!handle && !(handle = api.curl_easy_init()))
    return rt::failed(before + ": libcurl gives no handle");
  process = getpid();
  api.curl_easy_reset(handle);

  Sink sink{{}, request.mostBytes, 0, deadline};
  char detail[CURL_ERROR_SIZE] = "";
  curl_slist *headers = nullptr;
  CURLcode refused = CURLE_OK;
  auto set = [&](CURLoption option, auto value) {
    if (CURLcode code = api.curl_easy_setopt(handle, option, value))
      refused = code;
  };
  auto header = [&](const std::string &line) {
    if (curl_slist *longer = api.curl_slist_append(headers, line.c_str()))
      headers = longer;
    else
      refused = CURLE_OUT_OF_MEMORY;
  };
  set(CURLOPT_ERRORBUFFER, detail);
  set(CURLOPT_URL, request.url.c_str());
  set(curlProtocols, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_HTTP_VERSION, long(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_USERAGENT, "attn-jit");
  set(CURLOPT_NOSIGNAL, 1L);
  // At a deadline a resolver's thread is left to end by itself: it is the
  // system's, and may take half a minute.
  set(curlQuickExit, 1L);
  set(CURLOPT_TIMEOUT_MS, long(limit.count()));
  set(CURLOPT_CONNECTTIMEOUT_MS, long(std::min(limit, access.connect).count()));
  set(CURLOPT_EXPECT_100_TIMEOUT_MS, 200L);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, long(CURL_SSLVERSION_TLSv1_2));
  if (!access.authority.empty())
    set(CURLOPT_CAINFO, access.authority.c_str());
  if (!access.certificate.empty())
    set(CURLOPT_SSLCERT, access.certificate.c_str());
  if (!access.key.empty())
    set(CURLOPT_SSLKEY, access.key.c_str());
  if (!access.bearer.empty()) {
    set(CURLOPT_HTTPAUTH, long(CURLAUTH_BEARER));
    set(CURLOPT_XOAUTH2_BEARER, access.bearer.c_str());
  } else if (!access.user.empty() || !access.password.empty()) {
    set(CURLOPT_USERNAME, access.user.c_str());
    set(CURLOPT_PASSWORD, access.password.c_str());
    if (access.sigv4.empty())
      set(CURLOPT_HTTPAUTH, long(CURLAUTH_BASIC));
    else
      set(CURLOPT_AWS_SIGV4, access.sigv4.c_str());
  }
  if (request.verb == Verb::Head)
    set(CURLOPT_NOBODY, 1L);
  if (request.verb == Verb::Put) {
    // A body in memory, which libcurl can send again where the server has
    // closed the connection that it kept.
    set(CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.size()));
    set(CURLOPT_CUSTOMREQUEST, "PUT");
    header("Content-Type: application/octet-stream");
  }
  for (const std::string &line : request.headers)
    header(line);
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_MAXFILESIZE_LARGE, curl_off_t(request.mostBytes));
  set(CURLOPT_WRITEFUNCTION, takeBody);
  set(CURLOPT_WRITEDATA, static_cast<void *>(&sink));
  set(CURLOPT_HEADERFUNCTION, takeHeader);
  set(CURLOPT_HEADERDATA, static_cast<void *>(&sink));

  CURLcode code = refused;
  if (code == CURLE_OK) {
    const WithoutSigPipe guard;
    code = api.curl_easy_perform(handle);
  }
  long made = 0;
  if (api.curl_easy_getinfo(handle, CURLINFO_NUM_CONNECTS, &made) == CURLE_OK)
    connected += made;
  api.curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &sink.reply.status);
  api.curl_slist_free_all(headers);
  if (code == CURLE_OK)
    return std::move(sink.reply);
  rt::Error error = describe(api, code, sink, detail, request);
  error.text = before + ": " + error.text;
  for (const std::string *secret : {&access.password, &access.bearer})
    error.text = withoutSecret(std::move(error.text), *secret);
  return error;
}
