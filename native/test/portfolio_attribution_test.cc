// Attributions against textbook loops: widths, gaps, both element types, every target.
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/portfolio/reference.h"
#include "test/attribution_testing.h"
#include "test/check.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using test::kNone;
using test::Periods;

// Differences are relative to weights times returns: a weight of 1 and a return of 0.02. f32 is rounded once.
template <typename T, class Args>
void CheckCall(Status (*kernel)(Args&), Status (*reference)(Args&), const Args& args, int64_t shift,
               const char* what) {
  const auto found = test::EffectsOf<T>(kernel, args, shift);
  const auto expected = test::EffectsOf<T>(reference, args, 0);
  const KernelRow& row = KernelTable()[static_cast<size_t>(IdOf(&args))];
  const double allowed = sizeof(T) == 8 ? row.tolerance_f64 : row.tolerance_f32;
  const auto count = static_cast<int64_t>(expected.size());
  const double far = found.size() == expected.size()
                         ? test::Worst(found, expected, count, sizeof(T) == 8 ? 0.02 : 1e-7)
                         : std::numeric_limits<double>::infinity();
  CHECK(count > 0 && far <= allowed, "%s of %d periods, %s: %g", row.id, int(args.periods), what, far);
}

template <typename T>
void CheckPeriods(const Periods<T>& data, int64_t shift, const char* what) {
  CheckCall<T>(cpu::BrinsonAttribution, cpu::reference::BrinsonAttribution, data.brinson, shift, what);
  CheckCall<T>(cpu::FactorAttribution, cpu::reference::FactorAttribution, data.factors, shift, what);
}

TEST("attributions agree with the textbook for every width, alignment and SIMD target") {
  test::OnEachTarget([](const char* target) {
    for (int64_t width = 0; width <= 37; ++width) {
      CheckPeriods(Periods<double>(3, width, 3), width % 4, target);
      CheckPeriods(Periods<float>(3, width, 4), width % 4, target);
    }
    CheckPeriods(Periods<double>(2000, 11, 5), 1, target);
    CheckPeriods(Periods<float>(5, 600, 6), 1, target);
  });
}

template <typename T>
void CheckGaps(T bad) {
  // Column 2 of period 0: neither side; of period 1, columns 0 (own weight 0) and 2 (base weight 0), by i % 5
  // and i % 7 of places from 7 on.
  Periods<T> data(4, 7, 7);
  data.own_weights[2] = data.base_weights[2] = 0;
  data.own_returns[2] = data.base_returns[2] = bad;
  data.own_weights[7] = 0, data.own_returns[7] = bad;
  data.base_weights[9] = 0, data.own_weights[9] = T(0.1), data.base_returns[9] = bad;
  CheckPeriods(data, 1, "gaps that do not count");
  const auto effects = test::EffectsOf<T>(cpu::BrinsonAttribution, data.brinson, 0);
  for (int period = 0; period < 4; ++period) CHECK(std::isfinite(effects[period]), "period %d", period);
  const T* const allocation = effects.data() + 4;
  const T* const selection = allocation + 28;
  const T* const interaction = selection + 28;
  CHECK(allocation[2] == 0 && selection[2] == 0 && interaction[2] == 0);
  CHECK(selection[7] == 0 && interaction[7] == 0 && selection[9] == 0 && interaction[9] == 0);
  data.own_weights[15] = T(0.2), data.own_returns[15] = bad;
  data.base_weights[22] = bad;
  CheckPeriods(data, 1, "gaps that count");
  const auto fewer = test::EffectsOf<T>(cpu::BrinsonAttribution, data.brinson, 0);
  for (int i = 0; i < 28; ++i) CHECK(std::isnan(fewer[4 + i]) == (i >= 14), "allocation %d", i);
  const auto factors = test::EffectsOf<T>(cpu::FactorAttribution, data.factors, 0);
  CHECK(std::isnan(factors[2]) && std::isnan(factors[4 + 15]) && std::isfinite(factors[4 + 16]));
  CHECK(std::isfinite(factors[0]) && factors[4 + 2] == 0);
}

TEST("a return that is missing where nothing is held does not count, and any other takes its period") {
  test::OnEachTarget([](const char*) {
    CheckGaps<double>(kNone);
    CheckGaps<float>(static_cast<float>(kNone));
    CheckGaps<double>(std::numeric_limits<double>::infinity());
  });
}

TEST("attributions stop when they are cancelled") {
  const std::atomic<uint32_t> cancelled{1};
  Periods<double> data(4, 7, 8);
  data.brinson.cancel = data.factors.cancel = &cancelled;
  CHECK(cpu::BrinsonAttribution(data.brinson) == Status::kCancelled);
  CHECK(cpu::FactorAttribution(data.factors) == Status::kCancelled);
}

}  // namespace
}  // namespace nautilus
