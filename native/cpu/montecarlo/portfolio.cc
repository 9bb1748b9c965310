// The portfolio kernel: correlated returns, profit and loss, value at risk and expected shortfall.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>
#include <vector>

#include "core/kernel_table.h"
#include "core/montecarlo_call.h"
#include "cpu/montecarlo/correlated.h"
#include "cpu/montecarlo/estimate.h"
#include "cpu/montecarlo/rows.h"
#include "cpu/montecarlo/student.h"

namespace nautilus::cpu {
namespace {

using Args = McPortfolioArgs;

template <typename T>
class PortfolioRun {
 public:
  explicit PortfolioRun(Args& args)
      : args_(args),
        n_(args.assets),
        t_copula_(args.copula == Args::Copula::kStudent),
        t_marginals_(args.marginals == Args::Marginals::kStudent),
        keys_(args.seed),
        rows_(args.seed, static_cast<Generator>(args.generator), 1, n_, kPriceStream) {}

  // With `elsewhere` the paths are simulated there.
  Status Run(const EstimatePortfolio& elsewhere = nullptr) {
    const Status status = Factor();
    if (status != Status::kOk) return status;
    if (t_copula_ != t_marginals_) map_.emplace(args_.degrees);
    Estimate all(1);
    const Status done = elsewhere ? elsewhere(PlanOf(), all)
                                  : EstimateByChunks(
                                        args_.paths, false, args_.cancel,
                                        [&](int64_t, int64_t first, int64_t count, Estimate& estimate) {
                                          Chunk(first, count, estimate);
                                        },
                                        all);
    if (done != Status::kOk) return done;
    args_.risk[4] = all.mean[0];
    args_.risk[5] = std::sqrt(all.squares[0] / static_cast<double>(args_.paths - 1));
    Tail();
    return Status::kOk;
  }

 private:
  PortfolioPlan PlanOf() const {
    return {.args = args_,
            .factor = reinterpret_cast<const float*>(factor_.data()),
            .deviations = deviations_.data(),
            .means = means_.data()};
  }

  // Splits the covariance into deviations and the factor of the correlations; an asset that never moves has a
  // row of 0.
  Status Factor() {
    std::vector<double> factor(static_cast<size_t>(n_ * n_));
    for (int64_t i = 0; i < n_; ++i) {
      const double variance = args_.covariance[i * n_ + i];
      const double mean = args_.means == nullptr ? 0 : args_.means[i];
      args_.detail = i;
      if (!std::isfinite(args_.values[i]) || !std::isfinite(mean)) return Status::kNonFinite;
      args_.detail = i + 1;
      if (!(variance >= 0) || !std::isfinite(variance)) return Status::kNotPositiveDefinite;
      deviations_.push_back(std::sqrt(variance * args_.horizon));
      means_.push_back(mean * args_.horizon);
    }
    for (int64_t i = 0; i < n_; ++i) {
      for (int64_t j = 0; j <= i; ++j) {
        const double scale = std::sqrt(args_.covariance[i * n_ + i] * args_.covariance[j * n_ + j]);
        const double value = args_.covariance[i * n_ + j];
        const double correlation = scale > 0 ? value / scale : i == j ? 1 : value == 0 ? 0 : INFINITY;
        args_.detail = i + 1;
        if (!std::isfinite(correlation)) return Status::kNotPositiveDefinite;
        factor[static_cast<size_t>(i * n_ + j)] = correlation;
      }
    }
    args_.detail = LowerFactor(n_, factor);
    factor_.assign(factor.begin(), factor.end());
    return args_.detail == 0 ? Status::kOk : Status::kNotPositiveDefinite;
  }

  // Adds the profit of one position to the paths of a tile, whose correlated normals are `z`.
  void AddPosition(int64_t asset, const T* z, const double* mixing, double* profit) const {
    const double deviation = deviations_[static_cast<size_t>(asset)];
    // A Student t has the variance degrees / (degrees - 2).
    const double scale = deviation * (t_marginals_ ? std::sqrt((args_.degrees - 2) / args_.degrees) : 1);
    const double mean = means_[static_cast<size_t>(asset)];
    const double value = args_.values[asset];
    for (int64_t k = 0; k < kTilePaths; ++k) {
      double x = static_cast<double>(z[k]);
      if (t_copula_) x *= mixing[k];
      if (map_) x = t_copula_ ? map_->NormalOfStudent(x) : map_->StudentOfNormal(x);
      const double moved = mean + scale * x;
      profit[k] += value * (args_.log_returns ? std::expm1(moved) : moved);
    }
  }

  void Chunk(int64_t first, int64_t count, Estimate& estimate) const {
    T* const out = static_cast<T*>(args_.pnl) + first;
    std::vector<T> normals(static_cast<size_t>(n_ * kTilePaths));
    std::vector<T> correlated(normals.size());
    std::vector<double> profits(static_cast<size_t>(count + kTilePaths));
    double mixing[kTilePaths];
    for (int64_t at = 0; at < count && !args_.Cancelled(); at += kTilePaths) {
      rows_.Fill(0, first + at, normals.data());
      std::fill(correlated.begin(), correlated.end(), T{0});
      AddCorrelated(n_, factor_.data(), normals.data(), correlated.data());
      for (int64_t k = 0; t_copula_ && k < kTilePaths; ++k) {
        mixing[k] = 1 / std::sqrt(MixingVariable(keys_, kMixingStream, first + at + k, args_.degrees));
      }
      for (int64_t i = 0; i < n_; ++i) {
        AddPosition(i, correlated.data() + i * kTilePaths, mixing, profits.data() + at);
      }
    }
    for (int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(profits[static_cast<size_t>(i)]);
    estimate.Set(0, profits.data(), count);
  }

  // Value at risk is the k-th loss from below, k = ceil(n confidence); expected shortfall weights it as
  // Acerbi and Tasche 2002 do. Errors: half the distance of the losses one deviation of the rank away;
  // McNeil, Frey, Embrechts 2015, 9.3.
  void Tail() const {
    const T* pnl = static_cast<const T*>(args_.pnl);
    std::vector<T> losses(static_cast<size_t>(args_.paths));
    for (size_t i = 0; i < losses.size(); ++i) losses[i] = -pnl[i];
    const auto n = static_cast<double>(args_.paths);
    const double confidence = args_.confidence;
    const auto k = std::clamp<int64_t>(static_cast<int64_t>(std::ceil(n * confidence)), 1, args_.paths);
    const auto band = static_cast<int64_t>(std::ceil(std::sqrt(n * confidence * (1 - confidence))));
    const int64_t low = std::max<int64_t>(k - 1 - band, 0);
    const int64_t high = std::min(k - 1 + band, args_.paths - 1);
    std::nth_element(losses.begin(), losses.begin() + low, losses.end());
    std::sort(losses.begin() + low, losses.end());
    const auto at = static_cast<double>(losses[static_cast<size_t>(k - 1)]);
    const double width = n * (1 - confidence);
    double sum = (static_cast<double>(k) - n * confidence) * at;
    for (int64_t i = k; i < args_.paths; ++i) sum += static_cast<double>(losses[static_cast<size_t>(i)]);
    const double shortfall = sum / width;
    double squares = (static_cast<double>(k) - n * confidence) * (at - shortfall) * (at - shortfall);
    for (int64_t i = k; i < args_.paths; ++i) {
      const double gap = static_cast<double>(losses[static_cast<size_t>(i)]) - shortfall;
      squares += gap * gap;
    }
    const double spread = squares / width + confidence * (shortfall - at) * (shortfall - at);
    args_.risk[0] = at;
    args_.risk[1] = shortfall;
    args_.risk[2] = 0.5 * (static_cast<double>(losses[static_cast<size_t>(high)]) -
                           static_cast<double>(losses[static_cast<size_t>(low)]));
    args_.risk[3] = std::sqrt(spread / width);
  }

  Args& args_;
  const int64_t n_;
  const bool t_copula_;
  const bool t_marginals_;
  const PhiloxKeys keys_;
  const Rows<T> rows_;
  std::vector<T> factor_;
  std::vector<double> deviations_;
  std::vector<double> means_;
  std::optional<StudentMap> map_;
};

}  // namespace

Status McPortfolio(McPortfolioArgs& args) {
  return args.dtype == Dtype::kF64 ? PortfolioRun<double>(args).Run() : PortfolioRun<float>(args).Run();
}

Status McPortfolioBy(McPortfolioArgs& args, const EstimatePortfolio& estimate) {
  return PortfolioRun<float>(args).Run(estimate);
}

}  // namespace nautilus::cpu
