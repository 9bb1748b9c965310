// The Metal column of the kernel table where there is Metal: a slot for each kernel that compiled on this
// device.
#include <initializer_list>
#include <type_traits>
#include <utility>

#include "core/kernel_table.h"
#include "core/metal_counts.h"
#include "core/metal_later.h"
#include "metal/host/device.h"
#include "metal/host/executor.h"
#include "metal/host/indicators.h"
#include "metal/host/learning.h"
#include "metal/host/matrix.h"
#include "metal/host/montecarlo.h"
#include "metal/host/portfolio.h"
#include "metal/host/statistics.h"

// All slots but those of indicators; NAUTILUS_SLOT takes the name and the Metal kernels of each.
#define NAUTILUS_ALL_SLOTS                 \
  NAUTILUS_METAL_LEARNING(NAUTILUS_SLOT)   \
  NAUTILUS_METAL_MATRIX(NAUTILUS_SLOT)     \
  NAUTILUS_METAL_MONTECARLO(NAUTILUS_SLOT) \
  NAUTILUS_METAL_PORTFOLIO(NAUTILUS_SLOT)  \
  NAUTILUS_METAL_STATISTICS(NAUTILUS_SLOT)

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
  Task Indicator##Name(const IndicatorCall& call) {                                \
    return metal::RunIndicator(IndicatorTable()[Place::k##Name], id "_f32", call); \
  }
#include "core/kernel_table.def"

// The slot of a kernel in the first column: a task is run on the thread, which waits.
template <auto kRun, class Args>
Status Now(Args& args) {
  if constexpr (std::is_same_v<decltype(kRun(args)), Task>) {
    return kRun(args).Wait();
  } else {
    return kRun(args);
  }
}

// That in the second column: only a task can give its thread away.
template <class Args>
void SetLater(Task (*&slot)(Args&), Task (*run)(Args&)) {
  slot = run;
}
template <class Args>
void SetLater(Task (*&)(Args&), Status (*)(Args&)) {}

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
  if (HasAll({id "_f32"})) column.Name = Now<Indicator##Name, const IndicatorCall>;
#include "core/kernel_table.def"
#define NAUTILUS_SLOT(Name, ...) \
  if (HasAll({__VA_ARGS__})) column.Name = Now<metal::Name, Name##Args>;
  NAUTILUS_ALL_SLOTS
#undef NAUTILUS_SLOT
  return column;
}

MetalLater MakeLater() {
  MetalLater column{};
  column.start = [](Task task, Done done) { metal::Executor::Get().Start(std::move(task), std::move(done)); };
#define NAUTILUS_KERNEL(Name, ...)
#define NAUTILUS_INDICATOR(Name, ...) \
  if (Metal().Name != nullptr) column.Name = Indicator##Name;
#include "core/kernel_table.def"
#define NAUTILUS_SLOT(Name, ...) \
  if (Metal().Name != nullptr) SetLater(column.Name, metal::Name);
  NAUTILUS_ALL_SLOTS
#undef NAUTILUS_SLOT
  return column;
}

}  // namespace

MetalCounts CountsOfMetal() {
  MetalCounts counts = metal::Device::Get().counts();
  counts.fallbacks = Fallbacks();
  return counts;
}

std::vector<MetalPipeline> PipelinesOfMetal() { return metal::Device::Get().pipelines(); }

std::vector<std::string> BrokenMetalKernels() { return metal::Device::Get().broken(); }

const MetalLater& LaterOfMetal() {
  static const MetalLater column = MakeLater();
  return column;
}

const MetalColumn& Metal() {
  static const MetalColumn column = Make();
  return column;
}

}  // namespace nautilus
