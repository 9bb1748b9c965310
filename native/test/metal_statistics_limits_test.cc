// Statistics on Metal at the limits of f32, and where one rounding too many or too few shows: what single
// mistakes in the kernels were not noticed by.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/kernel_table.h"
#include "test/check.h"
#include "test/metal_statistics_testing.h"

namespace nautilus {
namespace {

using test::CheckParity;

constexpr int64_t kBars = 40;
constexpr int64_t kSeries = 9;
constexpr int64_t kCount = kBars * kSeries;

// Normal numbers times `scale`, as far as f32 goes.
std::vector<float> Scaled(double scale, uint32_t seed, int64_t count = kCount) {
  std::vector<float> values = test::Normal<float>(count, seed);
  for (float& value : values)
    value = static_cast<float>(std::clamp(value * scale, -double{FLT_MAX}, double{FLT_MAX}));
  return values;
}

template <class Args>
void CheckRolling(const std::vector<float>& values, double floor, const char* what) {
  Args args{.bars = kBars, .series = kSeries, .window = 7};
  args.values = values.data();
  CheckParity(args, &Args::out, kCount, what, floor);
}

TEST("rolling statistics of numbers whose squares are 0 or infinite in f32 agree with the CPU") {
  for (const double scale : {1e-30, 1e-22, 1e30, 1e38}) {
    const std::vector<float> values = Scaled(scale, 3);
    const std::string what = "about " + std::to_string(std::log10(scale));
    CheckRolling<RollingMeanArgs>(values, scale, what.c_str());
    CheckRolling<RollingVarArgs>(values, 1e-37, what.c_str());
    CheckRolling<RollingStdArgs>(values, scale, what.c_str());
    CheckRolling<RollingSkewArgs>(values, 1, what.c_str());
    CheckRolling<RollingKurtosisArgs>(values, 1, what.c_str());
    CrossZscoreArgs score{.bars = kBars, .series = kSeries};
    score.values = values.data();
    CheckParity(score, &CrossZscoreArgs::out, kCount, what.c_str());
  }
}

TEST("rolling pairs of numbers whose products are 0 or infinite in f32 agree with the CPU") {
  for (const auto& [scale_x, scale_y] :
       {std::pair{1e-30, 1e-30}, std::pair{1e-22, 1e20}, std::pair{1e30, 1e-6}, std::pair{1e37, 1e37}}) {
    const std::vector<float> x = Scaled(scale_x, 5);
    const std::vector<float> y = Scaled(scale_y, 9);
    const std::string what =
        "about " + std::to_string(std::log10(scale_x)) + ", " + std::to_string(std::log10(scale_y));
    RollingCovarianceArgs covariance{.bars = kBars, .series = kSeries, .window = 7};
    covariance.x = x.data();
    covariance.y = y.data();
    CheckParity(covariance, &RollingCovarianceArgs::out, kCount, what.c_str(), 1e-37);
    RollingCorrelationArgs correlation{.bars = kBars, .series = kSeries, .window = 7};
    correlation.x = x.data();
    correlation.y = y.data();
    CheckParity(correlation, &RollingCorrelationArgs::out, kCount, what.c_str());
    RollingRegressionArgs line{.bars = kBars, .series = kSeries, .window = 7};
    line.x = x.data();
    line.y = y.data();
    CheckParity(line, &RollingRegressionArgs::slope, kCount, what.c_str(), scale_y / scale_x);
    // The slope is always wanted.
    std::vector<float> slope(kCount);
    line.slope = slope.data();
    CheckParity(line, &RollingRegressionArgs::r2, kCount, what.c_str());
    CheckParity(line, &RollingRegressionArgs::residual, kCount, what.c_str(), scale_y);
  }
}

TEST("windows of numbers beyond 1e30 whose newest one is 0 agree with the CPU") {
  std::vector<float> values(kCount, 1e30F);
  for (int64_t series = 0; series < kSeries; ++series) {
    for (int64_t bar = series; bar < kBars; bar += 10) values[bar * kSeries + series] = 0;
  }
  CheckRolling<RollingStdArgs>(values, 1e30, "the newest is 0");
  // And where both sides are so.
  RollingCorrelationArgs both{.bars = kBars, .series = kSeries, .window = 7};
  both.x = values.data();
  both.y = values.data();
  CheckParity(both, &RollingCorrelationArgs::out, kCount, "both newest are 0");
}

TEST("scores of a row with one value far out, of an empty one, and of fewer values than are taken off") {
  // The one far out is in the second turn of the first lane.
  for (const int64_t series : {int64_t{2}, int64_t{40}}) {
    std::vector<float> values = Scaled(1, 6, 3 * series);
    if (series > 32) values[32] = 1e30F;
    std::fill(values.end() - series, values.end(), static_cast<float>(test::kNone));
    for (const int64_t ddof : {0, 1, 3}) {
      CrossZscoreArgs score{.bars = 3, .series = series, .ddof = ddof};
      score.values = values.data();
      CheckParity(score, &CrossZscoreArgs::out, 3 * series, "far out, empty, few");
    }
  }
}

// The quantiles of two numbers, at any number of places between them; so many are taken on Metal at once.
void CheckBetween(float low, float high, const std::vector<double>& places, const char* what) {
  constexpr size_t kAtOnce = 16;
  const float values[2] = {low, high};
  for (size_t first = 0; first < places.size(); first += kAtOnce) {
    const auto count = static_cast<int64_t>(std::min(kAtOnce, places.size() - first));
    QuantilesArgs args{.bars = 2, .series = 1, .probabilities = count};
    args.values = values;
    args.at = places.data() + first;
    CheckParity(args, &QuantilesArgs::out, count, what);
  }
}

TEST("a place between two numbers is rounded to f64 and then to f32, at and beside the middle of two f32") {
  // Middles of two neighbours of f32 in [1/8, 1/4), and what is up to two units of f64 away.
  std::vector<double> places;
  for (int middle = 0; middle < 12; ++middle) {
    for (int away = -8; away <= 8; ++away)
      places.push_back(0.125 + (2 * (middle * 87381.0) + 1) * 0x1p-27 + away * 0x1p-56);
  }
  // Alone; added to 1, 3 and -1, where the sum is rounded too; below 0; taken from 1.
  for (const auto& [low, high] : {std::pair{0.0F, 1.0F}, std::pair{1.0F, 2.0F}, std::pair{3.0F, 4.0F},
                                  std::pair{-1.0F, 0.0F}, std::pair{-1.0F, 1.0F}, std::pair{-8.0F, -7.0F}})
    CheckBetween(low, high, places, "middles");
  // Middles of the sums.
  for (double& place : places)
    place = std::ldexp(std::round(std::ldexp(place, 24)) + 0.5, -24) +
            (place - std::ldexp(std::round(std::ldexp(place, 24)), -24));
  for (const auto& [low, high] : {std::pair{0.5F, 1.5F}, std::pair{1.0F, 2.0F}, std::pair{-0.75F, 0.25F}})
    CheckBetween(low, high, places, "middles of sums");
}

TEST("products that are the middle of two f64 but for their last bits are rounded the right way") {
  // c p = (2^k + 1/2 unit of f32, 1/2 unit of f64 and less than 2^-8 of it), for an odd c of 24 bits and a p
  // of 53.
  std::vector<std::pair<float, double>> found;
  for (uint64_t c = (uint64_t{1} << 24) - 1; c > (uint64_t{1} << 23) && found.size() < 40; c -= 2) {
    // 76 bits: 24 of f32, the half, 28 zeros of f64, its half, 22 more.
    const auto wanted = (((static_cast<unsigned __int128>(1) << 24) - 2) << 52) +
                        (static_cast<unsigned __int128>(1) << 51) + (static_cast<unsigned __int128>(1) << 22);
    const auto p = static_cast<uint64_t>(wanted / c) + 1;
    const auto rest = static_cast<uint64_t>(static_cast<unsigned __int128>(p) * c - wanted);
    if (p >> 53 != 0 || p >> 52 == 0 || rest >= (uint64_t{1} << 14)) continue;
    found.emplace_back(static_cast<float>(c), std::ldexp(static_cast<double>(p), -53));
  }
  CHECK(!found.empty());
  for (const auto& [high, place] : found) CheckBetween(0, high, {place}, "sticky");
  // And any others, with all bits of both factors in use.
  const std::vector<float> lows = test::Normal<float>(60, 4);
  const std::vector<double> draws = test::Normal<double>(40, 5);
  std::vector<double> places;
  for (const double draw : draws) places.push_back(std::min(std::abs(draw) / 8, 1.0));
  for (size_t i = 0; i + 1 < lows.size(); ++i)
    CheckBetween(lows[i], lows[i] + lows[i + 1] * 1e-3F, places, "any");
}

TEST("differences with all 53 bits of f64 are multiplied and added with the roundings of the CPU") {
  // A product in the middle of two f64, whose sum is in the middle of two f32 when it is rounded to even.
  CheckBetween(0x1p-52F, 0x1.000006p0F, {0.75}, "an even middle");
  // A sum that is the middle of two f64 but for bits that fall off.
  CheckBetween(1, 2, {0x1p-24 * (1 + 0x1p-29 + 0x1p-45)}, "a middle and a trace");
  // A product with nothing but its very last bit below the half of its 53rd one; a search found it.
  CheckBetween(0x1.9dbca8p-31F, 0x1.076b2ap0F, {0x1.39c57d88e2443p-1}, "a middle and the last bit");
  // Places that lead to the middle of two f32, or beside it.
  const std::vector<float> draws = test::Normal<float>(120, 11);
  for (size_t i = 0; i + 2 < draws.size(); ++i) {
    const float high = 1 + std::min(std::abs(draws[i]) / 8, 0.9F);
    const auto low = std::ldexp(draws[i + 1], -10 - static_cast<int>(i % 17));
    const double share = 0.5 + std::min(std::abs(draws[i + 2]) / 8, 0.4F);
    const double middle = std::floor(std::ldexp(high * share, 24)) * 0x1p-24 + 0x1p-25;
    const double place = (middle - low) / (static_cast<double>(high) - low);
    std::vector<double> places;
    for (int away = -3; away <= 3; ++away) places.push_back(place + away * 0x1p-53);
    CheckBetween(low, high, places, "all bits");
  }
}

TEST(
    "places between numbers that are denormal, very small or very far from each other are those of the CPU") {
  // 3e-4 has its last bit at 2^-64.
  const std::vector<double> places = {0x1p-200, 1e-60, 1e-30, 0x1p-26, 0x3p-27,    3e-4,
                                      1e-3,     0.3,   0.5,   0.75,    1 - 0x1p-53};
  constexpr float kSmall[] = {0x1p-149F,        0x3p-149F, 0x1.8p-140F, 0x1.fffffep-127F, 0x1p-126F,
                              0x1.000002p-126F, 0x1p-100F, 1.0F,        0x1.fffffep127F};
  for (const float high : kSmall) {
    for (const float low : {0.0F, -high, high / 2, high / 3})
      CheckBetween(std::min(low, high), high, places, "small");
  }
}

TEST("a fall of a few units in the last place from a peak is the CPU's, with its two roundings") {
  constexpr int64_t kLong = 120;
  std::vector<float> values = Scaled(1, 8, kLong * kSeries);
  for (int64_t series = 0; series < kSeries; ++series) {
    const float peak = 1 + 0.1F * static_cast<float>(series) + std::abs(values[series]);
    for (int64_t bar = 0; bar < kLong; ++bar)
      values[bar * kSeries + series] = peak * (1 - static_cast<float>(bar * (bar % 7 + 1)) * 0x1p-24F);
  }
  for (const bool relative : {false, true}) {
    DrawdownArgs args{.bars = kLong, .series = kSeries, .relative = relative};
    args.values = values.data();
    CheckParity(args, &DrawdownArgs::out, kLong * kSeries, "few units");
  }
}

TEST("a quotient that is the middle of two f64 but for its remainder is rounded the right way") {
  // Falls by a few units in the last place, where that shows in f32; a search found them.
  constexpr int64_t kPeaks = 4;
  const std::vector<float> values = {8438395, 8695075,     8845859,     9315199,
                                     8438394, 8695075 - 8, 8845859 - 1, 9315199 - 22};
  DrawdownArgs args{.bars = 2, .series = kPeaks, .relative = true};
  args.values = values.data();
  CheckParity(args, &DrawdownArgs::out, 2 * kPeaks, "remainders", 1e-9);
}

}  // namespace
}  // namespace nautilus
