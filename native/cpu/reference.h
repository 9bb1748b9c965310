// Plain scalar reference of each kernel: what the fast ones are tested against. Never called by the addon.
#ifndef NAUTILUS_CPU_REFERENCE_H_
#define NAUTILUS_CPU_REFERENCE_H_

#include "core/kernel_args.h"
#include "core/status.h"

namespace nautilus::cpu::reference {

Status Rsi(RsiArgs& args);

}  // namespace nautilus::cpu::reference

#endif  // NAUTILUS_CPU_REFERENCE_H_
