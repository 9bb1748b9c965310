// Exponentially weighted statistics by definition: at each bar the weights of all values before it are
// written out.
#include <cmath>
#include <limits>
#include <vector>

#include "cpu/statistics/reference.h"

namespace nautilus::cpu::reference {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Moments {
  double n = 0, weights = 0, cross = 0, mean_x = 0, xx = 0, yy = 0, xy = 0;
};

// Weighted moments of the pairs up to `bar`.
template <typename T, class Args>
Moments Weigh(const Args& args, const T* x, const T* y, int64_t series, int64_t bar) {
  std::vector<double> weight, one, other;
  for (int64_t at = 0; at <= bar; ++at) {
    const double a = x[at * args.series + series];
    const double b = y[at * args.series + series];
    const bool seen = std::isfinite(a) && std::isfinite(b);
    if (seen || !args.ignore_na) {
      for (double& w : weight) w *= 1 - args.alpha;
      // What has faded to nothing still is the answer until something newer comes.
      if (!seen && !weight.empty() && weight.back() == 0) weight.back() = std::numeric_limits<double>::min();
    }
    if (!seen) continue;
    weight.push_back(args.adjust || weight.empty() ? 1 : args.alpha);
    one.push_back(a);
    other.push_back(b);
    if (args.adjust) continue;
    double sum = 0;
    for (const double w : weight) sum += w;
    for (double& w : weight) w /= sum;
  }
  Moments m;
  double mean_y = 0;
  for (size_t i = 0; i < weight.size(); ++i) {
    m.n += 1;
    m.weights += weight[i];
    m.mean_x += weight[i] * one[i];
    mean_y += weight[i] * other[i];
    for (size_t j = 0; j < i; ++j) m.cross += 2 * weight[i] * weight[j];
  }
  m.mean_x /= m.weights;
  mean_y /= m.weights;
  for (size_t i = 0; i < weight.size(); ++i) {
    const double share = weight[i] / m.weights;
    m.xx += share * (one[i] - m.mean_x) * (one[i] - m.mean_x);
    m.yy += share * (other[i] - mean_y) * (other[i] - mean_y);
    m.xy += share * (one[i] - m.mean_x) * (other[i] - mean_y);
  }
  return m;
}

template <typename T, class Args, class Answer>
void Each(const Args& args, const void* x, const void* y, const Answer& answer) {
  for (int64_t series = 0; series < args.series; ++series) {
    for (int64_t bar = 0; bar < args.bars; ++bar) {
      const Moments m = Weigh(args, static_cast<const T*>(x), static_cast<const T*>(y), series, bar);
      const bool enough = m.n >= 1 && m.n >= static_cast<double>(args.min_periods);
      static_cast<T*>(args.out)[bar * args.series + series] = static_cast<T>(enough ? answer(m) : kNaN);
    }
  }
}

template <class Args, class Answer>
Status EachOf(const Args& args, const void* x, const void* y, const Answer& answer) {
  args.dtype == Dtype::kF64 ? Each<double>(args, x, y, answer) : Each<float>(args, x, y, answer);
  return Status::kOk;
}

double Unbiased(const Moments& m, double value, bool bias) {
  if (bias) return value;
  return m.cross > 0 ? value * m.weights * m.weights / m.cross : kNaN;
}

}  // namespace

Status EwmMean(EwmMeanArgs& args) {
  return EachOf(args, args.values, args.values, [](const Moments& m) { return m.mean_x; });
}

Status EwmVar(EwmVarArgs& args) {
  return EachOf(args, args.values, args.values,
                [&](const Moments& m) { return Unbiased(m, m.xx, args.bias); });
}

Status EwmStd(EwmStdArgs& args) {
  return EachOf(args, args.values, args.values,
                [&](const Moments& m) { return std::sqrt(Unbiased(m, m.xx, args.bias)); });
}

Status EwmCovariance(EwmCovarianceArgs& args) {
  return EachOf(args, args.x, args.y, [&](const Moments& m) { return Unbiased(m, m.xy, args.bias); });
}

Status EwmCorrelation(EwmCorrelationArgs& args) {
  return EachOf(args, args.x, args.y, [](const Moments& m) {
    const double spread = std::sqrt(m.xx) * std::sqrt(m.yy);
    return m.n > 1 && spread > 0 ? m.xy / spread : kNaN;
  });
}

}  // namespace nautilus::cpu::reference
