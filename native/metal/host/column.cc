// The Metal column of the kernel table where there is Metal: a slot for each kernel that compiled on this device.
#include "core/kernel_table.h"
#include "metal/host/device.h"
#include "metal/host/indicators.h"

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
#define NAUTILUS_INDICATOR(Name, id, ...)                                         \
  Status Indicator##Name(const IndicatorCall& call) {                             \
    return metal::RunIndicator(IndicatorTable()[Place::k##Name], id "_f32", call); \
  }
#include "core/kernel_table.def"

}  // namespace

const MetalColumn& Metal() {
  static const MetalColumn column = {
      .available = metal::Device::Get().reason().empty(),
      .reason = metal::Device::Get().reason().c_str(),
#define NAUTILUS_KERNEL(Name, ...) .Name = nullptr,
#define NAUTILUS_INDICATOR(Name, id, ...) \
  .Name = metal::Device::Get().Has(id "_f32") ? Indicator##Name : nullptr,
#include "core/kernel_table.def"
  };
  return column;
}

}  // namespace nautilus
