// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names and the device's identity as JSON. Fields and their order are
// stable: records compare these bytes.
#include "runtime/Runtime.h"

#include <nlohmann/json.hpp>

using namespace attn_jit::rt;

std::string_view attn_jit::rt::name(ImageKind kind) {
  switch (kind) {
  case ImageKind::Ptx:
    return "ptx";
  case ImageKind::Cubin:
    return "cubin";
  case ImageKind::Hsaco:
    return "hsaco";
  case ImageKind::Host:
    return "host";
  }
  return "?";
}

std::string DeviceInfo::selector() const {
  if (driver == "host")
    return "cpu";
  if (driver == "null")
    return "null";
  return driver + ":" + std::to_string(index);
}

bool DeviceInfo::takes(ImageKind kind) const {
  for (ImageKind each : images)
    if (each == kind)
      return true;
  return false;
}

static nlohmann::ordered_json identity(const DeviceInfo &info) {
  nlohmann::ordered_json json;
  json["driver"] = info.driver;
  json["name"] = info.name;
  json["target"] = info.target;
  json["driver_version"] = info.driverVersion;
  json["features"] = info.features;
  json["compute_units"] = info.computeUnits;
  json["clock_mhz"] = info.clockMHz;
  json["memory_clock_mhz"] = info.memoryClockMHz;
  json["memory_bus_bits"] = info.memoryBusBits;
  json["memory_bytes"] = info.memoryBytes;
  json["l2_bytes"] = info.l2Bytes;
  json["shared_bytes_per_block"] = info.sharedBytesPerBlock;
  return json;
}

std::string attn_jit::rt::fingerprintJson(const DeviceInfo &info) {
  nlohmann::ordered_json json = identity(info);
  json["index"] = info.index;
  json["uuid"] = info.uuid;
  json["shared_bytes_per_unit"] = info.sharedBytesPerUnit;
  json["registers_per_unit"] = info.registersPerUnit;
  json["max_threads_per_block"] = info.maxThreadsPerBlock;
  json["max_threads_per_unit"] = info.maxThreadsPerUnit;
  json["warp_size"] = info.warpSize;
  auto optional = [](const std::optional<double> &value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
  };
  json["peak_gb_s"] = optional(info.peakGBs);
  json["peak_f16_tflops"] = optional(info.peakF16Tflops);
  json["peak_f32_tflops"] = optional(info.peakF32Tflops);
  // A vendor's name may hold any bytes; a bad one must not throw.
  return json.dump(-1, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace);
}
