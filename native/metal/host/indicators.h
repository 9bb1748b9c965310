// Indicators on the GPU.
#ifndef NAUTILUS_METAL_HOST_INDICATORS_H_
#define NAUTILUS_METAL_HOST_INDICATORS_H_

#include "core/indicator_call.h"
#include "core/task.h"

namespace nautilus::metal {

// Runs the kernel of an indicator over a whole panel of f32: one thread for each series, or for each value
// where a value depends on a window only. kNonFinite, kCancelled as on the CPU; kNoBackend, kDeviceFailed
// when the device could not. `row`, `call` and what that refers to live until it is done.
Task RunIndicator(const cpu::indicators::IndicatorRow& row, const char* kernel,
                  const cpu::indicators::IndicatorCall& call);

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_INDICATORS_H_
