// Rolling pairs and order statistics by the book: each window is copied out and computed from nothing.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cpu/statistics/reference.h"

namespace nautilus::cpu::reference {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double Need(int64_t window, int64_t min_periods) {
  return static_cast<double>(min_periods == 0 ? window : min_periods);
}

// Pairs of one window, with sums of squares about the means.
struct Pairs {
  std::vector<double> x, y;
  double n = 0, mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;

  void Take(double one, double other) {
    if (!std::isfinite(one) || !std::isfinite(other)) return;
    x.push_back(one);
    y.push_back(other);
  }
  static double Mean(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value - values[0];
    return values[0] + sum / static_cast<double>(values.size());
  }
  void Sum() {
    n = static_cast<double>(x.size());
    if (n == 0) return;
    mean_x = Mean(x);
    mean_y = Mean(y);
    for (size_t i = 0; i < x.size(); ++i) {
      xx += (x[i] - mean_x) * (x[i] - mean_x);
      yy += (y[i] - mean_y) * (y[i] - mean_y);
      xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
  }
};

// visit(element, pairs of the window that ends there); without x, x counts bars from the oldest of the
// window.
template <typename T, class Args, class Visit>
void OnEachWindow(const Args& args, const Visit& visit) {
  const auto* x = static_cast<const T*>(args.x);
  const auto* y = static_cast<const T*>(args.y);
  for (int64_t series = 0; series < args.series; ++series) {
    for (int64_t bar = 0; bar < args.bars; ++bar) {
      Pairs pairs;
      const int64_t oldest = bar - args.window + 1;
      for (int64_t at = std::max<int64_t>(0, oldest); at <= bar; ++at) {
        const int64_t element = at * args.series + series;
        pairs.Take(x == nullptr ? static_cast<double>(at - oldest) : x[element], y[element]);
      }
      pairs.Sum();
      visit(bar * args.series + series, pairs);
    }
  }
}

template <typename T>
void Line(const RollingRegressionArgs& args) {
  const auto* x = static_cast<const T*>(args.x);
  const auto* y = static_cast<const T*>(args.y);
  OnEachWindow<T>(args, [&](int64_t element, const Pairs& pairs) {
    double answer[4] = {kNaN, kNaN, kNaN, kNaN};
    if (pairs.n >= std::max(2.0, Need(args.window, args.min_periods)) && pairs.xx > 0) {
      const double newest = x == nullptr ? static_cast<double>(args.window - 1) : x[element];
      answer[0] = pairs.xy / pairs.xx;
      answer[1] = pairs.mean_y - answer[0] * pairs.mean_x;
      answer[2] = pairs.xy * pairs.xy / (pairs.xx * pairs.yy);
      answer[3] = y[element] - (answer[1] + answer[0] * newest);
      if (!std::isfinite(answer[3])) answer[3] = kNaN;
    }
    void* const out[] = {args.slope, args.intercept, args.r2, args.residual};
    for (int i = 0; i < 4; ++i) {
      if (out[i] != nullptr) static_cast<T*>(out[i])[element] = static_cast<T>(answer[i]);
    }
  });
}

// out = answer(sorted finite values of the window, newest value).
template <typename T, class Args, class Answer>
void Order(const Args& args, const Answer& answer) {
  const auto* values = static_cast<const T*>(args.values);
  auto* out = static_cast<T*>(args.out);
  for (int64_t series = 0; series < args.series; ++series) {
    for (int64_t bar = 0; bar < args.bars; ++bar) {
      std::vector<double> window;
      for (int64_t at = std::max<int64_t>(0, bar - args.window + 1); at <= bar; ++at) {
        const double value = values[at * args.series + series];
        if (std::isfinite(value)) window.push_back(value);
      }
      std::sort(window.begin(), window.end());
      const bool enough =
          !window.empty() && static_cast<double>(window.size()) >= Need(args.window, args.min_periods);
      const int64_t element = bar * args.series + series;
      out[element] = static_cast<T>(enough ? answer(window, static_cast<double>(values[element])) : kNaN);
    }
  }
}

double QuantileOf(const std::vector<double>& sorted, const RollingQuantileArgs& args) {
  using Method = RollingQuantileArgs::Method;
  const double at = static_cast<double>(sorted.size() - 1) * args.probability;
  const auto low = static_cast<size_t>(at);
  const double part = at - static_cast<double>(low);
  if (part == 0 || args.method == Method::kLower) return sorted[low];
  if (args.method == Method::kHigher) return sorted[low + 1];
  if (args.method == Method::kMidpoint) return sorted[low] + (sorted[low + 1] - sorted[low]) * 0.5;
  if (args.method == Method::kNearest) return sorted[static_cast<size_t>(std::nearbyint(at))];
  return sorted[low] + (sorted[low + 1] - sorted[low]) * part;
}

double RankOf(const std::vector<double>& sorted, double newest, const RollingRankArgs& args) {
  using Ties = RollingRankArgs::Ties;
  if (!std::isfinite(newest)) return kNaN;
  double below = 0;
  double equal = 0;
  for (const double value : sorted) {
    below += value < newest ? 1 : 0;
    equal += value == newest ? 1 : 0;
  }
  const double more = args.ties == Ties::kMin ? 0 : args.ties == Ties::kMax ? equal - 1 : (equal - 1) / 2;
  return args.percent ? (below + 1 + more) / static_cast<double>(sorted.size()) : below + 1 + more;
}

}  // namespace

template <typename T>
static void CovarianceOf(const RollingCovarianceArgs& args) {
  OnEachWindow<T>(args, [&](int64_t element, const Pairs& pairs) {
    const auto ddof = static_cast<double>(args.ddof);
    const bool enough = pairs.n >= Need(args.window, args.min_periods) && pairs.n > ddof;
    static_cast<T*>(args.out)[element] = static_cast<T>(enough ? pairs.xy / (pairs.n - ddof) : kNaN);
  });
}

template <typename T>
static void CorrelationOf(const RollingCorrelationArgs& args) {
  OnEachWindow<T>(args, [&](int64_t element, const Pairs& pairs) {
    const bool enough =
        pairs.n >= std::max(2.0, Need(args.window, args.min_periods)) && pairs.xx > 0 && pairs.yy > 0;
    static_cast<T*>(args.out)[element] =
        static_cast<T>(enough ? pairs.xy / (std::sqrt(pairs.xx) * std::sqrt(pairs.yy)) : kNaN);
  });
}

Status RollingCovariance(RollingCovarianceArgs& args) {
  args.dtype == Dtype::kF64 ? CovarianceOf<double>(args) : CovarianceOf<float>(args);
  return Status::kOk;
}

Status RollingCorrelation(RollingCorrelationArgs& args) {
  args.dtype == Dtype::kF64 ? CorrelationOf<double>(args) : CorrelationOf<float>(args);
  return Status::kOk;
}

Status RollingRegression(RollingRegressionArgs& args) {
  args.dtype == Dtype::kF64 ? Line<double>(args) : Line<float>(args);
  return Status::kOk;
}

Status RollingQuantile(RollingQuantileArgs& args) {
  const auto answer = [&](const auto& sorted, double) { return QuantileOf(sorted, args); };
  args.dtype == Dtype::kF64 ? Order<double>(args, answer) : Order<float>(args, answer);
  return Status::kOk;
}

Status RollingRank(RollingRankArgs& args) {
  const auto answer = [&](const auto& sorted, double newest) { return RankOf(sorted, newest, args); };
  args.dtype == Dtype::kF64 ? Order<double>(args, answer) : Order<float>(args, answer);
  return Status::kOk;
}

}  // namespace nautilus::cpu::reference
