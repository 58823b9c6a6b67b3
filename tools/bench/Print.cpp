// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table for people, and the CSV of the same columns.
#include "tools/bench/Print.h"
#include "tools/bench/Columns.h"
#include "tools/cli/Format.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <set>

using namespace attn_jit;
using namespace attn_jit::bench;

static std::string gridText(const std::vector<Column> &columns,
                            const std::vector<Row> &rows) {
  std::vector<std::vector<std::string>> cells(rows.size() + 1);
  std::vector<size_t> widths;
  for (const Column &column : columns) {
    cells[0].push_back(column.name);
    size_t width = column.name.size();
    for (size_t i = 0; i < rows.size(); ++i) {
      cells[i + 1].push_back(column.text(rows[i]));
      width = std::max(width, cells[i + 1].back().size());
    }
    widths.push_back(width);
  }
  std::string text;
  for (const auto &line : cells) {
    for (size_t c = 0; c < line.size(); ++c) {
      const bool last = c + 1 == line.size();
      // Numbers end in one line; the last column is text and starts in one.
      if (!last)
        text.append(widths[c] - line[c].size(), ' ');
      text += line[c];
      text += last ? "\n" : "  ";
    }
  }
  return text;
}

static std::string deviceText(const Report &report) {
  if (!report.device)
    return "device: none; " + report.why + ", so nothing is run\n";
  const rt::DeviceInfo &info = report.device->info();
  std::string text =
      "device: " + info.selector() + ", " + info.name + ", " + report.target;
  if (!info.driverVersion.empty())
    text += ", driver " + info.driverVersion;
  if (report.contextMs)
    text += "; context " + cli::number(*report.contextMs, 1) + " ms";
  return text + "\n";
}

static std::string kernelText(const Row &row) {
  std::string text = "kernel: " + row.schedule + " (" + row.scheduleSource +
                     ")\n  " + cli::resourceText(row.resources, row.target) +
                     "\n";
  if (row.cache != "memory") {
    const std::string found = cli::number(row.compile.totalMs, 1) + " ms";
    text += row.cache == "disk" ? "  found on disk in " + found
            : row.cache == "remote"
                ? "  fetched in " + found
                : "  compiled in " + cli::compileText(row.compile);
    if (!row.origin.empty())
      text += " (from " + row.origin + ", signed by " + row.signer + ")";
    if (row.loadMs)
      text += "; loaded in " + cli::number(*row.loadMs, 1) + " ms" +
              (row.loaded == "cubin" ? " as kept machine code" : "");
    if (row.launchUs)
      text += "; launched in " + cli::number(*row.launchUs, 1) +
              " us of the host's time";
    text += "\n";
  }
  return text;
}

static std::string statsText(const Row &row, const Options &options) {
  auto one = [&](const char *name, const rt::Comparison &c) {
    char text[256];
    std::snprintf(text, sizeof text,
                  "  against %s: relative %.3e, max abs %.3e, mean abs %.3e, "
                  "cosine %.9f, %lld of %lld rows\n",
                  name, c.relError, c.maxAbsError, c.meanAbsError, c.cosine,
                  static_cast<long long>(c.rows),
                  static_cast<long long>(c.totalRows));
    return std::string(text);
  };
  std::string text;
  if (row.error)
    text += one("the double-precision reference", *row.error);
  if (row.lseError)
    text += one("the reference's log-sum-exp", *row.lseError);
  if (row.peer)
    text += one(options.reference.c_str(), *row.peer);
  return text.empty() ? text : row.what.label + ":\n" + text;
}

std::string bench::tableText(const Report &report, const Options &options) {
  std::vector<Column> columns = shapeColumns(options);
  std::ranges::move(metricColumns(options), std::back_inserter(columns));
  std::ranges::move(detailColumns(), std::back_inserter(columns));
  std::string text = deviceText(report) + gridText(columns, report.rows);
  std::set<std::string> shown;
  for (const Row &row : report.rows)
    if (std::string kernel = kernelText(row);
        !row.schedule.empty() &&
        shown
            .insert(row.schedule + cli::resourceText(row.resources, row.target))
            .second)
      text += kernel;
  for (const Row &row : report.rows)
    if (std::string line = row.what.label + ": captured " + row.what.kwargs +
                           (options.ignoreKwargs ? " (ignored)" : "") + "\n";
        !row.what.kwargs.empty() && shown.insert(line).second)
      text += line;
  if (options.printVgpr)
    for (const Row &row : report.rows)
      text += "vgpr: " + row.what.label + ": " +
              cli::resourceText(row.resources, row.target) + "\n";
  if (options.compareToRef || options.printCompareStats)
    for (const Row &row : report.rows)
      text += statsText(row, options);
  text += "TFLOP/s by the convention '" + std::string(rt::name(options.flops)) +
          "'";
  const auto timed = std::ranges::find_if(
      report.rows, [](const Row &row) { return bool(row.timeMs); });
  if (timed != report.rows.end())
    text += timed->coldCache ? "; L2 flushed before each sample"
                             : "; L2 left as it is";
  return text + "\n";
}

static std::string csvCell(const std::string &text) {
  if (text.find_first_of(",\"\n") == std::string::npos)
    return text;
  std::string quoted = "\"";
  for (char c : text) {
    quoted += c;
    if (c == '"')
      quoted += c;
  }
  return quoted + "\"";
}

std::string bench::csvText(const Report &report, const Options &options) {
  std::vector<Column> columns = shapeColumns(options);
  std::ranges::move(metricColumns(options), std::back_inserter(columns));
  std::ranges::move(detailColumns(), std::back_inserter(columns));
  columns.push_back(
      {"flop_convention", [](const Row &row) { return row.flopConvention; }});
  columns.push_back({"schedule", [](const Row &row) { return row.schedule; }});
  std::string text;
  auto line = [&](const auto &cell) {
    for (size_t c = 0; c < columns.size(); ++c) {
      text += csvCell(cell(columns[c]));
      text += c + 1 == columns.size() ? "\n" : ",";
    }
  };
  line([](const Column &column) { return column.name; });
  for (const Row &row : report.rows)
    line([&](const Column &column) { return column.text(row); });
  return text;
}
