// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C functions over the C++ API. No exception leaves them, and no state is
// shared but an engine's own: the error text belongs to the thread.
#include "tools/api/Engine.h"
#include "tools/api/attn_jit.h"

#include <array>
#include <cstring>
#include <exception>

using namespace attn_jit;

struct attn_jit_engine {
  api::Engine engine;
};
struct attn_jit_kernel {
  rt::Device device;
  std::shared_ptr<const api::Kernel> kernel;
  std::string manifest; // with who chose the schedule for this caller
};

struct attn_jit_bound {
  attn_jit_kernel kernel; // what is bound refers to it
  rt::BoundLaunch launch;
};

static thread_local std::string lastError;

static int fail(const rt::Error &error) {
  lastError = error.text;
  if (!error.repro.empty())
    lastError += " (" + error.repro + ")";
  return error.exitCode();
}

/// Runs `body`; whatever it throws becomes an error of this thread.
template <typename Body> static int guarded(Body &&body) {
  try {
    rt::Status status = body();
    return status ? 0 : fail(status.error());
  } catch (const std::exception &exception) {
    return fail(rt::failed(exception.what()));
  }
}

/// A caller's struct of any version: what it lacks is zero.
template <typename Struct>
static rt::Result<Struct> readStruct(const Struct *given, const char *name) {
  Struct own{};
  if (!given || given->size < sizeof(size_t) || given->size > sizeof(Struct))
    return rt::badInput(std::string(name) +
                        ".size: " + std::to_string(given ? given->size : 0) +
                        " given, allowed: sizeof, at most " +
                        std::to_string(sizeof(Struct)));
  std::memcpy(&own, given, given->size);
  return own;
}

static rt::Status checkPointer(const void *pointer, const char *name) {
  return pointer ? rt::success()
                 : rt::Status(rt::badInput(std::string(name) +
                                           ": null given, allowed: a pointer"));
}

static rt::Status read(const attn_jit_description *given,
                       api::Description &description,
                       api::KernelOptions &options) {
  ATTN_TRY(const attn_jit_description own, readStruct(given, "description"));
  description.headDim = own.head_dim;
  description.valueDim = own.value_dim;
  if (own.dtype) {
    ATTN_TRY(description.element, api::parseElement(own.dtype));
  }
  if (own.layout) {
    ATTN_TRY(description.layout, api::parseLayout(own.layout));
  }
  if (own.align) {
    ATTN_TRY(description.align, api::parseAlign(own.align));
  }
  if (own.precision) {
    ATTN_TRY(description.precision, api::parsePrecision(own.precision));
  }
  description.causal = own.causal != 0;
  description.lse = own.lse != 0;
  auto text = [](const char *given) { return given ? given : ""; };
  description.softcap = own.softcap;
  description.score = text(own.score);
  description.mask = text(own.mask);
  description.module = text(own.module);
  options.schedule = text(own.schedule);
  options.target = text(own.target);
  options.typical = {
      own.batch,   own.q_heads, own.q_len, own.kv_len, own.batch_invariant != 0,
      own.kv_heads};
  for (auto [name, size] : {std::pair{"batch", own.batch},
                            {"q_heads", own.q_heads},
                            {"q_len", own.q_len},
                            {"kv_heads", own.kv_heads},
                            {"kv_len", own.kv_len}})
    if (size < 0)
      return rt::badInput(std::string(name) + ": " + std::to_string(size) +
                          " given, allowed: at least 0");
  if (own.alignment)
    options.alignment = own.alignment;
  if (const int64_t a = options.alignment; a < 1 || a > 16 || (a & (a - 1)))
    return rt::badInput("alignment: " + std::to_string(a) +
                        " given, allowed: 1, 2, 4, 8, 16");
  return rt::success();
}

/// A kernel is kept by its schedule, whoever chose it. Quotes inside strings
/// are escaped, so the field's name stands only where it is one.
static std::string withSource(std::string manifest, const std::string &source) {
  static constexpr std::string_view field = "\"schedule_source\": \"";
  const size_t at = manifest.find(field);
  if (at == std::string::npos)
    return manifest;
  const size_t value = at + field.size();
  return manifest.replace(value, manifest.find('"', value) - value, source);
}

namespace {
/// A call in the runtime's form; holds what the runtime only views. No
/// allocation: it is made for every launch.
struct Call {
  rt::AttentionArguments arguments;
  std::array<rt::CapturedScalar, rt::maxArguments> captured;
};
} // namespace

static rt::Status read(const attn_jit_call *given, Call &call) {
  ATTN_TRY(const attn_jit_call own, readStruct(given, "call"));
  rt::AttentionArguments &a = call.arguments;
  a.batch = own.batch;
  a.qHeads = own.q_heads;
  a.kvHeads = own.kv_heads;
  a.qLen = own.q_len;
  a.kvLen = own.kv_len;
  a.scale = own.scale;
  const std::pair<const attn_jit_tensor *, rt::TensorArgument *> tensors[] = {
      {&own.q, &a.q}, {&own.k, &a.k}, {&own.v, &a.v}, {&own.o, &a.o}};
  for (size_t i = 0; i < 4; ++i) {
    const attn_jit_tensor &from = *tensors[i].first;
    if (from.dim_stride != 0 && from.dim_stride != 1)
      return rt::badInput(std::string(1, "qkvo"[i]) +
                          ".dim_stride: " + std::to_string(from.dim_stride) +
                          " given, allowed: 1 (the head dim is contiguous)");
    *tensors[i].second = {from.address, from.batch_stride, from.head_stride,
                          from.row_stride};
  }
  a.lse = {own.lse.address, own.lse.batch_stride, own.lse.head_stride, 1};
  a.workspace = own.workspace;
  a.workspaceBytes = own.workspace_bytes;
  if (own.captured_count < 0 || own.captured_count > int64_t(rt::maxArguments))
    return rt::badInput(
        "captured_count: " + std::to_string(own.captured_count) +
        " given, allowed: 0 to " + std::to_string(rt::maxArguments) +
        ", a kernel's most arguments");
  if (own.captured_count > 0) {
    ATTN_CHECK(checkPointer(own.captured_names, "captured_names"));
    ATTN_CHECK(checkPointer(own.captured_values, "captured_values"));
  }
  for (int64_t i = 0; i < own.captured_count; ++i) {
    if (!own.captured_names[i])
      return checkPointer(
          nullptr, ("captured_names[" + std::to_string(i) + "]").c_str());
    call.captured[size_t(i)] = {own.captured_names[i], own.captured_values[i]};
  }
  a.captured = {call.captured.data(), size_t(own.captured_count)};
  return rt::success();
}

extern "C" {

const char *attn_jit_version(void) { return ATTN_JIT_VERSION; }
const char *attn_jit_last_error(void) { return lastError.c_str(); }

int attn_jit_engine_open(const char *device, attn_jit_engine **engine) {
  return guarded([&]() -> rt::Status {
    ATTN_CHECK(checkPointer(engine, "engine"));
    *engine = nullptr;
    ATTN_TRY(api::Engine opened, api::Engine::open(device ? device : "auto"));
    *engine = new attn_jit_engine{std::move(opened)};
    return rt::success();
  });
}

int attn_jit_engine_open_with(const char *device,
                              const attn_jit_engine_options *options,
                              attn_jit_engine **engine) {
  return guarded([&]() -> rt::Status {
    ATTN_CHECK(checkPointer(engine, "engine"));
    *engine = nullptr;
    ATTN_TRY(const attn_jit_engine_options own, readStruct(options, "options"));
    api::EngineOptions with;
    with.pinFile = own.pin ? own.pin : "";
    with.useStore = own.no_store == 0;
    with.mustBeCached = own.must_be_cached != 0;
    with.tune = own.tune ? own.tune : "";
    ATTN_TRY(api::Engine opened,
             api::Engine::open(device ? device : "auto", with));
    *engine = new attn_jit_engine{std::move(opened)};
    return rt::success();
  });
}

void attn_jit_engine_close(attn_jit_engine *engine) { delete engine; }

int64_t attn_jit_engine_compiles(const attn_jit_engine *engine) {
  return engine ? engine->engine.compiles() : 0;
}

int attn_jit_kernel_create(attn_jit_engine *engine,
                           const attn_jit_description *description,
                           attn_jit_kernel **kernel) {
  return guarded([&]() -> rt::Status {
    ATTN_CHECK(checkPointer(engine, "engine"));
    ATTN_CHECK(checkPointer(kernel, "kernel"));
    *kernel = nullptr;
    api::Description own;
    api::KernelOptions options;
    ATTN_CHECK(read(description, own, options));
    api::ChosenBy chosen;
    ATTN_TRY(auto made, engine->engine.kernel(own, options, nullptr, &chosen));
    std::string manifest = withSource(made->compiled().manifest, chosen.source);
    *kernel = new attn_jit_kernel{engine->engine.device(), std::move(made),
                                  std::move(manifest)};
    return rt::success();
  });
}

void attn_jit_kernel_free(attn_jit_kernel *kernel) { delete kernel; }

const char *attn_jit_kernel_manifest(const attn_jit_kernel *kernel) {
  return kernel ? kernel->manifest.c_str() : nullptr;
}

const void *attn_jit_kernel_image(const attn_jit_kernel *kernel,
                                  size_t *bytes) {
  if (!kernel)
    return nullptr;
  const std::string &image = kernel->kernel->compiled().image;
  if (bytes)
    *bytes = image.size();
  return image.data();
}

int attn_jit_kernel_launch(const attn_jit_kernel *kernel,
                           const attn_jit_call *call, void *stream) {
  return guarded([&]() -> rt::Status {
    ATTN_CHECK(checkPointer(kernel, "kernel"));
    Call own;
    ATTN_CHECK(read(call, own));
    return kernel->kernel->launch(own.arguments,
                                  kernel->device.wrapStream(stream));
  });
}

int attn_jit_kernel_bind(const attn_jit_kernel *kernel,
                         const attn_jit_call *call, attn_jit_bound **bound) {
  return guarded([&]() -> rt::Status {
    ATTN_CHECK(checkPointer(kernel, "kernel"));
    ATTN_CHECK(checkPointer(bound, "bound"));
    *bound = nullptr;
    Call own;
    ATTN_CHECK(read(call, own));
    auto made = std::make_unique<attn_jit_bound>(attn_jit_bound{*kernel, {}});
    ATTN_CHECK(kernel->kernel->bind(own.arguments, made->launch));
    *bound = made.release();
    return rt::success();
  });
}

int attn_jit_bound_launch(const attn_jit_bound *bound, void *stream) {
  return guarded([&]() -> rt::Status {
    ATTN_CHECK(checkPointer(bound, "bound"));
    return bound->launch.launch(bound->kernel.device.wrapStream(stream));
  });
}

void attn_jit_bound_free(attn_jit_bound *bound) { delete bound; }

int attn_jit_forward(attn_jit_engine *engine,
                     const attn_jit_description *description,
                     const attn_jit_call *call, void *stream) {
  return guarded([&]() -> rt::Status {
    ATTN_CHECK(checkPointer(engine, "engine"));
    api::Description own;
    api::KernelOptions options;
    ATTN_CHECK(read(description, own, options));
    Call with;
    ATTN_CHECK(read(call, with));
    return engine->engine.forward(own, with.arguments,
                                  engine->engine.device().wrapStream(stream),
                                  options);
  });
}

} // extern "C"
