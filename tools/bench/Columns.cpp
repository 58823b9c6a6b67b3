// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Columns of table and CSV.
#include "tools/bench/Columns.h"
#include "tools/cli/Format.h"

#include <cstdio>

using namespace attn_jit;
using namespace attn_jit::bench;

static std::string scientific(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2e", value);
  return text;
}

template <typename T>
static std::string orNone(const std::optional<T> &value, int digits) {
  if (!value)
    return "n/a";
  return cli::number(double(*value), digits);
}

std::vector<Column> bench::shapeColumns(const Options &options) {
  std::vector<Column> columns;
  auto add = [&](const char *name, auto field) {
    columns.push_back({name, [field](const Row &row) {
                         return std::to_string(row.what.shape.*field);
                       }});
  };
  if (options.loadCaptured) {
    columns.push_back({"INPUT_IDX", [](const Row &row) {
                         return std::to_string(row.what.index);
                       }});
    columns.push_back({"input", [](const Row &row) { return row.what.label; }});
  }
  add("BATCH", &rt::AttentionShape::batch);
  add("HQ", &rt::AttentionShape::queryHeads);
  add("HK", &rt::AttentionShape::kvHeads);
  add("N_CTX_Q", &rt::AttentionShape::queryLen);
  add("N_CTX_K", &rt::AttentionShape::kvLen);
  add("D", &rt::AttentionShape::headDim);
  add("DV", &rt::AttentionShape::valueDim);
  columns.push_back({"dtype", [](const Row &row) {
                       const api::Description &d = row.what.description;
                       return std::string(api::name(d.element)) +
                              (d.precision == api::Precision::TF32 ? " as tf32"
                                                                   : "");
                     }});
  columns.push_back({"causal", [](const Row &row) {
                       return std::string(row.what.shape.causal ? "yes" : "no");
                     }});
  if (!options.loadCaptured && options.inputs.size() > 1)
    columns.push_back({"input", [](const Row &row) { return row.what.label; }});
  return columns;
}

std::vector<Column> bench::metricColumns(const Options &options) {
  std::vector<Column> columns;
  const Metrics &wanted = options.metrics;
  if (wanted.time) {
    columns.push_back(
        {"time(ms)", [](const Row &row) { return orNone(row.timeMs, 4); }});
    columns.push_back(
        {"spread(ms)", [](const Row &row) { return orNone(row.spreadMs, 4); }});
  }
  if (wanted.throughput)
    columns.push_back({"throughput(TFLOPS)",
                       [](const Row &row) { return orNone(row.tflops, 3); }});
  if (wanted.bandwidth)
    columns.push_back(
        {"bandwidth(GB/s)", [](const Row &row) { return orNone(row.gbs, 2); }});
  if (wanted.intensity)
    columns.push_back({"arithmetic_intensity(FLOP/byte)", [](const Row &row) {
                         return orNone(row.intensity, 1);
                       }});
  if (wanted.time || wanted.throughput || wanted.bandwidth)
    columns.push_back({"roofline(%)", [](const Row &row) {
                         return orNone(row.rooflinePercent, 1);
                       }});
  return columns;
}

std::vector<Column> bench::detailColumns() {
  std::vector<Column> columns;
  columns.push_back({"registers/VGPR", [](const Row &row) {
                       return orNone(row.resources.registers, 0);
                     }});
  columns.push_back({"spills", [](const Row &row) {
                       return cli::spillText(row.resources, row.target);
                     }});
  columns.push_back({"shared(B)", [](const Row &row) {
                       return orNone(row.resources.sharedBytes, 0);
                     }});
  columns.push_back({"occupancy", [](const Row &row) {
                       return orNone(row.resources.occupancy, 3);
                     }});
  columns.push_back({"compile(ms)", [](const Row &row) {
                       if (row.cache == "memory")
                         return std::string("cached");
                       if (row.cache.empty())
                         return std::string("n/a");
                       return cli::number(
                           row.compile.totalMs + row.loadMs.value_or(0), 1);
                     }});
  columns.push_back({"rel_error", [](const Row &row) {
                       return row.error ? scientific(row.error->relError)
                                        : std::string("n/a");
                     }});
  columns.push_back({"verified", [](const Row &row) { return row.verdict(); }});
  return columns;
}
