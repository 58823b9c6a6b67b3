// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/AskedTimes.h"
#include "runtime/store/files/FileHandle.h"
#include "runtime/store/files/Publish.h"

#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

static constexpr size_t places = 4096;

namespace {
struct Place {
  uint64_t tag = 0;
  int64_t seconds = 0;
};
} // namespace

AskedTimes::AskedTimes(std::string path, std::string whom)
    : path(std::move(path)), whom(std::move(whom)) {}

/// Where a problem's place is, and its tag.
static off_t placeOf(const std::string &whom, const Digest &problem,
                     uint64_t &tag) {
  const Digest digest = sha256(whom + "\n" + problem.hex());
  uint64_t number = 0;
  std::memcpy(&tag, digest.bytes.data(), sizeof tag);
  std::memcpy(&number, digest.bytes.data() + sizeof tag, sizeof number);
  return off_t(number % places * sizeof(Place));
}

bool AskedTimes::askedWithin(const Digest &problem,
                             std::chrono::seconds time) const {
  if (path.empty())
    return false;
  const auto file = FileHandle::open(path, O_RDONLY | O_NONBLOCK);
  Place place;
  uint64_t tag = 0;
  const off_t at = placeOf(whom, problem, tag);
  if (!file || pread(file.get(), &place, sizeof place, at) != sizeof place)
    return false;
  const int64_t since = int64_t(std::time(nullptr)) - place.seconds;
  return place.tag == tag && since >= 0 && since < time.count();
}

void AskedTimes::asked(const Digest &problem) const {
  if (path.empty())
    return;
  (void)makeFolder(path.substr(0, path.rfind('/'))).ok();
  const auto file =
      FileHandle::open(path, O_WRONLY | O_CREAT | O_NONBLOCK, 0600);
  Place place;
  const off_t at = placeOf(whom, problem, place.tag);
  place.seconds = int64_t(std::time(nullptr));
  // Where it cannot be written, remotes are asked again.
  if (file)
    (void)!pwrite(file.get(), &place, sizeof place, at);
}
