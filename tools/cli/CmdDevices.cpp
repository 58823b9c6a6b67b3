// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit devices: what is here, and what each can do.
#include "runtime/Runtime.h"
#include "tools/api/Compile.h"
#include "tools/cli/Arguments.h"
#include "tools/cli/Format.h"

#include <cstdio>
#include <nlohmann/json.hpp>

using namespace attn_jit;

static std::string gibibytes(int64_t bytes) {
  return cli::number(double(bytes) / double(int64_t(1) << 30), 1) + " GiB";
}

static std::string capabilities(const rt::Device &device) {
  std::string text;
  auto add = [&](const std::string &word) {
    text += (text.empty() ? "" : ", ") + word;
  };
  if (device.has(rt::Capability::TensorMaps))
    add("tensor maps");
  if (device.has(rt::Capability::Clusters))
    add("clusters");
  if (device.has(rt::Capability::DriverJit))
    add("PTX by the driver");
  if (device.has(rt::Capability::Concurrent))
    add("concurrent streams");
  if (device.has(rt::Capability::Clocks))
    add("clocks");
  for (const std::string &feature : device.info().features)
    add(feature);
  return text.empty() ? "none" : text;
}

static void print(const rt::Device &device) {
  const rt::DeviceInfo &info = device.info();
  bool known = bool(api::checkTarget(info.target));
  std::printf("%s: %s\n", info.selector().c_str(), info.name.c_str());
  std::printf("  target %s%s", info.target.c_str(),
              known ? "" : " (this build compiles nothing for it)");
  if (!info.driverVersion.empty())
    std::printf(", driver %s", info.driverVersion.c_str());
  std::printf("\n  %lld %s", static_cast<long long>(info.computeUnits),
              info.driver == "host" ? "threads" : "compute units");
  if (info.clockMHz)
    std::printf(", %lld MHz", static_cast<long long>(info.clockMHz));
  std::printf(", memory %s", gibibytes(info.memoryBytes).c_str());
  if (info.peakGBs)
    std::printf(", %s GB/s", cli::number(*info.peakGBs, 0).c_str());
  if (info.sharedBytesPerBlock)
    std::printf(", shared memory %lld bytes a block",
                static_cast<long long>(info.sharedBytesPerBlock));
  std::printf("\n");
  if (info.peakF16Tflops)
    std::printf("  peak %s TFLOP/s f16\n",
                cli::number(*info.peakF16Tflops, 0).c_str());
  if (info.peakF32Tflops)
    std::printf("  peak %s TFLOP/s f32\n",
                cli::number(*info.peakF32Tflops, 2).c_str());
  std::string images;
  for (rt::ImageKind kind : info.images)
    images += (images.empty() ? "" : ", ") + std::string(rt::name(kind));
  std::printf("  loads %s; has %s\n", images.c_str(),
              capabilities(device).c_str());
}

/// Fingerprints are JSON already; only the drivers' sentences need quoting.
static void printJson(const std::vector<rt::DriverReport> &drivers) {
  std::string devices;
  nlohmann::ordered_json absent = nlohmann::ordered_json::object();
  for (const rt::DriverReport &driver : drivers) {
    for (const rt::Device &device : driver.devices)
      devices +=
          (devices.empty() ? "" : ", ") + rt::fingerprintJson(device.info());
    if (!driver.absent.empty())
      absent[driver.name] = driver.absent;
  }
  const auto replace = nlohmann::ordered_json::error_handler_t::replace;
  std::printf("{\"devices\": [%s], \"absent\": %s}\n", devices.c_str(),
              absent.dump(-1, ' ', false, replace).c_str());
}

static int listDevices(bool json) {
  const std::vector<rt::DriverReport> drivers = rt::enumerateDrivers();
  if (json) {
    printJson(drivers);
    return 0;
  }
  for (const rt::DriverReport &driver : drivers)
    for (const rt::Device &device : driver.devices)
      print(device);
  for (const rt::DriverReport &driver : drivers)
    if (!driver.absent.empty())
      std::printf("no %s device: %s\n", driver.name.c_str(),
                  driver.absent.c_str());
  std::string targets;
  for (const std::string &name : api::targetNames())
    targets += (targets.empty() ? "" : ", ") + name;
  std::printf("compiles for, with or without the device: %s\n",
              targets.c_str());
  return 0;
}

void cli::addDevices(CLI::App &root, int &status) {
  CLI::App *devices =
      root.add_subcommand("devices", "List devices and what each can do");
  auto json = std::make_shared<bool>(false);
  devices->add_flag("--json", *json,
                    "{\"devices\": [identities], \"absent\": {driver: why}}");
  devices->callback([json, &status] { status = listDevices(*json); });
}
