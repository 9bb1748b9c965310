// Textbook loops of the usage of limits.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/portfolio/reference.h"

namespace nautilus::cpu::reference {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// The amount that a limit bounds.
template <typename T>
double AmountOf(const LimitUsageArgs& args, int64_t scenario, int64_t limit) {
  double sum = 0;
  for (int64_t p = 0; p < args.positions; ++p) {
    const double weight = static_cast<const T*>(args.weights)[limit * args.positions + p];
    const double earned = static_cast<const T*>(args.pnl)[scenario * args.positions + p];
    const double exposure = static_cast<const T*>(args.exposures)[p];
    if (weight == 0) continue;
    if (args.kinds[limit] == 0) sum += std::abs(weight * (exposure + earned));
    if (args.kinds[limit] == 1) sum += weight * (exposure + earned);
    if (args.kinds[limit] == 2) sum -= weight * earned;
  }
  if (!std::isfinite(sum)) return kUnknown;
  return args.kinds[limit] == 2 ? std::max(0.0, sum) : std::abs(sum);
}

template <typename T>
Status LimitUsageOf(LimitUsageArgs& args) {
  for (int64_t l = 0; l < args.limits; ++l) {
    T worst = static_cast<T>(kUnknown);
    args.worst_scenario[l] = -1;
    args.breaches[l] = args.unknown[l] = 0;
    for (int64_t s = 0; s < args.scenarios; ++s) {
      const double amount = AmountOf<T>(args, s, l);
      const T usage = amount == 0 ? T{0} : static_cast<T>(amount / static_cast<const T*>(args.bounds)[l]);
      static_cast<T*>(args.usage)[s * args.limits + l] = usage;
      if (std::isnan(usage)) {
        ++args.unknown[l];
        continue;
      }
      if (usage > 1) ++args.breaches[l];
      if (std::isnan(worst) || usage > worst) {
        worst = usage;
        args.worst_scenario[l] = static_cast<int32_t>(s);
      }
    }
    static_cast<T*>(args.worst)[l] = worst;
  }
  return Status::kOk;
}

}  // namespace

Status LimitUsage(LimitUsageArgs& args) {
  return args.dtype == Dtype::kF64 ? LimitUsageOf<double>(args) : LimitUsageOf<float>(args);
}

}  // namespace nautilus::cpu::reference
