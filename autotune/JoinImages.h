// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What hosts that share a search compile for one another: signed entries of a
// store, on the search's server, and who is at which. Below P =
// "attn-jit:join:":
//
//   P image:{<key>}   hash: a<id>, o<id>   action and object, by the signer
//                           m<id>          "until who": being made, ms
//   P work:{<name>}   hash: <search>       what it needs (JoinText.h, Work)
//
// <key> is the digest of an image's key, <name> that of what all images of a
// helper have in common. All of it expires a day after it was last written.
//
// Invariants: nobody waits for what another makes; a server that does not
// answer is left alone for a while; who lists no key asks nothing. What is
// taken is signed by a listed key for exactly the key that was asked for.
#ifndef ATTN_JIT_AUTOTUNE_JOINIMAGES_H
#define ATTN_JIT_AUTOTUNE_JOINIMAGES_H

#include "runtime/store/remote/RedisConnection.h"
#include "runtime/store/trust/Trust.h"

#include <mutex>

namespace attn_jit::tune {

/// Any number of threads at once.
class JoinImages {
public:
  /// `keyFile` signs what is made here; `work` is the digest of what helpers go
  /// by. Connects nothing yet.
  static rt::Result<std::unique_ptr<JoinImages>>
  open(const std::string &url, const std::string &keyFile,
       const std::string &work);

  /// Can an image of another host be taken here at all?
  bool believes() const { return !listed.empty(); }

  /// Does another host whose images are believed make it now? If nobody does,
  /// it is this one that makes it from now on.
  bool elsewhere(const store::Key &key);
  /// What is there and may run. Nothing: it is made here.
  std::optional<store::Entry> take(const store::Key &key);
  /// Signed, for the others. What cannot be written is lost.
  rt::Status put(store::Action action, const std::string &object);

  /// What a search needs, for helpers; and that it needs nothing any more.
  void publish(const std::string &search, const std::string &sealed);
  void withdraw(const std::string &search);

  struct Published {
    std::string search, sealed;
  };
  rt::Result<std::vector<Published>> published();
  /// The first of `keys` that nobody has made or makes, which is this host's
  /// now; nothing where there is none. `there` gets those before it that are
  /// made.
  rt::Result<std::optional<size_t>> next(std::span<const store::Digest> keys,
                                         std::vector<size_t> &there);

  const std::string &shown() const { return url; }

private:
  JoinImages(store::RedisAddress given, const store::SigningKey &key,
             const std::string &work);
  using Words = std::vector<std::string>;
  rt::Result<Words> ask(const Words &command);
  Words script(std::string_view text, std::span<const store::Digest> keys,
               std::vector<std::string> own) const;

  std::string url, who, workName, ownId;
  const store::SigningKey key;
  std::vector<std::string> listed; ///< ids of keys that are believed
  std::mutex mutex;                ///< of what follows
  store::RedisConnection connection;
  store::Deadline quietUntil{};
};

} // namespace attn_jit::tune

#endif
