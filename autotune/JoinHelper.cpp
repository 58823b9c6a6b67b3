// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Threads that each claim an image, make it and give it away. One lock guards
// the list; nothing is compiled under it.
#include "autotune/JoinHelper.h"

#include <chrono>
#include <map>
#include <set>
#include <thread>

using namespace attn_jit;
using namespace attn_jit::tune;
using Clock = std::chrono::steady_clock;

/// Between two looks at what is published, and where there is nothing to do.
static constexpr std::chrono::milliseconds kLook{200};

namespace {
class Helper {
public:
  Helper(JoinImages &images, const JoinSeal &seal, const ImageFunctions &making,
         double idleSeconds)
      : images(images), seal(seal), making(making),
        idle(std::chrono::duration<double>(idleSeconds)) {}

  rt::Result<HelperReport> run(unsigned count) {
    ATTN_CHECK(look());
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < std::max(count, 1u); ++i)
      threads.emplace_back([this] { work(); });
    for (std::thread &each : threads)
      each.join();
    if (fault)
      return *fault;
    if (searches.empty() && !refused.empty())
      return rt::badInput("join: the work on " + images.shown() +
                          " is refused: " + refused);
    report.searches = searches.size();
    return report;
  }

private:
  struct Item {
    const Work *work;
    const std::string *schedule;
    store::Digest key;
  };
  struct Heard {
    std::string sealed;
    Work work;
    std::vector<Item> items;
  };

  /// What is published, as it is now.
  rt::Status look() {
    ATTN_TRY(auto all, images.published());
    looked = Clock::now();
    fault.reset();
    current.clear();
    for (JoinImages::Published &each : all) {
      auto heard = searches[each.search];
      if (!heard || heard->sealed != each.sealed)
        heard = read(std::move(each));
      if (heard)
        current.push_back(heard);
    }
    std::erase_if(searches, [](const auto &each) { return !each.second; });
    return rt::success();
  }

  std::shared_ptr<const Heard> read(JoinImages::Published published) {
    auto work = [&]() -> rt::Result<Work> {
      ATTN_TRY(const std::string json, seal.open(published.sealed));
      ATTN_TRY(Work read, Work::parse(json));
      if (read.search != published.search)
        return rt::badInput("it is of another search");
      return read;
    }();
    if (!work) {
      refused = work.error().text;
      return nullptr;
    }
    auto heard = std::make_shared<Heard>();
    heard->sealed = std::move(published.sealed);
    heard->work = std::move(*work);
    for (const std::string &schedule : heard->work.schedules)
      if (auto key = making.key(heard->work, schedule))
        heard->items.push_back({&heard->work, &schedule, key->digest()});
    searches[published.search] = heard;
    return heard;
  }

  /// This host's from now on. The list that it is of lives as long as it.
  struct Claim {
    std::shared_ptr<const Heard> list;
    Item item;
  };
  rt::Result<std::optional<Claim>> claim() {
    if (Clock::now() < quietUntil)
      return std::optional<Claim>();
    if (Clock::now() - looked >= kLook)
      ATTN_CHECK(look());
    for (const auto &heard : current) {
      std::vector<Item> open;
      std::vector<store::Digest> keys;
      for (const Item &item : heard->items)
        if (!done.contains(item.key)) {
          open.push_back(item);
          keys.push_back(item.key);
        }
      if (keys.empty())
        continue;
      std::vector<size_t> there;
      ATTN_TRY(const auto mine, images.next(keys, there));
      for (size_t place : there)
        done.insert(keys[place]);
      if (!mine)
        continue;
      done.insert(keys[*mine]);
      return std::optional(Claim{heard, open[*mine]});
    }
    quietUntil = Clock::now() + kLook; // of all threads
    return std::optional<Claim>();
  }

  void work() {
    std::unique_lock lock(mutex);
    while (!ending) {
      auto claimed = claim();
      if (claimed && *claimed) {
        ++busy;
        lock.unlock();
        const auto &[list, item] = **claimed;
        auto entry = making.make(*item.work, *item.schedule);
        const bool given =
            entry && images.put(std::move(entry->action), entry->object);
        lock.lock();
        --busy;
        ++(given ? report.compiled : report.failed);
        lastDone = Clock::now();
        continue;
      }
      if (!claimed)
        fault = claimed.takeError();
      ending = busy == 0 && Clock::now() - lastDone >= idle;
      lock.unlock();
      std::this_thread::sleep_for(kLook);
      lock.lock();
    }
  }

  JoinImages &images;
  const JoinSeal &seal;
  const ImageFunctions &making;
  const std::chrono::duration<double> idle;
  std::mutex mutex; ///< of all that follows
  std::map<std::string, std::shared_ptr<const Heard>> searches; ///< ever heard
  std::vector<std::shared_ptr<const Heard>> current;
  std::set<store::Digest> done;   ///< made, or being made here, or not makeable
  std::optional<rt::Error> fault; ///< of the last look
  std::string refused;            ///< why something was not believed
  Clock::time_point looked{}, quietUntil{}, lastDone = Clock::now();
  int busy = 0;
  bool ending = false;
  HelperReport report;
};
} // namespace

rt::Result<HelperReport> tune::helpSearches(JoinImages &images,
                                            const JoinSeal &seal,
                                            const ImageFunctions &making,
                                            unsigned threads,
                                            double idleSeconds) {
  return Helper(images, seal, making, idleSeconds).run(threads);
}
