// Metal kernels that give their thread away while the device works: the second Metal column.
#ifndef NAUTILUS_CORE_METAL_LATER_H_
#define NAUTILUS_CORE_METAL_LATER_H_

#include <exception>
#include <functional>

#include "core/indicator_call.h"
#include "core/kernel_args.h"
#include "core/task.h"

namespace nautilus {

// Tells how a call ended; `error` when it threw. Called on a thread of the Metal host, which it must not hold
// for long; must not throw.
using Done = std::function<void(Status status, std::exception_ptr error)>;

// One slot for each row, null where it has none: the row then holds a thread while the device works.
struct MetalLater {
  // Starts a task of one of the slots; null where there is no Metal.
  void (*start)(Task task, Done done);
#define NAUTILUS_KERNEL(Name, ...) Task (*Name)(Name##Args & args);
#define NAUTILUS_INDICATOR(Name, ...) Task (*Name)(const cpu::indicators::IndicatorCall& call);
#include "core/kernel_table.def"
};

// Defined by the Metal host, or by no_metal.cpp where there is none.
const MetalLater& LaterOfMetal();

// The slot of a row by the type of its arguments.
#define NAUTILUS_KERNEL(Name, ...) \
  inline auto LaterSlot(const Name##Args*) { return LaterOfMetal().Name; }
#include "core/kernel_table.def"

// The slot of an element of IndicatorTable().
Task (*LaterSlot(const cpu::indicators::IndicatorRow& indicator))(const cpu::indicators::IndicatorCall& call);

}  // namespace nautilus

#endif  // NAUTILUS_CORE_METAL_LATER_H_
