// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The in-process link. LLD reads and writes files, so each link has a folder of
// its own, readable by this user alone and gone before the call returns.
#include "codegen/lower/Link.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <mutex>
#include <pthread.h>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace attn_jit;
using llvm::Error;
using llvm::StringRef;

static Error failed(const llvm::Twine &what, StringRef log = {}) {
  std::string text = ("link: " + what).str();
  if (!log.trim().empty())
    text += "\n" + log.trim().str();
  return llvm::createStringError(text);
}

static Error writeFile(StringRef path, StringRef bytes) {
  std::error_code code;
  llvm::raw_fd_ostream file(path, code, llvm::sys::fs::CD_CreateNew);
  if (code)
    return failed("cannot write " + path + ": " + code.message());
  file << bytes;
  file.close();
  if (file.has_error()) {
    code = file.error();
    file.clear_error();
    return failed("cannot write " + path + ": " + code.message());
  }
  return Error::success();
}

/// fork() waits for a link that is under way: its child would find LLD's
/// globals half set, and this locked for ever. Never destroyed.
static std::mutex &linkLock() {
  static auto &mutex = *new std::mutex;
  static const int handlers =
      pthread_atfork([] { linkLock().lock(); }, [] { linkLock().unlock(); },
                     [] { linkLock().unlock(); });
  (void)handlers;
  return mutex;
}

llvm::Expected<std::string> attn_jit::linkShared(StringRef object) {
  static bool usable = true;
  std::lock_guard<std::mutex> lock(linkLock());
  if (!usable)
    return failed("LLD crashed before in this process and cannot run again");

  llvm::SmallString<128> folder;
  llvm::sys::path::system_temp_directory(/*ErasedOnReboot=*/true, folder);
  llvm::sys::path::append(folder, "attn-jit-link-XXXXXX");
  // mkdtemp, not createUniqueDirectory: the folder must have mode 0700.
  if (!::mkdtemp(const_cast<char *>(folder.c_str())))
    return failed("cannot make a temporary folder " + folder.str() + ": " +
                  std::error_code(errno, std::generic_category()).message());
  llvm::scope_exit cleanup([&] {
    std::error_code ignored = llvm::sys::fs::remove_directories(folder, true);
    (void)ignored; // What is left in the private folder harms nobody.
  });

  std::string input = (folder + "/in.o").str(),
              output = (folder + "/out").str();
  if (Error error = writeFile(input, object))
    return std::move(error);

  const char *arguments[] = {"ld.lld",      "-shared",     "--no-undefined",
                             "--threads=1", input.c_str(), "-o",
                             output.c_str()};
  std::string log;
  llvm::raw_string_ostream stream(log);
  lld::Result result =
      lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  usable = result.canRunAgain;
  if (result.retCode != 0)
    return failed("ld.lld failed with " + llvm::Twine(result.retCode), log);

  auto bytes = llvm::MemoryBuffer::getFile(output, /*IsText=*/false,
                                           /*RequiresNullTerminator=*/false,
                                           /*IsVolatile=*/true);
  if (!bytes)
    return failed("cannot read " + output + ": " + bytes.getError().message());
  return (*bytes)->getBuffer().str();
}
