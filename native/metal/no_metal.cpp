// The Metal column where there is no Metal: every slot is absent, with the reason.
#include "core/kernel_table.h"
#include "core/metal_counts.h"
#include "core/metal_later.h"

namespace nautilus {

MetalCounts CountsOfMetal() { return {}; }

std::vector<MetalPipeline> PipelinesOfMetal() { return {}; }

std::vector<std::string> BrokenMetalKernels() { return {}; }

const MetalColumn& Metal() {
  static const MetalColumn column = {
      .available = false,
      .reason = "Metal exists on macOS only",
      .device = "",
#define NAUTILUS_KERNEL(Name, ...) .Name = nullptr,
#define NAUTILUS_INDICATOR NAUTILUS_KERNEL
#include "core/kernel_table.def"
  };
  return column;
}

const MetalLater& LaterOfMetal() {
  static const MetalLater column = {
      .start = nullptr,
#define NAUTILUS_KERNEL(Name, ...) .Name = nullptr,
#define NAUTILUS_INDICATOR NAUTILUS_KERNEL
#include "core/kernel_table.def"
  };
  return column;
}

}  // namespace nautilus
