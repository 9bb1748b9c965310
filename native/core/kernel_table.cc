// Builds the kernel table and chooses backends.
#include "core/kernel_table.h"

#include <atomic>

namespace nautilus {

const std::vector<KernelRow>& KernelTable() {
  static const std::vector<KernelRow> table = {
#define NAUTILUS_KERNEL(Name, id, shape, dtypes, cpu, metal_from, tol_f64, tol_f32) \
  KernelRow{id, shape, dtypes, cpu, Metal().Name != nullptr, metal_from, tol_f64, tol_f32},
#define NAUTILUS_INDICATOR NAUTILUS_KERNEL
#include "core/kernel_table.def"
  };
  return table;
}

namespace {

#define NAUTILUS_KERNEL(Name, ...) +1
constexpr size_t kKernels = 0
#include "core/kernel_table.def"
    ;

std::atomic<uint64_t> fallbacks{0};

size_t PlaceOf(const cpu::indicators::IndicatorRow& indicator) {
  return static_cast<size_t>(&indicator - cpu::indicators::IndicatorTable().data());
}

}  // namespace

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
    const auto slot = Metal().*kSlots[PlaceOf(indicator)];
    const Status status = slot == nullptr ? Status::kNoBackend : slot(call);
    if (status != Status::kNoBackend) return status;
    FallBack(backend);
  }
  return cpu::indicators::RunIndicator(indicator, call);
}

Choice Pick(const KernelRow& row, Dtype dtype, int64_t elements, Backend asked) {
  const bool metal_can = row.has_metal && dtype == Dtype::kF32;
  switch (asked) {
    case Backend::kCpu:
      return {Status::kOk, Backend::kCpu};
    case Backend::kMetal:
      return {metal_can ? Status::kOk : Status::kNoBackend, Backend::kMetal};
    case Backend::kAuto:
      break;
  }
  const bool metal_wins = metal_can && row.metal_from > 0 && elements >= row.metal_from;
  return {Status::kOk, metal_wins ? Backend::kMetal : Backend::kCpu};
}

}  // namespace nautilus
