// The border of core/placement.h.
#include "addon/placement.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "addon/arguments.h"
#include "core/placement.h"

namespace nautilus::addon {
namespace {

Napi::Value SetUrgencyCall(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    const std::string urgency = info[0].ToString().Utf8Value();
    if (urgency != "latency" && urgency != "throughput") {
      Refuse(Status::kInvalidOption, "urgency", "latency or throughput", "another value");
    }
    SetUrgency(urgency == "latency" ? Urgency::kLatency : Urgency::kThroughput);
    return info.Env().Undefined();
  });
}

Napi::Value BindThreadsCall(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_int32_array ||
        info[0].As<Napi::TypedArray>().ElementLength() == 0) {
      Refuse(Status::kInvalidOption, "cpus", "an Int32Array with a CPU or more", "another value");
    }
    const auto cpus = info[0].As<Napi::Int32Array>();
    const Bound bound = BindThreads(std::span<const int32_t>(cpus.Data(), cpus.ElementLength()));
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("threads", bound.threads);
    object.Set("error", bound.error);
    return object;
  });
}

Napi::Value AllowedCpusCall(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    const std::vector<int> cpus = AllowedCpus();
    Napi::Array array = Napi::Array::New(info.Env(), cpus.size());
    for (uint32_t i = 0; i < cpus.size(); ++i) array.Set(i, cpus[i]);
    return array;
  });
}

}  // namespace

void ExportPlacement(Napi::Env env, Napi::Object exports) {
  exports.Set("setUrgency", Napi::Function::New(env, SetUrgencyCall, "setUrgency"));
  exports.Set("bindThreads", Napi::Function::New(env, BindThreadsCall, "bindThreads"));
  exports.Set("allowedCpus", Napi::Function::New(env, AllowedCpusCall, "allowedCpus"));
}

}  // namespace nautilus::addon
