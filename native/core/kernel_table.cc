// Builds the kernel table and chooses backends.
#include "core/kernel_table.h"

namespace nautilus {

const std::vector<KernelRow>& KernelTable() {
  static const std::vector<KernelRow> table = {
#define NAUTILUS_KERNEL(Name, id, shape, dtypes, cpu, metal_from, tol_f64, tol_f32) \
  KernelRow{id, shape, dtypes, cpu, Metal().Name != nullptr, metal_from, tol_f64, tol_f32},
#include "core/kernel_table.def"
  };
  return table;
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
