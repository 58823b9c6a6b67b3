// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime's error channel: a value or an Error. No exception crosses a
// runtime header, and an Error's text is one complete line for a user.
#ifndef ATTN_JIT_RUNTIME_RESULT_H
#define ATTN_JIT_RUNTIME_RESULT_H

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace attn_jit::rt {

enum class ErrorCode {
  BadInput,    ///< a field, file or shape that can not be what was given
  OutOfMemory, ///< the device has less than was asked for
  Unsupported, ///< this device or build does not do it
  NotFound,    ///< no such file, driver, device or symbol
  Failed,      ///< a driver call failed
  Timeout,     ///< a kernel passed its limit
};

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::Failed;
  std::string text;     ///< one line: field, what was given, what is allowed
  std::string repro;    ///< a command that shows the fault again, or empty
  std::string log = {}; ///< what the vendor's tool said, many lines, or empty

  /// What a command ends with: 2 when the caller can give something else that
  /// works, 1 when the machine or the kernel failed.
  int exitCode() const {
    return code == ErrorCode::Failed || code == ErrorCode::Timeout ? 1 : 2;
  }
};

inline Error badInput(std::string text) {
  return {ErrorCode::BadInput, std::move(text), {}};
}
inline Error unsupported(std::string text) {
  return {ErrorCode::Unsupported, std::move(text), {}};
}
inline Error notFound(std::string text) {
  return {ErrorCode::NotFound, std::move(text), {}};
}
inline Error failed(std::string text, std::string repro = {}) {
  return {ErrorCode::Failed, std::move(text), std::move(repro)};
}

template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : state(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state.index() == 0; }
  explicit operator bool() const { return ok(); }

  T &operator*() & { return *std::get_if<0>(&state); }
  const T &operator*() const & { return *std::get_if<0>(&state); }
  T &&operator*() && { return std::move(*std::get_if<0>(&state)); }
  T *operator->() { return std::get_if<0>(&state); }
  const T *operator->() const { return std::get_if<0>(&state); }

  const Error &error() const { return *std::get_if<1>(&state); }
  Error takeError() { return std::move(*std::get_if<1>(&state)); }

private:
  std::variant<T, Error> state;
};

template <> class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Error error) : fault(std::move(error)) {}

  bool ok() const { return !fault; }
  explicit operator bool() const { return ok(); }
  const Error &error() const { return *fault; }
  Error takeError() { return std::move(*fault); }

private:
  std::optional<Error> fault;
};

using Status = Result<void>;
inline Status success() { return {}; }

} // namespace attn_jit::rt

#define ATTN_RT_CONCAT_(a, b) a##b
#define ATTN_RT_CONCAT(a, b) ATTN_RT_CONCAT_(a, b)
#define ATTN_TRY_(tmp, decl, ...)                                              \
  auto tmp = (__VA_ARGS__);                                                    \
  if (!tmp)                                                                    \
    return tmp.takeError();                                                    \
  decl = std::move(*tmp)

/// ATTN_TRY(auto x, f()): x is f()'s value, or the error is returned.
#define ATTN_TRY(decl, ...)                                                    \
  ATTN_TRY_(ATTN_RT_CONCAT(attnTry, __LINE__), decl, __VA_ARGS__)

/// ATTN_CHECK(f()): returns f()'s error if there is one.
#define ATTN_CHECK(...)                                                        \
  do {                                                                         \
    if (auto attnStatus = (__VA_ARGS__); !attnStatus)                          \
      return attnStatus.takeError();                                           \
  } while (false)

#endif // ATTN_JIT_RUNTIME_RESULT_H
