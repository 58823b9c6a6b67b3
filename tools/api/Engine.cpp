// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernels of one device: whose schedule, from where, and what then serves.
#include "tools/api/Engine.h"
#include "runtime/Printable.h"
#include "tools/api/BackgroundTuning.h"
#include "tools/api/KeptImage.h"
#include "tools/api/KernelRequest.h"
#include "tools/api/KernelStore.h"
#include "tools/api/KernelTable.h"
#include "tools/api/NearestKernel.h"
#include "tools/api/Warning.h"

#include <atomic>
#include <chrono>

using namespace attn_jit;
using namespace attn_jit::api;

std::string_view api::name(CacheUse use) {
  switch (use) {
  case CacheUse::Compiled:
    return "miss";
  case CacheUse::Memory:
    return "memory";
  case CacheUse::Disk:
    return "disk";
  case CacheUse::Remote:
    return "remote";
  case CacheUse::Bypassed:
    return "bypass";
  }
  return "?";
}

static CacheUse useOf(KernelStore::From from) {
  switch (from) {
  case KernelStore::From::Disk:
    return CacheUse::Disk;
  case KernelStore::From::Remote:
    return CacheUse::Remote;
  case KernelStore::From::Compiler:
    break;
  }
  return CacheUse::Compiled;
}

/// As machine code that is kept, which saves the driver's assembler, or as the
/// image that it is.
static rt::Result<rt::PreparedKernel>
load(const rt::Device &device, const Compiled &made, MachineCode *code) {
  ATTN_TRY(const rt::Manifest manifest, rt::parseManifest(made.manifest));
  auto bytes = [](const std::string &text) {
    return std::as_bytes(std::span(text.data(), text.size()));
  };
  if (code)
    if (const auto kept = code->find(made, device.info())) {
      rt::Manifest own = manifest;
      own.imageKind = rt::ImageKind::Cubin;
      // One that the driver refuses is none.
      if (auto loaded = rt::prepare(device, std::move(own), bytes(*kept)))
        return loaded;
    }
  const KeptImage kept(made);
  auto loaded = rt::prepare(device, manifest, bytes(made.image), {kept.path()});
  if (!loaded)
    return kept.keep(loaded.takeError());
  if (code)
    code->assembleLater(made, device.info());
  return loaded;
}

struct Engine::State {
  State(rt::Device opened, const EngineOptions &options, bool tunes)
      : device(std::move(opened)), options(options),
        choice(device.info(), records(), tunes) {}

  std::function<RecordSources()> records() const {
    return
        [store = options.useStore] { return RecordSources::ofProcess(store); };
  }

  const rt::Device device;
  const EngineOptions options;
  ScheduleChoice choice;
  KernelTable kernels;
  std::atomic<int64_t> compiles = 0;
  /// Last, so that its thread ends before what it uses; null: none.
  std::unique_ptr<BackgroundTuning, BackgroundTuning::Ending> tuning;
};

Engine::Engine(rt::Device device)
    : state(std::make_shared<State>(std::move(device), EngineOptions(),
                                    /*tunes=*/false)) {}

rt::Result<Engine> Engine::open(std::string_view device,
                                const EngineOptions &options) {
  ATTN_TRY(rt::Device opened, rt::openDevice(device));
  return open(std::move(opened), options);
}

/// What is asked for by a field of the options must be possible; what the
/// environment says holds where it is.
static rt::Result<TuningMode> tuningMode(const EngineOptions &options) {
  const bool asked = !options.tune.empty();
  ATTN_TRY(TuningMode mode, asked ? TuningMode::parse("tune", options.tune)
                                  : TuningMode::ofEnvironment());
  if (!mode.background)
    return mode;
  const char *beside =
      !options.pinFile.empty() ? "a pin, whose choices alone serve"
      : !options.useStore      ? "no_cache, which keeps nothing"
      : options.mustBeCached   ? "assert_cached, which lets nothing be compiled"
                               : nullptr;
  if (!beside)
    return mode;
  if (asked)
    return rt::badInput("tune: " + rt::inQuotes(options.tune) +
                        " given beside " + beside +
                        "; allowed: one of the two");
  if (!options.useStore)
    warnOnce("tune: nothing is tuned in the background, as this owner's store "
             "is not used");
  return TuningMode();
}

rt::Result<Engine> Engine::open(rt::Device device,
                                const EngineOptions &options) {
  ATTN_TRY(const TuningMode mode, tuningMode(options));
  const bool tunes = mode.background && device.info().driver != "null";
  Engine engine(std::make_shared<State>(std::move(device), options, tunes));
  State &state = *engine.state;
  if (!options.pinFile.empty())
    ATTN_CHECK(state.choice.pin(options.pinFile));
  if (tunes)
    state.tuning = BackgroundTuning::start(
        state.device, mode, [&state](const TunedCall &call) {
          // The state is there as long as that thread: it waits for it.
          return Engine(std::shared_ptr<State>(std::shared_ptr<void>(), &state))
              .serve(call);
        });
  return engine;
}

const rt::Device &Engine::device() const { return state->device; }

int64_t Engine::compiles() const { return state->compiles; }

/// From the store or by the compiler, and onto the device.
KernelResult Engine::make(const Description &description,
                          const CompileOptions &wanted, CacheUse &use) const {
  auto kernel = std::make_shared<Kernel>();
  std::optional<store::Key> key;
  auto compiled =
      [&](const KernelStore::CalledOff &calledOff) -> rt::Result<Compiled> {
    CompileOptions own = wanted;
    if (calledOff)
      own.calledOff = [&] {
        return calledOff() || (wanted.calledOff && wanted.calledOff());
      };
    auto made = compile(description, own);
    // One that was called off is none: somebody else's served.
    if (made || !own.calledOff || !own.calledOff())
      ++state->compiles;
    return made;
  };
  if (use != CacheUse::Bypassed) {
    ATTN_TRY(key, storeKey(description, wanted));
  }
  if (state->options.mustBeCached) {
    ATTN_TRY(KernelStore * store, KernelStore::ofProcess());
    auto image = key ? store->find(*key) : std::nullopt;
    if (!image)
      return notCached(key, store->disk(), store->remotes() != nullptr);
    kernel->made = std::move(image->compiled);
    use = useOf(image->from);
  } else if (key) {
    ATTN_TRY(KernelStore * store, KernelStore::ofProcess());
    ATTN_TRY(KernelStore::Image image,
             store->image(*key, compiled, wanted.calledOff));
    kernel->made = std::move(image.compiled);
    use = useOf(image.from);
  } else {
    ATTN_TRY(kernel->made, compiled({}));
  }
  const auto start = std::chrono::steady_clock::now();
  MachineCode *code = nullptr;
  if (key) {
    ATTN_TRY(KernelStore * store, KernelStore::ofProcess());
    code = &store->machineCode();
  }
  ATTN_TRY(kernel->loaded, load(device(), kernel->made, code));
  kernel->load = std::chrono::duration<double, std::milli>(
                     std::chrono::steady_clock::now() - start)
                     .count();
  ATTN_TRY(kernel->taken, kernel->loaded.resources());
  return std::shared_ptr<const Kernel>(std::move(kernel));
}

KernelResult Engine::obtain(const Description &description,
                            const CompileOptions &wanted, CacheUse *use) const {
  const bool bypass =
      !wanted.dumpFolder.empty() || !wanted.overrideFolder.empty();
  CacheUse own = CacheUse::Memory;
  auto fresh = [&] {
    own = bypass || !state->options.useStore ? CacheUse::Bypassed
                                             : CacheUse::Compiled;
    return make(description, wanted, own);
  };
  KernelResult made =
      bypass ? KernelTable::caught(fresh)
             : state->kernels.obtain(requestText(description, wanted), fresh);
  if (use)
    *use = own;
  return made;
}

/// Nobody of this process asked for that schedule, and it may be at fault:
/// memory that runs out is not its doing.
static bool mayGiveWay(tune::Source source, const rt::Error &error) {
  return source != tune::Source::Flag && source != tune::Source::Pin &&
         error.code != rt::ErrorCode::OutOfMemory &&
         error.code != rt::ErrorCode::Timeout;
}

rt::Result<std::shared_ptr<const Kernel>>
Engine::kernel(const Description &description, const KernelOptions &options,
               CacheUse *use, ChosenBy *chosen) const {
  auto [asked, wanted, choice] =
      requestOf(state->choice, description, options, device().info().target);
  const bool bypass =
      !wanted.dumpFolder.empty() || !wanted.overrideFolder.empty();
  if (choice.fresh && !choice.measured && state->tuning && !bypass)
    state->tuning->want(description, asked, options.typical);
  const bool named = asked.schedule.empty() && !choice.schedule.empty();
  KernelResult made = obtain(description, wanted, use);
  if (!made && named && !state->options.mustBeCached &&
      mayGiveWay(choice.source, made.error())) {
    const rt::Error fault = made.takeError();
    made = obtain(description, asked, use);
    if (!made)
      return made; // so it was not the schedule
    const std::string why = std::string(tune::name(choice.source)) +
                            " schedule " + choice.schedule +
                            " does not become a kernel here: " + fault.text;
    state->choice.failed(description, asked, options.typical, choice.schedule,
                         why, fault.code == rt::ErrorCode::Unsupported);
    warnOnce("schedule: the default serves, as the " + why);
    choice = {};
    choice.why = why;
  }
  if (!chosen || !made)
    return made;
  // A module or an override brings a schedule of its own.
  const std::string &own = (*made)->compiled().scheduleSource;
  if (own == "module" || own == "override")
    *chosen = {own, {}};
  else
    *chosen = {std::string(tune::name(choice.source)), std::move(choice.why)};
  return made;
}

/// What a tuning found serves later look-ups: it is compiled and loaded here,
/// not by who launches.
bool Engine::serve(const TunedCall &call) const {
  ScheduleChoice anew(device().info(), state->records());
  const ScheduleChosen choice =
      anew.choose(call.description, call.wanted, call.call);
  if (!choice.measured)
    return false;
  if (!choice.schedule.empty()) {
    CompileOptions wanted = call.wanted;
    wanted.schedule = choice.schedule;
    wanted.calls = {};
    wanted.calledOff = [this] { return state->tuning->ending(); };
    // A fault shows at the look-up, which knows what to do with it.
    (void)obtain(call.description, wanted, nullptr).ok();
  }
  state->choice.refresh();
  (void)state->choice.choose(call.description, call.wanted, call.call);
  return true;
}

rt::Status Engine::forward(const Description &description,
                           const rt::AttentionArguments &arguments,
                           const rt::Stream &stream,
                           const KernelOptions &options) const {
  KernelOptions own = options;
  own.alignment = std::min(
      own.alignment, alignmentOf(arguments, elementBytes(description.element),
                                 options.typical.batchInvariant));
  auto known = [](int64_t &given, int64_t called) {
    if (given == 0)
      given = called;
  };
  known(own.typical.batch, arguments.batch);
  known(own.typical.queryHeads, arguments.qHeads);
  known(own.typical.queryLen, arguments.qLen);
  known(own.typical.kvLen, arguments.kvLen);
  known(own.typical.kvHeads, arguments.kvHeads);
  ATTN_TRY(auto kernel, this->kernel(description, own));
  return kernel->launch(arguments, stream);
}
