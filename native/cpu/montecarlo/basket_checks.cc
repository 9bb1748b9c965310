// Baskets: refusals, correlations.
#include "cpu/montecarlo/basket_checks.h"

#include <algorithm>
#include <cmath>

#include "cpu/montecarlo/correlated.h"
#include "cpu/montecarlo/rows.h"

namespace nautilus::cpu {
namespace {

using Args = McBasketArgs;

Status Refuse(Args& args, int64_t reason) {
  args.detail = reason;
  return Status::kInvalidOption;
}

}  // namespace

Status CheckBasket(Args& args) {
  const int64_t dimensions = args.steps * args.assets;
  const bool sobol = args.generator == Args::Generator::kSobol;
  const bool positive = std::all_of(args.weights, args.weights + args.assets, [](double w) { return w > 0; });
  if (sobol && dimensions > kSobolDimensions) return Refuse(args, 1);
  if (args.control == Args::Control::kGeometric &&
      (args.payoff != Args::Payoff::kBasket || args.average || !positive)) {
    return Refuse(args, 3);
  }
  if (dimensions > kMaxDimensions) return Refuse(args, 7);
  const double normals = static_cast<double>(args.paths) * static_cast<double>(dimensions);
  if (normals > kMaxNormals) return Refuse(args, 4);
  if (sobol && args.paths < 2 * kSobolCopies) return Refuse(args, 8);
  if (args.payoff == Args::Payoff::kGeometric && !positive) return Refuse(args, 9);
  for (int64_t i = 0; i < args.assets; ++i) {
    const double dividend = args.dividends == nullptr ? 0 : args.dividends[i];
    const bool good = args.spots[i] > 0 && args.volatilities[i] >= 0 && std::isfinite(args.spots[i]) &&
                      std::isfinite(args.volatilities[i]) && std::isfinite(args.weights[i]) &&
                      std::isfinite(dividend);
    if (good) continue;
    args.detail = i;
    return Status::kNonFinite;
  }
  return Status::kOk;
}

std::vector<double> CorrelationFactor(const Args& args, int64_t& minor) {
  const int64_t n = args.assets;
  std::vector<double> factor(static_cast<size_t>(n * n));
  minor = 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      const double scale = std::sqrt(args.correlations[i * n + i] * args.correlations[j * n + j]);
      const double value = args.correlations[i * n + j] / scale;
      if (!std::isfinite(value)) minor = minor == 0 ? i + 1 : minor;
      factor[static_cast<size_t>(i * n + j)] = factor[static_cast<size_t>(j * n + i)] = value;
    }
  }
  if (minor == 0) minor = LowerFactor(n, factor);
  return factor;
}

}  // namespace nautilus::cpu
