// The borders of all kernel families.
#ifndef NAUTILUS_ADDON_BORDERS_H_
#define NAUTILUS_ADDON_BORDERS_H_

#include "addon/generated/learning_border.h"
#include "addon/generated/matrix_border.h"
#include "addon/generated/montecarlo_border.h"
#include "addon/generated/portfolio_border.h"
#include "addon/generated/statistics_border.h"
#include "addon/generated/system_border.h"

#endif  // NAUTILUS_ADDON_BORDERS_H_
