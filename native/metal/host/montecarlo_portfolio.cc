// Profits of portfolios on the GPU; see native/metal/kernels/montecarlo_portfolio.metal. The CPU kernel
// checks the call, factors the correlations, and looks at the tail of the profits.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/montecarlo_call.h"
#include "metal/host/montecarlo.h"
#include "metal/host/montecarlo_sums.h"

namespace nautilus::metal {
namespace {

using Args = McPortfolioArgs;
using cpu::Estimate;
using cpu::PortfolioPlan;

// As in montecarlo_portfolio.metal.
struct PortfolioParams {
  uint32_t key0, key1, philox_rounds;
  uint32_t paths, first, end;
  uint32_t assets, log_returns;
  float unit;
  TwoFloats mean;
};
static_assert(sizeof(PortfolioParams) == 11 * 4);
struct Position {
  TwoFloats worth, mean, deviation;
};

class PortfolioCall {
 public:
  explicit PortfolioCall(const PortfolioPlan& plan)
      : plan_(plan), args_(plan.args), groups_(args_.paths, 1), column_(args_.assets) {
    Fill();
  }

  Status Run(Estimate& all) {
    if (!groups_.OneTurn() || !IsFloat(unit_)) return Status::kNoBackend;
    const auto n = static_cast<size_t>(args_.assets);
    const Binding bindings[] = {
        Binding::Bytes(&p_, sizeof(p_)), Binding::Input(positions_.data(), n * sizeof(Position)),
        Binding::Input(plan_.factor, n * n * sizeof(float)),
        Binding::Output(args_.pnl, static_cast<size_t>(args_.paths) * sizeof(float)), groups_.Sums()};
    const auto range = [this](uint32_t first, uint32_t end) {
      p_.first = first;
      p_.end = end;
    };
    const uint64_t weight = n * (args_.log_returns ? 2 : 1) + n * n / 16;
    const Status status = groups_.Run(column_.Pick("mc_portfolio_f32", "mc_portfolio_wide_f32"), bindings,
                                      weight, column_.threads(), range, args_.cancel);
    return status == Status::kOk ? groups_.Merge({{unit_}}, all) : status;
  }

 private:
  void Fill() {
    double sum = 0;
    for (int64_t i = 0; i < args_.assets; ++i) sum += std::abs(args_.values[i]);
    unit_ = UnitOf(sum);
    p_.key0 = static_cast<uint32_t>(args_.seed);
    p_.key1 = static_cast<uint32_t>(args_.seed >> 32);
    p_.philox_rounds = args_.generator == Args::Generator::kPhilox7 ? 7 : 10;
    p_.paths = static_cast<uint32_t>(args_.paths);
    p_.assets = static_cast<uint32_t>(args_.assets);
    p_.log_returns = args_.log_returns;
    p_.unit = static_cast<float>(unit_);
    double mean = 0;
    for (int64_t i = 0; i < args_.assets; ++i) {
      const double value = args_.values[i] / unit_;
      if (!args_.log_returns) mean += value * plan_.means[i];
      positions_.push_back({.worth = TwoFloats::Of(args_.log_returns ? value : value * plan_.deviations[i]),
                            .mean = TwoFloats::Of(plan_.means[i]),
                            .deviation = TwoFloats::Of(plan_.deviations[i])});
    }
    p_.mean = TwoFloats::Of(mean);
  }

  const PortfolioPlan& plan_;
  const Args& args_;
  SampleGroups groups_;
  const GroupColumn column_;
  double unit_ = 1;
  PortfolioParams p_{};
  std::vector<Position> positions_;
};

}  // namespace

Status McPortfolio(McPortfolioArgs& args) {
  // Student's t needs gamma variates and a map between tails, both in double precision: that stays with the
  // CPU, and so do portfolios of more positions than the memory of a threadgroup has room for.
  const bool normal = args.copula == Args::Copula::kNormal && args.marginals == Args::Marginals::kNormal;
  if (!normal || !GroupColumn(args.assets).fits()) return Status::kNoBackend;
  return cpu::McPortfolioBy(
      args, [](const PortfolioPlan& plan, Estimate& all) { return PortfolioCall(plan).Run(all); });
}

}  // namespace nautilus::metal
