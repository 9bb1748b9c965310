// The Metal column of the kernel table where there is Metal: a slot for each kernel that compiled on this
// device.
#include <initializer_list>

#include "core/kernel_table.h"
#include "core/metal_counts.h"
#include "metal/host/device.h"
#include "metal/host/indicators.h"
#include "metal/host/learning.h"
#include "metal/host/matrix.h"
#include "metal/host/montecarlo.h"
#include "metal/host/portfolio.h"
#include "metal/host/statistics.h"

namespace nautilus {
namespace {

using cpu::indicators::IndicatorCall;
using cpu::indicators::IndicatorTable;

enum Place : size_t {
#define NAUTILUS_KERNEL(Name, ...)
#define NAUTILUS_INDICATOR(Name, ...) k##Name,
#include "core/kernel_table.def"
};

#define NAUTILUS_KERNEL(Name, ...)
#define NAUTILUS_INDICATOR(Name, id, ...)                                          \
  Status Indicator##Name(const IndicatorCall& call) {                              \
    return metal::RunIndicator(IndicatorTable()[Place::k##Name], id "_f32", call); \
  }
#include "core/kernel_table.def"

bool HasAll(std::initializer_list<const char*> kernels) {
  for (const char* kernel : kernels) {
    if (!metal::Device::Get().Has(kernel)) return false;
  }
  return true;
}

MetalColumn Make() {
  MetalColumn column{};
  column.reason = metal::Device::Get().reason().c_str();
  column.device = metal::Device::Get().name().c_str();
  column.available = metal::Device::Get().reason().empty();
#define NAUTILUS_KERNEL(Name, ...)
#define NAUTILUS_INDICATOR(Name, id, ...) \
  if (HasAll({id "_f32"})) column.Name = Indicator##Name;
#include "core/kernel_table.def"
#define NAUTILUS_SLOT(Name, ...) \
  if (HasAll({__VA_ARGS__})) column.Name = metal::Name;
  NAUTILUS_METAL_MATRIX(NAUTILUS_SLOT)
  NAUTILUS_METAL_MONTECARLO(NAUTILUS_SLOT)
  NAUTILUS_METAL_STATISTICS(NAUTILUS_SLOT)
  NAUTILUS_METAL_PORTFOLIO(NAUTILUS_SLOT)
  NAUTILUS_METAL_LEARNING(NAUTILUS_SLOT)
#undef NAUTILUS_SLOT
  return column;
}

}  // namespace

MetalCounts CountsOfMetal() {
  MetalCounts counts = metal::Device::Get().counts();
  counts.fallbacks = Fallbacks();
  return counts;
}

std::vector<std::string> BrokenMetalKernels() { return metal::Device::Get().broken(); }

const MetalColumn& Metal() {
  static const MetalColumn column = Make();
  return column;
}

}  // namespace nautilus
