// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For scripts: publishes entries and looks for them.
//
//   PublishOne publish ROOT FIRST COUNT    prints how many were kept
//   PublishOne find ROOT FIRST COUNT       prints how many are there, whole
#include "test/runtime/store/local/StoreSample.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

int main(int argc, char **argv) {
  if (argc != 5)
    return 2;
  const bool publishes = std::strcmp(argv[1], "publish") == 0;
  LocalStore store(checkCacheRoot(argv[2]));
  if (!store.root()) {
    std::fprintf(stderr, "%s\n", store.root().absent.c_str());
    return 1;
  }
  std::printf("%s file system\n",
              store.root().sharedFileSystem ? "shared" : "local");
  int done = 0;
  const int first = std::atoi(argv[3]), count = std::atoi(argv[4]);
  for (int i = first; i < first + count; ++i) {
    const Entry entry = sampleEntry(i, samplePtx(20000, unsigned(i)));
    if (publishes) {
      auto kept = store.publish(entry.action, entry.object);
      if (!kept)
        std::fprintf(stderr, "%s\n", kept.error().text.c_str());
      done += bool(kept);
    } else {
      const Lookup found = store.find(entry.action.key.digest());
      done += found.entry && found.entry->object == entry.object;
    }
  }
  std::printf("%d of %d\n", done, count);
  return done == count ? 0 : 1;
}
