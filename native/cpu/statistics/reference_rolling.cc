// Rolling statistics by the book: each window is copied out and computed from nothing, in two passes.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cpu/statistics/reference.h"

namespace nautilus::cpu::reference {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// out = answer(finite values of the window) wherever there are at least `least` of them.
template <typename T, class Args, class Answer>
void Roll(const Args& args, const Answer& answer) {
  const auto* values = static_cast<const T*>(args.values);
  auto* out = static_cast<T*>(args.out);
  const int64_t need = args.min_periods == 0 ? args.window : args.min_periods;
  std::vector<double> window;
  for (int64_t series = 0; series < args.series; ++series) {
    for (int64_t bar = 0; bar < args.bars; ++bar) {
      window.clear();
      for (int64_t at = std::max<int64_t>(0, bar - args.window + 1); at <= bar; ++at) {
        const double value = values[at * args.series + series];
        if (std::isfinite(value)) window.push_back(value);
      }
      const bool enough = static_cast<int64_t>(window.size()) >= need;
      out[bar * args.series + series] = static_cast<T>(enough ? answer(window) : kNaN);
    }
  }
}

template <class Args, class Answer>
Status RollAny(const Args& args, const Answer& answer) {
  args.dtype == Dtype::kF64 ? Roll<double>(args, answer) : Roll<float>(args, answer);
  return Status::kOk;
}

double Sum(const std::vector<double>& window) {
  double sum = 0;
  for (const double value : window) sum += value;
  return sum;
}

// A second pass takes back what the first one rounded away.
double Mean(const std::vector<double>& window) {
  const auto n = static_cast<double>(window.size());
  const double mean = Sum(window) / n;
  double rest = 0;
  for (const double value : window) rest += value - mean;
  return mean + rest / n;
}

// Sum of (value - mean)^power, of values less the first one so that a high level costs no digits.
double Central(std::vector<double> window, int power) {
  const double first = window.empty() ? 0 : window[0];
  for (double& value : window) value -= first;
  const double mean = Mean(window);
  double sum = 0;
  for (const double value : window) sum += std::pow(value - mean, power);
  return sum;
}

double Variance(const std::vector<double>& window, int64_t ddof) {
  const auto n = static_cast<int64_t>(window.size());
  return n > ddof ? Central(window, 2) / static_cast<double>(n - ddof) : kNaN;
}

}  // namespace

Status RollingSum(RollingSumArgs& args) { return RollAny(args, Sum); }

Status RollingMean(RollingMeanArgs& args) { return RollAny(args, Mean); }

Status RollingMin(RollingMinArgs& args) {
  return RollAny(args,
                 [](const auto& w) { return w.empty() ? kNaN : *std::min_element(w.begin(), w.end()); });
}

Status RollingMax(RollingMaxArgs& args) {
  return RollAny(args,
                 [](const auto& w) { return w.empty() ? kNaN : *std::max_element(w.begin(), w.end()); });
}

Status RollingVar(RollingVarArgs& args) {
  return RollAny(args, [&](const auto& w) { return Variance(w, args.ddof); });
}

Status RollingStd(RollingStdArgs& args) {
  return RollAny(args, [&](const auto& w) { return std::sqrt(Variance(w, args.ddof)); });
}

Status RollingSkew(RollingSkewArgs& args) {
  return RollAny(args, [](const auto& w) {
    const auto n = static_cast<double>(w.size());
    if (n < 3) return kNaN;
    const double m2 = Central(w, 2);
    return m2 == 0 ? kNaN : n * std::sqrt(n - 1) / (n - 2) * Central(w, 3) / std::pow(m2, 1.5);
  });
}

Status RollingKurtosis(RollingKurtosisArgs& args) {
  return RollAny(args, [](const auto& w) {
    const auto n = static_cast<double>(w.size());
    if (n < 4) return kNaN;
    const double m2 = Central(w, 2);
    if (m2 == 0) return kNaN;
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * n * Central(w, 4) / (m2 * m2) - 3 * (n - 1));
  });
}

}  // namespace nautilus::cpu::reference
