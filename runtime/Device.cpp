// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The owning handles over a driver. Each keeps the driver alive, so that the
// order in which a caller drops them does not matter.
#include "runtime/Driver.h"

using namespace attn_jit::rt;

struct Event::State {
  std::shared_ptr<DeviceDriver> driver;
  void *handle;
  ~State() { driver->destroyEvent(handle); }
};

struct Module::State {
  std::shared_ptr<DeviceDriver> driver;
  void *handle;
  std::string log;
  ~State() { driver->unloadModule(handle); }
};

static Error emptyHandle(const char *what) {
  return badInput(std::string(what) + ": an empty handle was used");
}

//===----------------------------------------------------------------------===//
// Stream, Event
//===----------------------------------------------------------------------===//

Status Stream::synchronize() const {
  if (!driver)
    return emptyHandle("stream");
  return driver->synchronizeStream(stream);
}

Result<bool> Stream::finished() const {
  if (!driver)
    return emptyHandle("stream");
  return driver->streamFinished(stream);
}

Status Stream::wait(const Event &event) const {
  if (!driver || !event.state)
    return emptyHandle("stream wait");
  return driver->streamWait(stream, event.state->handle);
}

void *Stream::handle() const { return stream; }

Status Event::record(const Stream &stream) const {
  if (!state || !stream)
    return emptyHandle("event record");
  return state->driver->recordEvent(state->handle, stream.handle());
}

Status Event::synchronize() const {
  if (!state)
    return emptyHandle("event");
  return state->driver->synchronizeEvent(state->handle);
}

Result<bool> Event::finished() const {
  if (!state)
    return emptyHandle("event");
  return state->driver->eventFinished(state->handle);
}

Result<double> Event::elapsedMs(const Event &start) const {
  if (!state || !start.state)
    return emptyHandle("event");
  return state->driver->elapsedMs(start.state->handle, state->handle);
}

//===----------------------------------------------------------------------===//
// Buffer
//===----------------------------------------------------------------------===//

Buffer::Buffer(Buffer &&other) noexcept
    : driver(std::move(other.driver)), pointer(std::exchange(other.pointer, 0)),
      bytes(std::exchange(other.bytes, 0)) {}

Buffer &Buffer::operator=(Buffer &&other) noexcept {
  std::swap(driver, other.driver);
  std::swap(pointer, other.pointer);
  std::swap(bytes, other.bytes);
  return *this;
}

Buffer::~Buffer() {
  if (driver && pointer)
    driver->release(pointer);
}

/// A range inside a buffer, or the sentence that says why it is not.
static Status checkRange(const char *what, int64_t offset, int64_t length,
                         int64_t bytes) {
  if (offset >= 0 && length >= 0 && offset <= bytes && length <= bytes - offset)
    return success();
  return badInput(std::string(what) + ": offset " + std::to_string(offset) +
                  " and length " + std::to_string(length) +
                  " do not lie in a buffer of " + std::to_string(bytes) +
                  " bytes");
}

Status Buffer::fill(uint32_t pattern, const Stream &stream, int64_t offset,
                    int64_t length) const {
  if (!driver)
    return emptyHandle("buffer");
  if (length == -1)
    length = bytes - offset;
  ATTN_CHECK(checkRange("fill", offset, length, bytes));
  // A buffer's tail of 1 to 3 bytes could not be filled by whole patterns.
  if (offset % 4 || length % 4)
    return badInput("fill: offset " + std::to_string(offset) + " and length " +
                    std::to_string(length) + " must be multiples of 4");
  if (length == 0)
    return success();
  ATTN_CHECK(driver->fill(pointer + static_cast<uint64_t>(offset), pattern,
                          length, stream.handle()));
  return stream ? success() : driver->synchronizeStream(nullptr);
}

Status Buffer::copyFrom(const void *host, int64_t length, int64_t offset,
                        const Stream &stream) const {
  if (!driver)
    return emptyHandle("buffer");
  ATTN_CHECK(checkRange("copyFrom", offset, length, bytes));
  if (length == 0)
    return success();
  ATTN_CHECK(driver->copyIn(pointer + static_cast<uint64_t>(offset), host,
                            length, stream.handle()));
  return stream ? success() : driver->synchronizeStream(nullptr);
}

Status Buffer::copyTo(void *host, int64_t length, int64_t offset,
                      const Stream &stream) const {
  if (!driver)
    return emptyHandle("buffer");
  ATTN_CHECK(checkRange("copyTo", offset, length, bytes));
  if (length == 0)
    return success();
  ATTN_CHECK(driver->copyOut(host, pointer + static_cast<uint64_t>(offset),
                             length, stream.handle()));
  return stream ? success() : driver->synchronizeStream(nullptr);
}

//===----------------------------------------------------------------------===//
// Module, Kernel
//===----------------------------------------------------------------------===//

Result<Kernel> Module::kernel(const std::string &name) const {
  if (!state)
    return emptyHandle("module");
  ATTN_TRY(void *function, state->driver->findKernel(state->handle, name));
  Kernel kernel;
  kernel.moduleState = state;
  kernel.driver = state->driver;
  kernel.function = function;
  return kernel;
}

const std::string &Module::log() const {
  static const std::string none;
  return state ? state->log : none;
}

Result<KernelAttributes> Kernel::attributes() const {
  if (!driver)
    return emptyHandle("kernel");
  return driver->kernelAttributes(function);
}

Result<std::optional<int64_t>> Kernel::occupancy(int64_t blockThreads,
                                                 int64_t sharedBytes) const {
  if (!driver)
    return emptyHandle("kernel");
  return driver->occupancy(function, blockThreads, sharedBytes);
}

Status Kernel::reserveShared(int64_t bytes) const {
  if (!driver)
    return emptyHandle("kernel");
  const int64_t limit = driver->info().sharedBytesPerBlock;
  if (bytes < 0 || bytes > limit)
    return badInput("shared_bytes: " + std::to_string(bytes) + " given, " +
                    driver->info().selector() + " (" + driver->info().target +
                    ") allows 0 to " + std::to_string(limit));
  return driver->reserveShared(function, bytes);
}

Status Kernel::launch(const LaunchGeometry &geometry,
                      const ArgumentBlock &arguments,
                      const Stream &stream) const {
  if (!driver)
    return emptyHandle("kernel");
  return driver->launch(function, geometry, arguments, stream.handle());
}

//===----------------------------------------------------------------------===//
// Device
//===----------------------------------------------------------------------===//

Device::Device(std::shared_ptr<DeviceDriver> driver)
    : impl(std::move(driver)) {}

const DeviceInfo &Device::info() const { return impl->info(); }
bool Device::has(Capability capability) const { return impl->has(capability); }
Status Device::activate() const { return impl->activate(); }
Result<MemoryInfo> Device::memory() const { return impl->memory(); }
std::optional<ClockState> Device::clocks() const { return impl->clocks(); }
Status Device::synchronize() const { return impl->synchronize(); }

Result<Buffer> Device::allocate(int64_t bytes) const {
  if (bytes < 0)
    return badInput("buffer bytes: " + std::to_string(bytes) +
                    " given, 0 or more allowed");
  Buffer buffer;
  buffer.driver = impl;
  buffer.bytes = bytes;
  if (bytes > 0) {
    ATTN_TRY(buffer.pointer, impl->allocate(bytes));
  }
  return buffer;
}

Result<Stream> Device::createStream() const {
  ATTN_TRY(void *handle, impl->createStream());
  Stream stream = wrapStream(handle);
  stream.owner.reset(
      handle, [driver = impl](void *open) { driver->destroyStream(open); });
  return stream;
}

Stream Device::wrapStream(void *handle) const {
  Stream stream;
  stream.driver = impl;
  stream.stream = handle;
  return stream;
}

Result<Event> Device::createEvent() const {
  ATTN_TRY(void *handle, impl->createEvent());
  Event event;
  event.state.reset(new Event::State{impl, handle});
  return event;
}

Result<Module> Device::load(std::span<const std::byte> image, ImageKind kind,
                            const LoadOptions &options) const {
  if (!info().takes(kind)) {
    std::string allowed;
    for (ImageKind each : info().images)
      allowed += (allowed.empty() ? "" : ", ") + std::string(name(each));
    return badInput("image.kind: " + std::string(name(kind)) +
                    " given, device " + info().selector() + " loads " +
                    (allowed.empty() ? "none" : allowed));
  }
  if (image.empty())
    return badInput("image: 0 bytes given, a whole " + std::string(name(kind)) +
                    " image is needed");
  std::string log;
  ATTN_TRY(void *handle, impl->loadModule(image, kind, options, log));
  Module module;
  module.state.reset(new Module::State{impl, handle, std::move(log)});
  return module;
}
