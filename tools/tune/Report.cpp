// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tuning as text and as JSON: the curve, the winner, its ratio to the
// default; of a bucket those of both ends and what serves between them.
#include "tools/cli/Format.h"
#include "tools/tune/Run.h"

#include <nlohmann/json.hpp>

using namespace attn_jit;
using namespace attn_jit::tuning;

std::string tuning::reportText(const Report &report) {
  if (report.every)
    return everyText(*report.every);
  const tune::SearchReport &search = report.search;
  std::string text = report.device + " (" + report.target + "), " +
                     std::to_string(report.legal) + " legal schedules, " +
                     std::to_string(search.candidates) + " in the list" +
                     (report.heard ? ", " + std::to_string(report.heard) +
                                         " of them fast elsewhere"
                                   : "") +
                     (report.continued ? ", continued" : "") + "\n";
  std::string best;
  for (const tune::CurvePoint &point : search.curve) {
    text += "  " + cli::number(point.seconds, 1) + " s  " +
            std::to_string(point.measured) + " measured  best " +
            cli::number(point.bestUs, 2) + " us";
    if (point.best != best)
      text += "  " + point.best;
    best = point.best;
    text += "\n";
  }
  const tune::Estimate &won = search.winnerTime;
  text += "winner: " + search.winner + "\n  " + cli::number(won.medianUs, 2) +
          " us +- " + cli::number(won.halfWidth(), 2);
  if (!search.defaultRan)
    text += ", the default does not run\n";
  else if (search.winner == report.defaultSchedule)
    text += ", the default: nothing is faster beyond noise\n";
  else
    text += ", " + cli::number(search.ratio(), 3) + " of the default's " +
            cli::number(search.defaultTime.medianUs, 2) + " us\n";
  text += std::to_string(search.measured) + " of " +
          std::to_string(search.candidates) + " measured, " +
          std::to_string(search.failed) + " failed, " +
          std::to_string(search.reused) +
          " known before; stopped: " + std::string(tune::name(search.stop)) +
          "\n";
  if (report.taken)
    text += std::to_string(report.compiled) + " compiled here, " +
            std::to_string(report.taken) + " taken from other hosts\n";
  if (report.least)
    text += "the bucket's smallest call:\n" + reportText(*report.least) +
            "the bucket serves: " + report.served->schedule + "\n  " +
            report.served->why + "\n";
  else
    text += "records: " + report.recordsIn + "\n";
  return text;
}

static nlohmann::ordered_json jsonOf(const Report &report) {
  using Json = nlohmann::ordered_json;
  const tune::SearchReport &search = report.search;
  Json json;
  json["device"] = report.device;
  json["target"] = report.target;
  json["driver"] = report.driver;
  json["compiler"] = report.compiler;
  for (const auto &[label, value] : report.problem.fields())
    json["problem"][label] = value;
  json["default"] = report.defaultSchedule;
  json["legal"] = report.legal;
  if (report.every) {
    json["samples"] = report.every->samples;
    json["seconds"] = report.every->seconds;
    for (const EveryTime &each : report.every->times) {
      const bool ran = each.measured.outcome == store::Outcome::Ok;
      json["predicted_us"][each.candidate.schedule] =
          each.candidate.predictedUs;
      json["us"][each.candidate.schedule] =
          ran ? Json(each.medianUs()) : Json();
    }
    return json;
  }
  json["share"] = report.share;
  json["used_seconds"] = report.share < 1 ? Json(report.usedSeconds) : Json();
  json["candidates"] = search.candidates;
  json["heard"] = report.heard;
  json["measured"] = search.measured;
  json["failed"] = search.failed;
  json["reused"] = search.reused;
  json["compiled"] = report.compiled;
  json["taken"] = report.taken;
  json["seconds"] = search.seconds;
  json["stop"] = tune::name(search.stop);
  json["continued"] = report.continued;
  json["session"] = search.session;
  json["winner"] = search.winner;
  json["winner_us"] = search.winnerTime.medianUs;
  json["default_us"] =
      search.defaultRan ? Json(search.defaultTime.medianUs) : Json();
  json["ratio"] = search.defaultRan ? Json(search.ratio()) : Json();
  json["model_pick"] = report.modelPick;
  json["records"] = report.recordsIn;
  json["curve"] = Json::array();
  for (const tune::CurvePoint &point : search.curve)
    json["curve"].push_back({{"seconds", point.seconds},
                             {"measured", point.measured},
                             {"best", point.best},
                             {"best_us", point.bestUs}});
  if (report.least) {
    json["least"] = jsonOf(*report.least);
    json["served"] = {{"schedule", report.served->schedule},
                      {"source", tune::name(report.served->source)},
                      {"ratio", report.served->ratio},
                      {"why", report.served->why}};
  }
  return json;
}

std::string tuning::jsonText(const Report &report) {
  using Json = nlohmann::ordered_json;
  return jsonOf(report).dump(report.every ? 1 : 2, ' ', false,
                             Json::error_handler_t::replace) +
         "\n";
}
