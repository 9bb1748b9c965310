// Textbook loops of the attributions.
#include <cmath>
#include <limits>

#include "cpu/portfolio/reference.h"

namespace nautilus::cpu::reference {
namespace {

template <typename T>
double At(const void* array, int64_t at) {
  return static_cast<const T*>(array)[at];
}

template <typename T>
void Put(void* array, int64_t at, double value) {
  const T rounded = static_cast<T>(value);
  static_cast<T*>(array)[at] = std::isfinite(rounded) ? rounded : std::numeric_limits<T>::quiet_NaN();
}

struct Group {
  double w, b, r, rb;
};

template <typename T>
Group GroupAt(const BrinsonAttributionArgs& args, int64_t at) {
  Group g{At<T>(args.portfolio_weights, at), At<T>(args.benchmark_weights, at),
          At<T>(args.portfolio_returns, at), At<T>(args.benchmark_returns, at)};
  if (g.w == 0 && g.b == 0) {
    g.r = g.rb = 0;
  } else if (g.w == 0 && !std::isfinite(g.r)) {
    g.r = g.rb;
  } else if (g.b == 0 && !std::isfinite(g.rb)) {
    g.rb = g.r;
  }
  return g;
}

template <typename T>
Status BrinsonOf(BrinsonAttributionArgs& args) {
  for (int64_t period = 0; period < args.periods; ++period) {
    const int64_t start = period * args.groups;
    double base = 0;
    double own = 0;
    for (int64_t i = 0; i < args.groups; ++i) {
      const Group g = GroupAt<T>(args, start + i);
      base += g.b * g.rb;
      own += g.w * g.r;
    }
    const double active = own - base;
    Put<T>(args.active, period, active);
    for (int64_t i = 0; i < args.groups; ++i) {
      const Group g = GroupAt<T>(args, start + i);
      const double none = std::isfinite(active) ? 0 : std::numeric_limits<double>::quiet_NaN();
      Put<T>(args.allocation, start + i, (g.w - g.b) * (g.rb - base) + none);
      Put<T>(args.selection, start + i, g.b * (g.r - g.rb) + none);
      Put<T>(args.interaction, start + i, (g.w - g.b) * (g.r - g.rb) + none);
    }
  }
  return Status::kOk;
}

template <typename T>
Status FactorsOf(FactorAttributionArgs& args) {
  for (int64_t period = 0; period < args.periods; ++period) {
    double left = At<T>(args.returns, period);
    for (int64_t at = period * args.factors; at < (period + 1) * args.factors; ++at) {
      const double exposure = At<T>(args.exposures, at);
      const double given = exposure == 0 ? 0 : exposure * At<T>(args.factor_returns, at);
      Put<T>(args.contributions, at, given);
      left -= given;
    }
    Put<T>(args.specific, period, left);
  }
  return Status::kOk;
}

}  // namespace

Status BrinsonAttribution(BrinsonAttributionArgs& args) {
  return args.dtype == Dtype::kF64 ? BrinsonOf<double>(args) : BrinsonOf<float>(args);
}

Status FactorAttribution(FactorAttributionArgs& args) {
  return args.dtype == Dtype::kF64 ? FactorsOf<double>(args) : FactorsOf<float>(args);
}

}  // namespace nautilus::cpu::reference
