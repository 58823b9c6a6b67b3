// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The public seam of the runtime: devices, memory, streams, events, modules
// and kernels, the same for every driver. Handles keep their device alive; all
// calls are thread-safe, and what a device can do is asked by capability.
#ifndef ATTN_JIT_RUNTIME_RUNTIME_H
#define ATTN_JIT_RUNTIME_RUNTIME_H

#include "runtime/Result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attn_jit::rt {

class DeviceDriver;
struct TensorMap;

enum class ImageKind { Ptx, Cubin, Hsaco, Host };
std::string_view name(ImageKind kind); ///< "ptx", "cubin", "hsaco", "host"

enum class Capability {
  TensorMaps, ///< encodeTensorMap works
  Clusters,   ///< a cluster other than 1x1x1 can be launched
  DriverJit,  ///< PTX is compiled at load
  Concurrent, ///< two streams may run at once
  Clocks,     ///< clocks() tells
};

/// Who the device is and what it holds; optionals are unknown, never guessed.
struct DeviceInfo {
  std::string driver; ///< "cuda", "hip", "host", "null"
  int index = 0;      ///< within its driver
  std::string name;   ///< marketing name or CPU brand
  std::string
      target; ///< chip string of the compiler: "sm_90a", "gfx942", "cpu"
  std::string driverVersion;
  std::string uuid;                  ///< or PCI bus id; empty when unknown
  std::vector<std::string> features; ///< CPU: "avx2", "fma", ...; gfx: "xnack-"
  std::vector<ImageKind> images;     ///< what load() takes
  int64_t computeUnits = 0;          ///< SMs, CUs, hardware threads
  int64_t clockMHz = 0;              ///< highest, 0 when unknown
  int64_t memoryClockMHz = 0;
  int64_t memoryBusBits = 0;
  int64_t memoryBytes = 0;
  int64_t l2Bytes = 0;             ///< CPU: last-level cache
  int64_t sharedBytesPerBlock = 0; ///< largest dynamic + static, opt-in
  int64_t sharedBytesPerUnit = 0;
  int64_t registersPerUnit = 0;
  int64_t maxThreadsPerBlock = 0;
  int64_t maxThreadsPerUnit = 0;
  int64_t warpSize = 1;
  std::array<int64_t, 3> maxGrid{INT32_MAX, INT32_MAX, INT32_MAX};
  std::optional<double> peakGBs;       ///< memory clock x bus width
  std::optional<double> peakF16Tflops; ///< dense matrix units, f32 accumulate
  std::optional<double> peakF32Tflops;

  /// "cuda:0", "hip:1", "cpu", "null": what openDevice takes.
  std::string selector() const;
  bool takes(ImageKind kind) const;
};

/// One JSON object saying what a number was measured on.
std::string fingerprintJson(const DeviceInfo &info);

struct MemoryInfo {
  int64_t freeBytes = 0, totalBytes = 0;
};

/// Of the moment.
struct ClockState {
  int64_t clockMHz = 0;         ///< of the compute units
  bool thermalSlowdown = false; ///< lowered since the device is too hot
  bool powerCap = false;        ///< lowered to stay within the power limit
};

struct KernelAttributes {
  std::optional<int64_t> registers;
  std::optional<int64_t> localBytes; ///< a thread's: spills and stack
  std::optional<int64_t> sharedBytes, maxThreads;
};

struct LaunchGeometry {
  std::array<uint32_t, 3> grid{1, 1, 1}, block{1, 1, 1}, cluster{1, 1, 1};
  uint32_t sharedBytes = 0; ///< dynamic
};

/// The arguments twice: one block in natural C layout, and a pointer to each
/// argument within it (CUDA takes these).
struct ArgumentBlock {
  void *data = nullptr;
  size_t bytes = 0;
  void **pointers = nullptr;
  uint32_t count = 0;
};

/// A stream of ours (closed with the last copy) or a caller's (left alone).
class Stream {
public:
  Stream() = default;
  Status synchronize() const;
  Result<bool> finished() const; ///< polls, never blocks
  Status wait(const class Event &event) const;
  void *handle() const; ///< CUstream / hipStream_t
  explicit operator bool() const { return driver != nullptr; }

private:
  friend class Device;
  friend class Event;
  std::shared_ptr<DeviceDriver> driver;
  void *stream = nullptr;
  /// Closes a stream of ours. A caller's has none: to wrap it costs no
  /// allocation, because that is part of a launch.
  std::shared_ptr<void> owner;
};

class Event {
public:
  Event() = default;
  Status record(const Stream &stream) const;
  Status synchronize() const;
  Result<bool> finished() const;
  /// Milliseconds from `start` to this; both must be recorded and finished.
  Result<double> elapsedMs(const Event &start) const;

private:
  friend class Device;
  friend class Stream;
  struct State;
  std::shared_ptr<State> state;
};

/// Device memory with one owner. `stream` left out means: done on return.
class Buffer {
public:
  Buffer() = default;
  Buffer(Buffer &&) noexcept;
  Buffer &operator=(Buffer &&) noexcept;
  ~Buffer();

  uint64_t address() const { return pointer; }
  int64_t size() const { return bytes; }
  explicit operator bool() const { return driver != nullptr; }

  /// Repeats a 32-bit pattern over [offset, offset + length); both multiples
  /// of 4. length -1 is the rest. 0xffffffff is NaN in every float type.
  Status fill(uint32_t pattern, const Stream &stream = {}, int64_t offset = 0,
              int64_t length = -1) const;
  Status copyFrom(const void *host, int64_t length, int64_t offset = 0,
                  const Stream &stream = {}) const;
  Status copyTo(void *host, int64_t length, int64_t offset = 0,
                const Stream &stream = {}) const;

private:
  friend class Device;
  std::shared_ptr<DeviceDriver> driver;
  uint64_t pointer = 0;
  int64_t bytes = 0;
};

class Kernel {
public:
  Kernel() = default;
  Result<KernelAttributes> attributes() const;
  /// Blocks of this shape that one compute unit holds at once; null where the
  /// device has no such notion.
  Result<std::optional<int64_t>> occupancy(int64_t blockThreads,
                                           int64_t sharedBytes) const;
  /// Lets the kernel use this much dynamic shared memory. Called once, before
  /// launches; names the limit when it is above the device's.
  Status reserveShared(int64_t bytes) const;
  Status launch(const LaunchGeometry &geometry, const ArgumentBlock &arguments,
                const Stream &stream) const;

private:
  friend class Module;
  std::shared_ptr<void> moduleState;
  std::shared_ptr<DeviceDriver> driver;
  void *function = nullptr;
};

class Module {
public:
  Module() = default;
  Result<Kernel> kernel(const std::string &name) const;
  const std::string &log() const; ///< what the vendor's JIT said, may be empty

private:
  friend class Device;
  struct State;
  std::shared_ptr<State> state;
};

struct LoadOptions {
  std::string path; ///< where the image lies, for the reproducing command
};

/// A cheap handle; copies mean the same device.
class Device {
public:
  Device() = default;
  explicit Device(std::shared_ptr<DeviceDriver> driver);

  const DeviceInfo &info() const;
  bool has(Capability capability) const;
  /// Creates the context if there is none yet (slow the first time); every
  /// other call does it when needed.
  Status activate() const;
  Result<MemoryInfo> memory() const;
  /// Nothing where the driver does not tell.
  std::optional<ClockState> clocks() const;
  Result<Buffer> allocate(int64_t bytes) const;
  Result<Stream> createStream() const;
  /// A caller's CUstream / hipStream_t; null is the default stream.
  Stream wrapStream(void *handle) const;
  Result<Event> createEvent() const;
  Result<Module> load(std::span<const std::byte> image, ImageKind kind,
                      const LoadOptions &options = {}) const;
  Status synchronize() const;

  DeviceDriver &driver() const { return *impl; }
  explicit operator bool() const { return impl != nullptr; }

private:
  std::shared_ptr<DeviceDriver> impl;
};

/// One driver, present or not; `absent` says why in a sentence.
struct DriverReport {
  std::string name;
  std::string absent;
  std::vector<Device> devices;
};

/// cuda, hip, host in this order; creates no context.
std::vector<DriverReport> enumerateDrivers();

/// "cuda:0", "hip:1", "cuda", "cpu", "null", or "auto": the first GPU, else the
/// CPU. The error lists what is there.
Result<Device> openDevice(std::string_view selector = "auto");

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_RUNTIME_H
