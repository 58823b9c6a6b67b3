// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which devices are there, and one by its name. A driver that is absent is a
// sentence, not an error.
#include "runtime/Driver.h"
#include "runtime/null/NullDriver.h"

#include <charconv>

using namespace attn_jit::rt;

std::vector<DriverReport> attn_jit::rt::enumerateDrivers() {
  std::vector<DriverReport> reports;
  reports.push_back(enumerateCuda());
  reports.push_back(enumerateHip());
  reports.push_back(enumerateHost());
  return reports;
}

static Error noSuchDevice(std::string_view selector,
                          const std::vector<DriverReport> &reports) {
  std::string present, absent;
  for (const DriverReport &report : reports) {
    for (const Device &device : report.devices)
      present += (present.empty() ? "" : ", ") + device.info().selector();
    if (!report.absent.empty())
      absent += "; " + report.absent;
  }
  return notFound("device: '" + std::string(selector) +
                  "' given, this machine has " + present + " (or auto, null)" +
                  absent);
}

Result<Device> attn_jit::rt::openDevice(std::string_view selector) {
  if (selector == "null")
    return makeNullDevice().device;
  std::vector<DriverReport> reports;
  if (selector == "cpu" || selector == "host") {
    reports.push_back(enumerateHost());
  } else {
    reports = enumerateDrivers();
  }
  // The host comes last, so that auto takes it only where nothing else is.
  for (const DriverReport &report : reports)
    for (const Device &device : report.devices)
      if (selector == "auto" || selector == report.name ||
          selector == device.info().selector())
        return device;
  return noSuchDevice(selector, reports);
}
