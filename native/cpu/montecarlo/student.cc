// Student's t distribution in plain double arithmetic.
#include "cpu/montecarlo/student.h"

#include <algorithm>

namespace nautilus::cpu {
namespace {

constexpr double kReach = 16;  // beyond any normal of ours
constexpr double kNodesPerUnit = 64;

// Continued fraction of the incomplete beta function by the method of Lentz; Press et al. 2007, Numerical
// Recipes, 6.4.
double BetaFraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  double c = 1;
  double d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double fraction = d;
  for (int m = 1; m <= 1000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    for (const double term : {even, odd}) {
      d = 1 + term * d;
      d = 1 / (std::abs(d) < kTiny ? kTiny : d);
      c = 1 + term / c;
      if (std::abs(c) < kTiny) c = kTiny;
      fraction *= d * c;
    }
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return fraction;
}

double NormalUpperTailOf(double z) { return 0.5 * std::erfc(z * 0.70710678118654752440); }

// The z whose upper tail is `tail` <= 1/2.
double NormalOfTail(double tail) {
  double low = 0;
  double high = 38;
  for (int i = 0; i < 80; ++i) {
    const double middle = 0.5 * (low + high);
    (NormalUpperTailOf(middle) > tail ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

double StudentOfY(double y, double degrees) { return std::sqrt(degrees * std::expm1(y * y / degrees)); }

// Cubic through the four nodes around x >= 0 of an odd function.
double Interpolate(const std::vector<double>& table, double x) {
  const double at = std::min(x * kNodesPerUnit, static_cast<double>(table.size()) - 3);
  const auto cell = static_cast<int64_t>(at);
  const double p = at - static_cast<double>(cell);
  const double before = cell == 0 ? -table[1] : table[static_cast<size_t>(cell - 1)];
  const double* v = table.data() + cell;
  return v[0] + 0.5 * p *
                    (v[1] - before +
                     p * (2 * before - 5 * v[0] + 4 * v[1] - v[2] + p * (3 * (v[0] - v[1]) + v[2] - before)));
}

}  // namespace

double StudentUpperTail(double t, double degrees) {
  const double a = 0.5 * degrees;
  const double x = degrees / (degrees + t * t);
  const double front = std::exp(std::lgamma(a + 0.5) - std::lgamma(a) - std::lgamma(0.5) + a * std::log(x)) *
                       (t / std::sqrt(degrees + t * t));
  if (x < (a + 1) / (a + 2.5)) return 0.5 * front * BetaFraction(a, 0.5, x) / a;
  return 0.5 - 0.5 * front * BetaFraction(0.5, a, 1 - x) / 0.5;
}

double MixingVariable(const PhiloxKeys& keys, uint32_t stream, int64_t path, double degrees) {
  const double d = 0.5 * degrees - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (uint32_t attempt = 0;; ++attempt) {
    const PhiloxBlock words = Philox({static_cast<uint32_t>(path), attempt, stream, 0}, keys, 10);
    const double radius = std::sqrt(-2 * std::log((words[0] + 0.5) * 0x1p-32));
    const double x = radius * std::cos(6.28318530717958647693 * (words[1] + 0.5) * 0x1p-32);
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log((words[2] + 0.5) * 0x1p-32) < 0.5 * x * x + d - d * v + d * std::log(v))
      return 2 * d * v / degrees;
  }
}

StudentMap::StudentMap(double degrees) : degrees_(degrees) {
  const auto nodes = static_cast<size_t>(kReach * kNodesPerUnit) + 3;
  for (size_t i = 0; i < nodes; ++i) {
    const double y = static_cast<double>(i) / kNodesPerUnit;
    normal_of_y_.push_back(i == 0 ? 0 : NormalOfTail(StudentUpperTail(StudentOfY(y, degrees), degrees)));
  }
  for (size_t i = 0; i < nodes; ++i) {
    const double z = static_cast<double>(i) / kNodesPerUnit;
    double low = 0;
    double high = kReach;
    for (int step = 0; step < 60; ++step) {
      const double middle = 0.5 * (low + high);
      (Interpolate(normal_of_y_, middle) < z ? low : high) = middle;
    }
    y_of_normal_.push_back(0.5 * (low + high));
  }
}

double StudentMap::NormalOfStudent(double t) const {
  const double y = std::sqrt(degrees_ * std::log1p(t * t / degrees_));
  return std::copysign(Interpolate(normal_of_y_, y), t);
}

double StudentMap::StudentOfNormal(double z) const {
  return std::copysign(StudentOfY(Interpolate(y_of_normal_, std::abs(z)), degrees_), z);
}

}  // namespace nautilus::cpu
