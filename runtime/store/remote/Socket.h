// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A stream socket that keeps deadlines: connecting, sending and receiving, and
// the resolution of names, which the system may never finish. It raises no
// SIGPIPE, and no child of fork or exec keeps using it.
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTE_SOCKET_H
#define ATTN_JIT_RUNTIME_STORE_REMOTE_SOCKET_H

#include "runtime/store/files/FileHandle.h"
#include "runtime/store/remote/Remote.h"

namespace attn_jit::store {

/// Errors of all calls: Timeout, Failed; the text is what went wrong, without
/// the address.
class Socket {
public:
  static rt::Result<Socket> dialTcp(const std::string &host, int port,
                                    Deadline deadline);
  static rt::Result<Socket> dialUnix(const std::string &path,
                                     Deadline deadline);

  /// Sends what fits now and receives what is there, at least one of both
  /// unless it fails; `sent` counts on. Bytes received go behind `received`.
  /// False: the other side has closed.
  rt::Result<bool> exchange(std::string_view toSend, size_t &sent,
                            std::string &received, Deadline deadline);

private:
  explicit Socket(FileHandle file) : file(std::move(file)) {}
  FileHandle file;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTE_SOCKET_H
