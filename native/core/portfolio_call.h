// What kernels of portfolios on another device share with those on the CPU.
#ifndef NAUTILUS_CORE_PORTFOLIO_CALL_H_
#define NAUTILUS_CORE_PORTFOLIO_CALL_H_

#include <cmath>
#include <cstdint>
#include <limits>

#include "core/generated/portfolio_args.h"
#include "core/status.h"

namespace nautilus::cpu {

// A number as the caller gets it: what is not finite, or not in the range of T, is NaN.
template <typename T>
T KnownOrNaN(double value) {
  const T rounded = static_cast<T>(value);
  return std::isfinite(rounded) ? rounded : std::numeric_limits<T>::quiet_NaN();
}

// Checks the call and says which factor moves each position; kShape and kInvalidOption as the kernel.
Status CheckFactors(ScenarioPnlArgs& args);
inline int64_t FactorOf(const ScenarioPnlArgs& args, int64_t position) {
  return args.factor_of == nullptr ? position : args.factor_of[position];
}

// Writes what all positions of a factor gain by its move, and half of what they gain by its square, to
// `delta` and `half_gamma` [factors]. The call has been checked.
void NetExposures(const ScenarioPnlArgs& args, double* delta, double* half_gamma);

// Checks kinds and bounds: kInvalidOption as the kernel.
Status CheckLimits(LimitUsageArgs& args);

// Writes what the scenarios come to for each limit, from the usage that is there.
void SummariseUsage(const LimitUsageArgs& args);

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CORE_PORTFOLIO_CALL_H_
