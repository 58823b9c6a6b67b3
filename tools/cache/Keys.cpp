// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit cache keygen, sign, trust, revoke: whose kernels run where.
// docs/trust.md tells what that means.
#include "runtime/Printable.h"
#include "runtime/store/files/FileHandle.h"
#include "runtime/store/trust/RecordTrust.h"
#include "tools/cache/Shared.h"
#include "tools/cli/Numbers.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <map>

using namespace attn_jit;

static std::string joined(const std::vector<std::string> &words) {
  std::string text;
  for (const std::string &word : words)
    text += (text.empty() ? "" : " ") + word;
  return text;
}

static rt::Error nothingGiven(const std::string &field,
                              const std::string &allowed) {
  return rt::badInput(field + ": nothing given, allowed: " + allowed);
}

static rt::Status keygen(const std::string &file, const std::string &name) {
  if (file.empty())
    return nothingGiven("file", "a path that nothing has yet");
  store::TrustedKey named;
  named.name = name;
  // Before a key is made that could not be listed under it.
  named.bytes = store::SigningKey::fromSeed({}).publicKey().bytes;
  if (auto line = store::TrustedKey::parse(named.line()); !line)
    return rt::badInput("name: " + rt::inQuotes(name) +
                        " given: " + line.error().text);
  ATTN_TRY(const store::SigningKey key, store::SigningKey::generate(file));
  named.bytes = key.publicKey().bytes;
  std::printf("# key id: %s\n%s\n", named.id().c_str(), named.line().c_str());
  return rt::success();
}

/// Which own kernels: each by its key's digest.
static rt::Result<std::map<store::Digest, store::Action>>
actionsOf(const store::LocalStore &local, const std::vector<std::string> &given,
          bool all) {
  if (all == !given.empty())
    return rt::badInput(std::string("keys: ") +
                        (all ? "given beside --all" : "nothing given") +
                        ", allowed: --all, or digests of keys as cache why "
                        "prints them");
  std::map<store::Digest, store::Action> own;
  local.each([&](const store::Action &action, store::Place place,
                 const std::string &) {
    if (place == store::Place::Own && store::travels(action))
      own.emplace(action.key.digest(), action);
  });
  if (all)
    return own;
  std::map<store::Digest, store::Action> some;
  for (const std::string &text : given) {
    ATTN_TRY(const store::Digest digest, cache::parseDigest("key", text));
    const auto found = own.find(digest);
    if (found == own.end())
      return cli::refused("key", text, "the key of a kernel made here");
    some.emplace(*found);
  }
  return some;
}

/// Those that were measured here and that nobody has signed. How many.
static rt::Result<int64_t> signRecords(const store::SigningKey &key,
                                       const store::CacheRoot &root) {
  if (!hasRecords(root))
    return 0;
  ATTN_TRY(const auto records, store::openRecords(root));
  std::vector<store::StoredRecord> own;
  ATTN_CHECK(records->each([&](const store::StoredRecord &each) {
    if (each.voice != store::Voice::Own || !each.origin.empty() ||
        each.record.signature)
      return;
    own.push_back(each);
    signRecord(key, own.back().record);
  }));
  ATTN_CHECK(records->add(own));
  return int64_t(own.size());
}

static rt::Status sign(const std::string &keyFile, bool all,
                       const std::vector<std::string> &given) {
  if (keyFile.empty())
    return nothingGiven("key", "a file that cache keygen made");
  ATTN_TRY(const store::SigningKey key, cache::loadKey(keyFile));
  ATTN_TRY(store::CacheRoot root, cache::rootToWrite());
  store::LocalStore local(root);
  ATTN_TRY(auto actions, actionsOf(local, given, all));
  int64_t fresh = 0;
  for (auto &[digest, action] : actions) {
    action.signatures.clear();
    signAction(key, action);
    ATTN_TRY(const bool changed, local.addSignatures(action));
    fresh += changed;
  }
  std::printf("%s signed by %s, %lld had its signature\n",
              cache::countText(fresh, "kernel").c_str(),
              key.publicKey().id().c_str(),
              static_cast<long long>(int64_t(actions.size()) - fresh));
  if (all) {
    ATTN_TRY(const int64_t records, signRecords(key, root));
    std::printf("%s signed\n", cache::countText(records, "record").c_str());
  }
  return rt::success();
}

/// The key file, which must have a place.
static rt::Result<std::string> keyFile() {
  ATTN_TRY(std::string path, store::TrustedKeys::defaultPath());
  if (path.empty())
    return rt::badInput("key file: none of ATTN_JIT_CONFIG, XDG_CONFIG_HOME "
                        "and HOME names a folder for it");
  return path;
}

/// Of a line, or of a file that holds one.
static rt::Result<store::TrustedKey> keyIn(const std::string &given) {
  if (given.starts_with("ed25519")) {
    auto key = store::TrustedKey::parse(given);
    if (!key)
      return rt::badInput("key: " + rt::inQuotes(given) + " given, " +
                          key.error().text);
    return std::move(*key);
  }
  const store::FileHandle file(
      open(given.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file)
    return rt::badInput("key: " + rt::inQuotes(given) +
                        " given, which cannot be read (" +
                        std::strerror(errno) +
                        "), allowed: a line 'ed25519 BASE64 NAME', or a file "
                        "that holds one");
  auto text = file.readAll(store::TrustedKeys::mostBytes);
  if (!text)
    return rt::badInput("key: " + rt::inQuotes(given) + " given, " +
                        text.error().text);
  ATTN_TRY(const store::TrustedKeys keys,
           store::TrustedKeys::parse(*text, given));
  if (keys.keys().size() != 1 || !keys.revocations().empty())
    return rt::badInput(
        "key: " + rt::inQuotes(given) + " given, which holds " +
        cache::countText(int64_t(keys.keys().size()), "key") + " and " +
        cache::countText(int64_t(keys.revocations().size()), "revocation") +
        ", allowed: one key alone");
  return keys.keys().front();
}

static rt::Status trust(const std::string &given) {
  if (given.empty())
    return nothingGiven("key", "a line 'ed25519 BASE64 NAME', or a file that "
                               "holds one");
  ATTN_TRY(const store::TrustedKey key, keyIn(given));
  ATTN_TRY(const std::string path, keyFile());
  ATTN_CHECK(store::trustKey(path, key));
  std::printf("%s%s is listed in %s\n", key.id().c_str(),
              key.name.empty() ? "" : (" (" + key.name + ")").c_str(),
              path.c_str());
  return rt::success();
}

static rt::Status revoke(const std::string &id, const std::string &why) {
  if (id.empty())
    return nothingGiven("id", "16 hexadecimal digits");
  if (auto line = store::Revocation::parse(store::Revocation{id, why}.line());
      !line)
    return rt::badInput("id: " + line.error().text);
  ATTN_TRY(const std::string path, keyFile());
  ATTN_CHECK(store::revokeKey(path, id, why));
  std::printf("%s is revoked in %s\n", id.c_str(), path.c_str());
  return rt::success();
}

void cache::addKeygen(CLI::App &cache, int &status) {
  CLI::App *command = cache.add_subcommand(
      "keygen", "Make a signing key; print the line that others list");
  auto file = std::make_shared<std::string>();
  auto name = std::make_shared<std::string>();
  command->add_option("FILE", *file, "of the private key, 0600; must not exist")
      ->type_name("");
  command->add_option("--name", *name, "TEXT  of the key, for messages alone")
      ->type_name("");
  command->footer("  attn-jit cache keygen ~/.config/attn-jit/signing_key "
                  "--name \"build farm\" > farm.pub");
  command->callback([file, name, &status] {
    auto result = keygen(*file, *name);
    status = result ? 0 : cli::report(result.error());
  });
}

void cache::addSign(CLI::App &cache, int &status) {
  CLI::App *command = cache.add_subcommand(
      "sign", "Sign kernels made here, for hosts that list the key");
  auto key = std::make_shared<std::string>();
  auto all = std::make_shared<bool>(false);
  auto digests = std::make_shared<std::vector<std::string>>();
  command->add_option("--key", *key, "FILE  that cache keygen made")
      ->type_name("");
  command->add_flag("--all", *all,
                    "every kernel made here, and every record measured here "
                    "that nobody signed");
  command
      ->add_option("KEYDIGEST", *digests, "of a kernel, as cache why prints it")
      ->type_name("");
  command->footer("Signing again, or with another key, adds to what is there. "
                  "All is checked before the first is signed.");
  command->callback([key, all, digests, &status] {
    auto result = sign(*key, *all, *digests);
    status = result ? 0 : cli::report(result.error());
  });
}

void cache::addTrust(CLI::App &cache, int &status) {
  CLI::App *command = cache.add_subcommand(
      "trust", "List a key: kernels that it signed run here");
  auto words = std::make_shared<std::vector<std::string>>();
  command
      ->add_option("KEY", *words,
                   "'ed25519 BASE64 NAME', or a file that holds such a line")
      ->type_name("");
  command->footer(
      "Into $ATTN_JIT_CONFIG/trusted_keys, else that of $XDG_CONFIG_HOME or "
      "~/.config. Twice is once.");
  command->callback([words, &status] {
    auto result = trust(joined(*words));
    status = result ? 0 : cli::report(result.error());
  });
}

void cache::addRevoke(CLI::App &cache, int &status) {
  CLI::App *command = cache.add_subcommand(
      "revoke", "Let nothing run that a key signed, listed or not");
  auto id = std::make_shared<std::string>();
  auto why = std::make_shared<std::vector<std::string>>();
  command->add_option("ID", *id, "16 hexadecimal digits")->type_name("");
  command->add_option("WHY", *why, "for messages alone")->type_name("");
  command->footer("It holds from the next load of each process on.");
  command->callback([id, why, &status] {
    auto result = revoke(*id, joined(*why));
    status = result ? 0 : cli::report(result.error());
  });
}
