// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit cache why: which schedule would serve, who chose it, whether its
// kernel would be found, and if not, in which fields the nearest ones differ.
// Looks as at a read-only store: nothing is
// counted, marked as used or set aside.
#include "runtime/Printable.h"
#include "runtime/store/trust/Trust.h"
#include "tools/api/KernelStore.h"
#include "tools/api/NearestKernel.h"
#include "tools/api/ScheduleRules.h"
#include "tools/cache/CallList.h"
#include "tools/cache/Shared.h"
#include "tools/cli/Numbers.h"

#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>

using namespace attn_jit;
using namespace attn_jit::cache;
using Json = nlohmann::ordered_json;

static constexpr size_t mostNearest = 3;

namespace {
struct WhyFlags {
  CallText call;
  std::string alignment;
  bool json = false;
};

struct Answer {
  store::Key key;
  api::ScheduleChosen chosen;
  bool hit = false;
  /// Of a miss: "absent", "corrupt", "unreadable", "untrusted".
  std::string reason;
  std::string untrusted; ///< a sentence about it
  std::string signer;    ///< of a foreign hit
  store::Place place = store::Place::Own;
  std::string origin, file, since;
  std::vector<api::NearKernel> nearest;
};
} // namespace

/// The one that an engine would ask for, and who chose its schedule.
static rt::Result<WantedKernel> wantedBy(const WhyFlags &flags) {
  ATTN_TRY(const Place place, placeOf(flags.call));
  ATTN_TRY(std::vector<ListedCall> calls, callsOfFlags(flags.call.bench));
  if (calls.size() != 1)
    return rt::badInput("sizes: " + std::to_string(calls.size()) +
                        " attentions given, allowed: one, without lists");
  ListedCall &call = calls.front();
  if (!flags.alignment.empty()) {
    int64_t &alignment = call.options.alignment;
    ATTN_TRY(alignment, cli::parseInteger("alignment", flags.alignment, 1, 16));
    if (alignment & (alignment - 1))
      return cli::refused("alignment", flags.alignment, "1, 2, 4, 8, 16");
  }
  const auto choice = choiceIn(place.environment, recordsHere());
  if (!flags.call.pinFile.empty())
    ATTN_CHECK(choice->pin(flags.call.pinFile));
  ATTN_TRY(WantedKernel wanted,
           wantedKernel(*choice, call, place.target, flags.call));
  api::ScheduleChosen &chosen = wanted.request.chosen;
  if (chosen.schedule.empty())
    chosen.schedule =
        api::defaultSchedule(call.description, wanted.request.wanted);
  if (!place.environment && chosen.source == tune::Source::Default)
    chosen.why = place.why + ": nothing is known of what was measured there";
  return wanted;
}

/// When the file was made; where the file system does not tell, changed.
static std::string sinceOf(const std::string &path) {
  struct statx known{};
  if (statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW,
            STATX_BTIME | STATX_CTIME, &known) != 0)
    return {};
  return timeText(known.stx_mask & STATX_BTIME ? known.stx_btime.tv_sec
                                               : known.stx_ctime.tv_sec);
}

static rt::Result<Answer> ask(store::Key key, store::CacheRoot root) {
  root.readOnly = true;
  const store::LocalStore local(std::move(root));
  Answer answer;
  answer.key = std::move(key);
  const store::Digest digest = answer.key.digest();
  const store::Lookup found = local.find(digest);
  if (found.entry) {
    answer.hit = true;
    answer.place = found.place;
    answer.origin = found.origin;
    answer.file = local.actionFile(digest, found.place);
    answer.since = sinceOf(answer.file);
  } else {
    answer.reason = name(found.miss);
  }
  if (found.entry && found.place == store::Place::Foreign) {
    const auto keys = store::TrustedKeys::load();
    auto signer = keys ? store::verifyEntry(*keys, answer.key, *found.entry)
                       : rt::Result<std::string>(keys.error());
    answer.hit = bool(signer);
    if (signer)
      answer.signer = *signer;
    else
      answer.reason = "untrusted", answer.untrusted = signer.error().text;
  }
  if (!answer.hit)
    answer.nearest = api::nearestKernels(answer.key, local, mostNearest);
  // What cannot be used is said by the reason.
  std::erase_if(answer.nearest, [](const api::NearKernel &near) {
    return near.differences.empty();
  });
  return answer;
}

static std::string_view placeText(store::Place place) {
  return place == store::Place::Own ? "own" : "foreign";
}

static Json orNull(const std::string &text) {
  return text.empty() ? Json() : Json(text);
}

static Json jsonOf(const Answer &answer) {
  Json json;
  json["schedule"] = answer.chosen.schedule;
  json["schedule_source"] = tune::name(answer.chosen.source);
  json["schedule_why"] = answer.chosen.why;
  json["key"] = answer.key.digest().hex();
  for (const auto &[label, value] : answer.key.fields())
    json["fields"][label] = value;
  json["hit"] = answer.hit;
  json["reason"] = orNull(answer.reason);
  json["untrusted"] = orNull(answer.untrusted);
  json["place"] = answer.file.empty() ? Json() : Json(placeText(answer.place));
  json["origin"] = orNull(answer.origin);
  json["signer"] = orNull(answer.signer);
  json["file"] = orNull(answer.file);
  json["since"] = orNull(answer.since);
  json["nearest"] = Json::array();
  for (const api::NearKernel &near : answer.nearest) {
    Json one;
    one["key"] = near.key.hex();
    one["place"] = placeText(near.place);
    one["origin"] = orNull(near.origin);
    for (const store::FieldDifference &each : near.differences)
      one["differences"].push_back(
          {{"label", each.label},
           {"wanted", each.wanted ? Json(*each.wanted) : Json()},
           {"there", each.there ? Json(*each.there) : Json()}});
    json["nearest"].push_back(std::move(one));
  }
  return json;
}

static std::string valueText(const std::optional<std::string> &value) {
  return value ? "'" + rt::printable(*value, 120) + "'" : "no such field";
}

static std::string textOf(const Answer &answer) {
  std::string text = "schedule: " + answer.chosen.schedule + " (" +
                     std::string(tune::name(answer.chosen.source)) +
                     "): " + rt::printable(answer.chosen.why, 500) +
                     "\nkey: " + answer.key.digest().hex() + "\n";
  for (const auto &[label, value] : answer.key.fields())
    text += "  " + label + ": '" + rt::printable(value, 300) + "'\n";
  const std::string from = answer.origin.empty()
                               ? ""
                               : ", from " + rt::printable(answer.origin, 300);
  if (answer.hit)
    text += "hit: " + std::string(placeText(answer.place)) + from +
            (answer.signer.empty() ? "" : ", signed by " + answer.signer) +
            "\n";
  else
    text += "miss: " + answer.reason +
            (answer.untrusted.empty()
                 ? ""
                 : from + ": " + rt::printable(answer.untrusted, 500)) +
            "\n";
  if (!answer.file.empty())
    text += "file: " + answer.file + "\nsince: " + answer.since + "\n";
  for (const api::NearKernel &near : answer.nearest) {
    text +=
        "near: " + near.key.hex() + " (" + std::string(placeText(near.place)) +
        (near.origin.empty() ? "" : ", from " + rt::printable(near.origin)) +
        ") differs in " +
        cache::countText(int64_t(near.differences.size()), "field") + "\n";
    for (const store::FieldDifference &each : near.differences)
      text += "  " + each.label + ": wanted " + valueText(each.wanted) +
              ", there " + valueText(each.there) + "\n";
  }
  return text;
}

static rt::Status why(const WhyFlags &flags) {
  ATTN_TRY(const WantedKernel wanted, wantedBy(flags));
  ATTN_TRY(Answer answer, ask(wanted.key, store::findCacheRoot()));
  answer.chosen = wanted.request.chosen;
  const std::string text =
      flags.json ? cache::jsonText(jsonOf(answer)) : textOf(answer);
  std::fputs(text.c_str(), stdout);
  cli::noticeStore();
  return rt::success();
}

void cache::addWhy(CLI::App &cache, int &status) {
  CLI::App *command = cache.add_subcommand(
      "why", "Whether a kernel would be found here, and if not, why");
  auto flags = std::make_shared<WhyFlags>();
  flags->call.command = command;
  cli::addDescriptionFlags(*command, flags->call.bench.description,
                           /*forBench=*/true);
  addPlaceFlags(*command, flags->call);
  addKernelFlags(*command, flags->call);
  auto add = [&](const char *name, std::string &to, const char *help) {
    command->add_option(name, to, help)->group("Kernel")->type_name("");
  };
  add("--alignment", flags->alignment,
      "N  bytes that bases and strides are multiples of (of dense tensors)");
  command->add_flag(
      "--json", flags->json,
      "{\"schedule\", \"key\", \"fields\", \"hit\", \"reason\", \"nearest\", "
      "...} (docs/commands.md)");
  command->footer(
      "The key is that of bench with the same flags. Nothing is compiled, "
      "counted or changed.\n"
      "Exit code: 0 it is told, hit or miss; 2 what was given cannot be.\n"
      "  attn-jit cache why -b 4 -hq 16 -sq 4096 -d 128 -causal --target "
      "sm_90a");
  command->callback([flags, &status] {
    auto result = why(*flags);
    status = result ? 0 : cli::report(result.error());
  });
}
