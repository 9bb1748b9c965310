// The module: kernels, the kernel table and the build information as JavaScript values.
#include <napi.h>

#include <cmath>
#include <string>
#include <vector>

#include "addon/arguments.h"
#include "addon/indicators.h"
#include "addon/kernels.h"
#include "addon/metal.h"
#include "addon/placement.h"
#include "addon/trees.h"
#include "core/build_info.h"
#include "core/kernel_table.h"
#include "core/metal_counts.h"
#include "core/slab.h"
#include "core/status.h"

namespace nautilus::addon {
namespace {

Napi::Array ToArray(Napi::Env env, const std::vector<std::string>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) array.Set(i, Napi::String::New(env, values[i]));
  return array;
}

Napi::Value StatusCodes(const Napi::CallbackInfo& info) {
#define NAUTILUS_STATUS_STRING(name) #name,
  return ToArray(info.Env(), {NAUTILUS_STATUS_CODES(NAUTILUS_STATUS_STRING)});
#undef NAUTILUS_STATUS_STRING
}

Napi::Value Kernels(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const BuildInfo build = DescribeBuild();
  Napi::Array rows = Napi::Array::New(env);
  for (const KernelRow& row : KernelTable()) {
    std::vector<std::string> dtypes;
    if ((row.dtypes & kMaskF64) != 0) dtypes.emplace_back("f64");
    if ((row.dtypes & kMaskF32) != 0) dtypes.emplace_back("f32");
    const bool blas = std::string(row.cpu) == "blas";
    Napi::Object object = Napi::Object::New(env);
    object.Set("id", row.id);
    object.Set("shape", row.shape);
    object.Set("dtypes", ToArray(env, dtypes));
    object.Set("cpu", row.cpu);
    object.Set("cpuTarget", blas ? build.blas_target : build.simd_target);
    object.Set("metal", row.has_metal);
    object.Set("metalFrom", static_cast<double>(row.metal_from.load(std::memory_order_relaxed)));
    object.Set("toleranceF64", row.tolerance_f64);
    object.Set("toleranceF32", row.tolerance_f32);
    rows.Set(rows.Length(), object);
  }
  return rows;
}

Napi::Value Build(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const BuildInfo build = DescribeBuild();
  Napi::Object metal = Napi::Object::New(env);
  metal.Set("available", Metal().available);
  metal.Set("reason", Metal().reason);
  metal.Set("device", Metal().device);
  metal.Set("broken", ToArray(env, BrokenMetalKernels()));
  Napi::Object object = Napi::Object::New(env);
  object.Set("compiler", build.compiler);
  object.Set("flags", build.flags);
  object.Set("simdTarget", build.simd_target);
  object.Set("simdTargets", ToArray(env, build.simd_targets));
  object.Set("blas", build.blas);
  object.Set("blasTarget", build.blas_target);
  object.Set("napiVersion", NAPI_VERSION);
  object.Set("metal", metal);
  return object;
}

Napi::Value Threads(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    const double threads = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
    if (!(threads >= 1 && threads <= 1024) || threads != std::floor(threads)) {
      Refuse(Status::kInvalidOption, "threads", "an integer from 1 to 1024", "another value");
    }
    return Napi::Number::New(info.Env(), SetThreads(static_cast<int>(threads)));
  });
}

// A slab as an ArrayBuffer; the memory goes back to the system with it.
Napi::Value Slab(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    const double asked = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
    const double limit = static_cast<double>(int64_t{1} << 40);
    if (!(asked >= 1 && asked <= limit) || std::fmod(asked, static_cast<double>(kSlabAlignment)) != 0) {
      Refuse(Status::kInvalidOption, "bytes", "a multiple of 16384 up to 2^40", "another value");
    }
    const auto bytes = static_cast<size_t>(asked);
    void* const memory = MapSlab(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    return Napi::ArrayBuffer::New(info.Env(), memory, bytes,
                                  [bytes](Napi::Env, void* gone) { UnmapSlab(gone, bytes); });
  });
}

Napi::Object ExportAll(Napi::Env env, Napi::Object exports) {
  ExportKernels(env, exports);
  ExportIndicators(env, exports);
  ExportMetal(env, exports);
  ExportPlacement(env, exports);
  ExportTrees(env, exports);
  exports.Set("statusCodes", Napi::Function::New(env, StatusCodes, "statusCodes"));
  exports.Set("kernels", Napi::Function::New(env, Kernels, "kernels"));
  exports.Set("buildInfo", Napi::Function::New(env, Build, "buildInfo"));
  exports.Set("slab", Napi::Function::New(env, Slab, "slab"));
  exports.Set("setThreads", Napi::Function::New(env, Threads, "setThreads"));
  return exports;
}

}  // namespace
}  // namespace nautilus::addon

// Outside any namespace: clang would give an entry point in an unnamed one internal linkage.
static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  return nautilus::addon::ExportAll(env, exports);
}

NODE_API_MODULE(nautilus, Init)
