// The argument structs of all kernels: what the border fills in and both backends read.
#ifndef NAUTILUS_CORE_KERNEL_ARGS_H_
#define NAUTILUS_CORE_KERNEL_ARGS_H_

#include "core/generated/learning_args.h"
#include "core/generated/matrix_args.h"
#include "core/generated/montecarlo_args.h"
#include "core/generated/portfolio_args.h"
#include "core/generated/statistics_args.h"
#include "core/generated/system_args.h"
#include "core/kernel_call.h"

#endif  // NAUTILUS_CORE_KERNEL_ARGS_H_
