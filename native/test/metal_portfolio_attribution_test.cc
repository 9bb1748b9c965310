// Attributions on Metal against the CPU in f32.
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "metal/host/device.h"
#include "test/attribution_testing.h"
#include "test/check.h"
#include "test/metal_testing.h"

namespace nautilus {
namespace {

using test::Periods;

template <class Args>
auto On(Backend backend, const Args&) {
  return [backend](Args& args) { return test::On(backend, args); };
}

template <class Args>
void CheckCall(const Args& args, const char* what) {
  const auto found = test::EffectsOf<float>(On(Backend::kMetal, args), args, 1);
  const auto expected = test::EffectsOf<float>(On(Backend::kCpu, args), args, 0);
  const auto count = static_cast<int64_t>(expected.size());
  const double far = found.size() == expected.size() ? test::Worst(found, expected, count, 1e-7)
                                                     : std::numeric_limits<double>::infinity();
  CHECK(count > 0 && test::Within(IdOf(&args), far), "%d periods, %s: %g", int(args.periods), what, far);
}

void CheckPeriods(const Periods<float>& data, const char* what) {
  CheckCall(data.brinson, what);
  CheckCall(data.factors, what);
}

TEST("attributions on Metal are the CPU's for every width") {
  for (const int64_t width : {0, 1, 7, 31, 32, 33, 70}) CheckPeriods(Periods<float>(13, width, 3), "width");
  CheckPeriods(Periods<float>(300, 11, 4), "many");
}

TEST("what is left of a return that factors explain keeps its digits") {
  Periods<float> data(9, 40, 5);
  for (int64_t period = 0; period < 9; ++period) {
    double sum = 0;
    for (int64_t i = period * 40; i < (period + 1) * 40; ++i) {
      sum += double(data.own_weights[i]) * double(data.own_returns[i]);
      data.base_returns[i] = data.own_returns[i] * (1 + 1e-6F);
    }
    data.returns[period] = static_cast<float>(sum);
  }
  const auto found = test::EffectsOf<float>(On(Backend::kMetal, data.factors), data.factors, 0);
  const auto expected = test::EffectsOf<float>(On(Backend::kCpu, data.factors), data.factors, 0);
  CHECK(test::Worst(found, expected, 9, 1e-12) <= 1e-3 && std::abs(expected[0]) < 1e-8F);
  CheckPeriods(data, "close");
}

TEST("what is missing on the CPU is missing on Metal") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    for (int own = 0; own < 2; ++own) {
      for (int base = 0; base < 2; ++base) {
        Periods<float> data(6, 7, 6);
        for (int period = 0; period < 6; ++period) {
          const int at = period * 7 + 3;
          data.own_weights[at] = own == 0 ? 0 : 0.1F;
          data.base_weights[at] = base == 0 ? 0 : 0.2F;
          if (period == 0 || period == 1) data.own_returns[at] = bad;
          if (period == 0 || period == 2) data.base_returns[at] = bad;
          if (period == 3) data.own_weights[at] = bad;
          if (period == 4) data.base_weights[at] = data.returns[period] = bad;
        }
        CheckPeriods(data, "gaps");
      }
    }
  }
}

TEST("attributions in many pieces have the same bits") {
  const Periods<float> data(400, 40, 7);
  const auto effects = test::EffectsOf<float>(On(Backend::kMetal, data.brinson), data.brinson, 0);
  const auto factors = test::EffectsOf<float>(On(Backend::kMetal, data.factors), data.factors, 0);
  const test::ShortPieces pieces;
  for (int round = 0; round < 3; ++round) {
    CHECK(test::EffectsOf<float>(On(Backend::kMetal, data.brinson), data.brinson, 0) == effects);
    CHECK(test::EffectsOf<float>(On(Backend::kMetal, data.factors), data.factors, 0) == factors);
  }
  CHECK(pieces.MoreThan(20));
}

}  // namespace
}  // namespace nautilus
