// What the tests of the usage of limits share: books with limits, and the difference of two answers.
#ifndef NAUTILUS_TEST_LIMITS_TESTING_H_
#define NAUTILUS_TEST_LIMITS_TESTING_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/generated/portfolio_args.h"
#include "core/status.h"
#include "test/check.h"
#include "test/statistics_testing.h"

namespace nautilus::test {

// A book under scenarios, and limits over parts of it of all kinds that break now and then.
template <typename T>
struct LimitBook {
  LimitBook(int64_t scenarios, int64_t positions, int64_t limits, uint32_t seed)
      : pnl(Normal<T>(scenarios * positions, seed)),
        exposures(Normal<T>(positions, seed + 1)),
        weights(Normal<T>(limits * positions, seed + 2)),
        bounds(Normal<T>(limits, seed + 3)) {
    args.dtype = Kind<T>();
    args.scenarios = scenarios, args.positions = positions, args.limits = limits;
    for (T& one : pnl) one *= T(2e4);
    for (T& one : exposures) one *= T(1e5);
    for (int64_t i = 0; i < limits * positions; ++i) {
      if (i % 7 < 3) weights[i] = 0;
      if (i % 7 == 5) weights[i] = 1;
    }
    const double size = 1e5 * std::sqrt(static_cast<double>(positions) + 1);
    for (int64_t l = 0; l < limits; ++l) {
      kinds.push_back(static_cast<int32_t>((l * 5 + 1) % 3));
      const double usual = kinds[l] == 0   ? size * std::sqrt(double(positions) + 1)
                           : kinds[l] == 1 ? size
                                           : size / 5;
      bounds[l] = static_cast<T>(usual * (0.2 + std::abs(double(bounds[l]))));
    }
    Point();
  }

  void Point() {
    args.pnl = pnl.data(), args.exposures = exposures.data(), args.weights = weights.data();
    args.kinds = kinds.data(), args.bounds = bounds.data();
  }

  // What the terms of any amount add up to in size, over the bound, at most.
  double Scale(int64_t limit) const {
    double all = 0;
    for (int64_t p = 0; p < args.positions; ++p) {
      double most = 0;
      for (int64_t s = 0; s < args.scenarios; ++s) {
        const double earned = std::abs(double(pnl[s * args.positions + p]));
        if (std::isfinite(earned)) most = std::max(most, earned);
      }
      const double held = std::abs(double(exposures[p]));
      const double weight = std::abs(double(weights[limit * args.positions + p]));
      if (std::isfinite(weight)) all += weight * (most + (std::isfinite(held) ? held : 0));
    }
    return bounds[limit] > 0 ? all / double(bounds[limit]) : 1;
  }

  LimitUsageArgs args{};
  std::vector<T> pnl, exposures, weights, bounds;
  std::vector<int32_t> kinds;
};

template <typename T>
struct Usage {
  bool ran = false;
  std::vector<T> usage, worst;
  std::vector<int32_t> worst_scenario;
  std::vector<uint32_t> breaches, unknown;
};

// Runs a call over fenced memory; `ran` is false when it fails or writes where it may not.
template <typename T, class Kernel>
Usage<T> UsageOf(const Kernel& kernel, LimitUsageArgs args, int64_t shift) {
  Fenced<T> usage(args.scenarios * args.limits, shift), worst(args.limits, shift);
  Fenced<int32_t> scenario(args.limits, shift);
  Fenced<uint32_t> breaches(args.limits, shift), unknown(args.limits, shift);
  args.usage = usage.data(), args.worst = worst.data(), args.worst_scenario = scenario.data();
  args.breaches = breaches.data(), args.unknown = unknown.data();
  if (kernel(args) != Status::kOk) return {};
  if (!usage.Whole() || !worst.Whole() || !scenario.Whole() || !breaches.Whole() || !unknown.Whole())
    return {};
  const auto all = [](auto& array, int64_t count) { return std::vector(array.data(), array.data() + count); };
  return {true,
          all(usage, args.scenarios * args.limits),
          all(worst, args.limits),
          all(scenario, args.limits),
          all(breaches, args.limits),
          all(unknown, args.limits)};
}

// Whether the summary is that of the usage, and how far the usage is from what is expected, relative to the
// scale of its limit times `floor` or to itself.
template <typename T>
double Apart(const LimitBook<T>& book, const Usage<T>& found, const Usage<T>& expected, double floor) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  const int64_t limits = book.args.limits;
  if (!found.ran || !expected.ran) return kInfinite;
  double worst = 0;
  for (int64_t l = 0; l < limits; ++l) {
    const double scale = floor * book.Scale(l);
    uint32_t breaches = 0;
    uint32_t unknown = 0;
    int32_t at = -1;
    for (int64_t s = 0; s < book.args.scenarios; ++s) {
      const T own = found.usage[s * limits + l];
      const double other = expected.usage[s * limits + l];
      breaches += own > 1 ? 1 : 0;
      unknown += std::isnan(own) ? 1 : 0;
      if (!std::isnan(own) && (at < 0 || own > found.usage[at * limits + l])) at = static_cast<int32_t>(s);
      if (std::isnan(own) != std::isnan(other)) return kInfinite;
      if (std::isnan(own) || double(own) == other) continue;
      worst = std::max(worst, std::abs(double(own) - other) / std::max(scale, std::abs(other)));
    }
    const bool known = at >= 0 ? found.worst[l] == found.usage[at * limits + l] : std::isnan(found.worst[l]);
    CHECK(known && found.worst_scenario[l] == at && found.breaches[l] == breaches &&
              found.unknown[l] == unknown,
          "limit %d", int(l));
  }
  return worst;
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_LIMITS_TESTING_H_
