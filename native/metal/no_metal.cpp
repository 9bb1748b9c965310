// The Metal column where there is no Metal: every slot is absent, with the reason.
#include "core/kernel_table.h"

namespace nautilus {

const MetalColumn& Metal() {
  static const MetalColumn column = {
    .available = false,
#if defined(__APPLE__)
    .reason = "this build holds no Metal kernels",
#else
    .reason = "Metal exists on macOS only",
#endif
#define NAUTILUS_KERNEL(Name, ...) .Name = nullptr,
#define NAUTILUS_INDICATOR NAUTILUS_KERNEL
#include "core/kernel_table.def"
  };
  return column;
}

}  // namespace nautilus
