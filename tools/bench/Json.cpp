// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bench as JSON. Invariant: what is not known is null; every key is always
// there.
#include "tools/bench/Print.h"
#include "tools/cli/Format.h"

#include <ctime>
#include <nlohmann/json.hpp>

using namespace attn_jit;
using namespace attn_jit::bench;
using Json = nlohmann::ordered_json;

template <typename T> static Json orNull(const std::optional<T> &value) {
  return value ? Json(*value) : Json();
}

static Json textOrNull(const std::string &text) {
  return text.empty() ? Json() : Json(text);
}

static void addComparison(Json &json, const std::string &prefix,
                          const std::optional<rt::Comparison> &c) {
  json[prefix + "rel_error"] = c ? Json(c->relError) : Json();
  json[prefix + "max_abs_error"] = c ? Json(c->maxAbsError) : Json();
  json[prefix + "mean_abs_error"] = c ? Json(c->meanAbsError) : Json();
  json[prefix + "cosine"] = c ? Json(c->cosine) : Json();
}

/// Of a kernel that an earlier row made, its own times are no news.
static void addCompile(Json &json, const Row &row,
                       const std::optional<double> &contextMs) {
  const bool made = row.cache == "miss" || row.cache == "bypass";
  const bool loaded = made || row.cache == "disk" || row.cache == "remote";
  auto known = [&](double value) { return made ? Json(value) : Json(); };
  json["compile_ms"] = row.cache.empty() ? Json()
                       : loaded
                           ? Json(row.compile.totalMs + row.loadMs.value_or(0))
                           : Json(0.0);
  json["mlir_ms"] = known(row.compile.mlirMs);
  json["llvm_ms"] = known(row.compile.llvmMs);
  json["link_ms"] = known(row.compile.linkMs);
  json["load_ms"] = loaded ? orNull(row.loadMs) : Json();
  json["loaded"] = textOrNull(row.loaded);
  json["context_ms"] = orNull(contextMs);
  json["cache"] = textOrNull(row.cache);
  json["origin"] = textOrNull(row.origin);
  json["signer"] = textOrNull(row.signer);
  json["schedule"] = textOrNull(row.schedule);
  json["schedule_source"] = textOrNull(row.scheduleSource);
}

static Json rowJson(const Row &row, const Options &options,
                    const std::optional<double> &contextMs) {
  const Case &what = row.what;
  const rt::AttentionShape &s = what.shape;
  Json json;
  json["label"] = what.label;
  json["target"] = row.target;
  json["device"] = textOrNull(row.device);
  json["batch"] = s.batch;
  json["q_heads"] = s.queryHeads;
  json["kv_heads"] = s.kvHeads;
  json["q_len"] = s.queryLen;
  json["kv_len"] = s.kvLen;
  json["head_dim"] = s.headDim;
  json["value_dim"] = s.valueDim;
  json["causal"] = s.causal;
  json["causal_align"] = api::name(what.description.align);
  json["scale"] = what.scale;
  json["softcap"] = what.softcap > 0 ? Json(what.softcap) : Json();
  json["score"] = textOrNull(options.scoreFile);
  json["mask"] = textOrNull(options.maskFile);
  json["lse"] = what.description.lse;
  json["dtype"] = api::name(what.description.element);
  // Elements of 16 bits have no choice of it.
  json["precision"] = what.description.element == api::Element::F32
                          ? Json(api::name(what.description.precision))
                          : Json();
  json["layout"] = what.layout;
  json["input"] =
      what.file.empty() ? std::string(rt::name(what.kind)) : what.file;
  json["time_ms"] = orNull(row.timeMs);
  json["time_spread_ms"] = orNull(row.spreadMs);
  json["time_min_ms"] = orNull(row.minMs);
  json["launch_us"] = orNull(row.launchUs);
  json["l2_flushed"] = row.timeMs ? Json(row.coldCache) : Json();
  json["tflops"] = orNull(row.tflops);
  json["flop_convention"] = row.flopConvention;
  json["gb_s"] = orNull(row.gbs);
  json["arithmetic_intensity"] = orNull(row.intensity);
  json["roofline_pct"] = orNull(row.rooflinePercent);
  json["registers"] = orNull(row.resources.registers);
  json["spills"] = orNull(row.resources.spills);
  json["spill_unit"] =
      row.resources.spills ? Json(cli::spillUnit(row.target)) : Json();
  json["local_bytes"] = orNull(row.resources.localBytes);
  json["shared_bytes"] = orNull(row.resources.sharedBytes);
  json["occupancy"] = orNull(row.resources.occupancy);
  json["resources_source"] = textOrNull(row.resources.source);
  addCompile(json, row, contextMs);
  addComparison(json, "", row.error);
  json["tolerance"] = orNull(row.tolerance);
  json["rows_checked"] = row.error ? Json(row.error->rows) : Json();
  json["rows_total"] = row.error ? Json(row.error->totalRows) : Json();
  addComparison(json, "lse_", row.lseError);
  addComparison(json, "ref_", row.peer);
  // Ran, and there is nothing to hold it to: no.
  json["verified"] =
      row.timeMs ? Json(row.verified.value_or(false)) : orNull(row.verified);
  json["verdict"] = row.verdict();
  json["error"] = row.fault ? Json(row.fault->text) : Json();
  return json;
}

std::vector<std::string> bench::rowKeys() {
  std::vector<std::string> keys;
  const Json row = rowJson({}, {}, {});
  for (const auto &[key, value] : row.items())
    keys.push_back(key);
  return keys;
}

std::string bench::jsonText(const Report &report, const Options &options,
                            const std::string &command) {
  Json system;
  system["tool"] = "attn-jit " ATTN_JIT_VERSION;
  system["command"] = command;
  char date[32];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts);
  system["date"] = date;
  system["target"] = report.target;
  system["context_ms"] = orNull(report.contextMs);
  system["compiles"] = report.compiles;
  system["device"] =
      report.device
          ? Json::parse(rt::fingerprintJson(report.device->info()), nullptr,
                        /*allow_exceptions=*/false)
          : Json();
  system["no_device"] = textOrNull(report.why);
  system["seed"] = options.seed;
  system["warmup_ms"] = options.warmupMs;
  system["rep_ms"] = options.repMs;
  Json rows = Json::array();
  for (const Row &row : report.rows)
    rows.push_back(rowJson(row, options, report.contextMs));
  Json whole;
  whole["system"] = std::move(system);
  whole["rows"] = std::move(rows);
  // A file's name may hold any bytes; a bad one must not throw.
  return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}
