// The Metal device as JavaScript sees it.
#include "addon/metal.h"

#include <chrono>
#include <cmath>
#include <string>

#include "addon/arguments.h"
#include "core/kernel_table.h"
#include "core/metal_counts.h"
#include "core/metal_health.h"

namespace nautilus::addon {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr double kMostElements = static_cast<double>(kMaxElements);
constexpr double kMostFailures = 1e6;
constexpr double kMostMs = 1e9;  // some twelve days

// Reads a number from `least` to `most`, `whole` or not.
double ReadNumber(const Napi::Value& value, const char* field, bool whole, double least, double most) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (number >= least && number <= most && (!whole || number == std::floor(number))) return number;
  const auto text = [](double limit) { return std::to_string(static_cast<int64_t>(limit)); };
  Refuse(Status::kInvalidOption, field,
         std::string(whole ? "an integer" : "a number") + " from " + text(least) + " to " + text(most),
         value.IsNumber() ? "out of range" : "another type");
}

Napi::Value Counts(const Napi::CallbackInfo& info) {
  const MetalCounts counts = CountsOfMetal();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("commands", static_cast<double>(counts.commands));
  object.Set("failures", static_cast<double>(counts.failures));
  object.Set("retries", static_cast<double>(counts.retries));
  object.Set("fallbacks", static_cast<double>(counts.fallbacks));
  object.Set("copiedBytes", static_cast<double>(counts.copied_bytes));
  object.Set("gpuSeconds", counts.gpu_seconds);
  return object;
}

Napi::Value Pipelines(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array all = Napi::Array::New(env);
  for (const MetalPipeline& pipeline : PipelinesOfMetal()) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("kernel", pipeline.kernel);
    object.Set("maxThreads", static_cast<double>(pipeline.max_threads));
    object.Set("simdWidth", static_cast<double>(pipeline.simd_width));
    object.Set("threadgroupBytes", static_cast<double>(pipeline.threadgroup_bytes));
    object.Set("groupThreads", static_cast<double>(pipeline.group_threads));
    object.Set("commands", static_cast<double>(pipeline.commands));
    object.Set("gpuSeconds", pipeline.gpu_seconds);
    all.Set(all.Length(), object);
  }
  return all;
}

// Arguments in order: place of the row, elements.
Napi::Value From(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    const double last = static_cast<double>(KernelTable().size()) - 1;
    const double index = ReadNumber(info[0], "index", true, 0, last);
    const double elements = ReadNumber(info[1], "elements", true, 0, kMostElements);
    SetMetalFrom(static_cast<size_t>(index), static_cast<int64_t>(elements));
    return info.Env().Undefined();
  });
}

Napi::Value Health(const Napi::CallbackInfo& info) {
  static constexpr const char* kStates[] = {"closed", "open", "half_open"};
  const MetalHealth::Report report = HealthOfMetal().Describe();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("state", kStates[static_cast<size_t>(report.state)]);
  object.Set("failures", static_cast<double>(report.failures));
  object.Set("opened", static_cast<double>(report.opened));
  object.Set("retryInMs", Milliseconds(report.retry_in).count());
  object.Set("lastError", report.last_error);
  return object;
}

// Arguments in order: failures in a row, milliseconds until a trial, the most of them.
Napi::Value Breaker(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    const double failures = ReadNumber(info[0], "failures", true, 1, kMostFailures);
    const double retry = ReadNumber(info[1], "retryMs", false, 0, kMostMs);
    const double max_retry = ReadNumber(info[2], "maxRetryMs", false, retry, kMostMs);
    const auto time = [](double ms) {
      return std::chrono::duration_cast<MetalHealth::Duration>(Milliseconds(ms));
    };
    HealthOfMetal().Configure(static_cast<uint32_t>(failures), time(retry), time(max_retry));
    return info.Env().Undefined();
  });
}

Napi::Value Switch(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    if (!info[0].IsBoolean()) Refuse(Status::kInvalidOption, "on", "true or false", "another type");
    SwitchMetal(info[0].As<Napi::Boolean>());
    return info.Env().Undefined();
  });
}

}  // namespace

void ExportMetal(Napi::Env env, Napi::Object exports) {
  exports.Set("metalCounts", Napi::Function::New(env, Counts, "metalCounts"));
  exports.Set("metalPipelines", Napi::Function::New(env, Pipelines, "metalPipelines"));
  exports.Set("setMetalFrom", Napi::Function::New(env, From, "setMetalFrom"));
  exports.Set("metalHealth", Napi::Function::New(env, Health, "metalHealth"));
  exports.Set("setMetalBreaker", Napi::Function::New(env, Breaker, "setMetalBreaker"));
  exports.Set("metalSwitch", Napi::Function::New(env, Switch, "metalSwitch"));
}

}  // namespace nautilus::addon
