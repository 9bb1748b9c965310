// Builds the kernel table and chooses backends.
#include "core/kernel_table.h"

#include <atomic>

#include "core/metal_later.h"

namespace nautilus {

namespace {

// Thresholds change at run time, nothing else does.
std::span<KernelRow> Rows() {
  static KernelRow table[] = {
#define NAUTILUS_KERNEL(Name, id, shape, dtypes, cpu, metal_from, tol_f64, tol_f32) \
  KernelRow{id, shape, dtypes, cpu, Metal().Name != nullptr, metal_from, tol_f64, tol_f32},
#define NAUTILUS_INDICATOR NAUTILUS_KERNEL
#include "core/kernel_table.def"
  };
  return table;
}

#define NAUTILUS_KERNEL(Name, ...) +1
constexpr size_t kKernels = 0
#include "core/kernel_table.def"
    ;

std::atomic<uint64_t> fallbacks{0};

size_t PlaceOf(const cpu::indicators::IndicatorRow& indicator) {
  return static_cast<size_t>(&indicator - cpu::indicators::IndicatorTable().data());
}

}  // namespace

std::span<const KernelRow> KernelTable() { return Rows(); }

void SetMetalFrom(size_t place, int64_t elements) {
  Rows()[place].metal_from.store(elements, std::memory_order_relaxed);
}

void FallBack(Backend& backend) {
  backend = Backend::kCpu;
  fallbacks.fetch_add(1, std::memory_order_relaxed);
}

uint64_t Fallbacks() { return fallbacks.load(std::memory_order_relaxed); }

const KernelRow& RowOf(const cpu::indicators::IndicatorRow& indicator) {
  return KernelTable()[kKernels + PlaceOf(indicator)];
}

Status Run(Backend& backend, const cpu::indicators::IndicatorRow& indicator,
           const cpu::indicators::IndicatorCall& call) {
  static constexpr Status (*MetalColumn::*kSlots[])(const cpu::indicators::IndicatorCall&) = {
#define NAUTILUS_KERNEL(Name, ...)
#define NAUTILUS_INDICATOR(Name, ...) &MetalColumn::Name,
#include "core/kernel_table.def"
  };
  if (backend == Backend::kMetal) {
    const Status status = TryMetal(Metal().*kSlots[PlaceOf(indicator)], call);
    if (status != Status::kNoBackend) return status;
    FallBack(backend);
  }
  return cpu::indicators::RunIndicator(indicator, call);
}

Task (*LaterSlot(const cpu::indicators::IndicatorRow& indicator))(
    const cpu::indicators::IndicatorCall& call) {
  static constexpr Task (*MetalLater::*kSlots[])(const cpu::indicators::IndicatorCall&) = {
#define NAUTILUS_KERNEL(Name, ...)
#define NAUTILUS_INDICATOR(Name, ...) &MetalLater::Name,
#include "core/kernel_table.def"
  };
  return LaterOfMetal().*kSlots[PlaceOf(indicator)];
}

Choice Pick(const KernelRow& row, Dtype dtype, int64_t elements, Backend asked) {
  const bool metal_can = row.has_metal && dtype == Dtype::kF32;
  switch (asked) {
    case Backend::kCpu:
      return {Status::kOk, Backend::kCpu};
    case Backend::kMetal:
      return {metal_can && WhyMetalIsOut() == nullptr ? Status::kOk : Status::kNoBackend, Backend::kMetal};
    case Backend::kAuto:
      break;
  }
  const int64_t from = row.metal_from.load(std::memory_order_relaxed);
  const bool metal_wins =
      metal_can && from > 0 && elements >= from && WhyMetalIsOut() == nullptr && HealthOfMetal().MayEnter();
  return {Status::kOk, metal_wins ? Backend::kMetal : Backend::kCpu};
}

}  // namespace nautilus
