// Options on a basket on the GPU; see native/metal/kernels/montecarlo_basket.metal. The CPU kernel checks the
// call, factors the correlations, finds the weight of a control over its few pilot paths, and writes the
// results.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/montecarlo_call.h"
#include "metal/host/montecarlo.h"
#include "metal/host/montecarlo_sums.h"

namespace nautilus::metal {
namespace {

using Args = McBasketArgs;
using cpu::BasketPlan;
using cpu::Estimate;

// As in montecarlo_basket.metal.
struct BasketParams {
  uint32_t key0, key1, philox_rounds;
  uint32_t samples, first, end;
  uint32_t assets, steps, signs;
  uint32_t payoff, is_call, average, deltas, control;
  TwoFloats strike, by_steps, geometric_log;
  TwoFloats scale, control_scale, known;
};
static_assert(sizeof(BasketParams) == 26 * 4);

// The numbers of a path: normals and logs; slopes of the sample, and of the path while they are summed up.
int64_t RowsOf(const Args& args) { return args.assets * (args.deltas == nullptr ? 2 : args.average ? 4 : 3); }

double MoneyUnit(const Args& args) {
  double most = std::abs(args.strike);
  for (int64_t i = 0; i < args.assets; ++i) {
    most = std::max(most, std::abs(args.spots[i] * args.weights[i]) * static_cast<double>(args.assets));
  }
  return UnitOf(most);
}

class BasketCall {
 public:
  explicit BasketCall(const BasketPlan& plan)
      : plan_(plan),
        args_(plan.args),
        unit_(MoneyUnit(args_)),
        groups_(plan.samples, static_cast<size_t>(args_.deltas == nullptr ? 1 : 1 + args_.assets)),
        column_(RowsOf(args_)) {
    Fill();
  }

  Status Run(Estimate& all) {
    if (!column_.fits() || !groups_.OneTurn() || !IsFloat(unit_)) return Status::kNoBackend;
    const auto n = static_cast<size_t>(args_.assets);
    const Binding bindings[] = {Binding::Bytes(&p_, sizeof(p_)),
                                Binding::Input(plan_.drift, n * sizeof(float)),
                                Binding::Input(money_.data(), n * sizeof(float)),
                                Binding::Input(share_.data(), n * sizeof(TwoFloats)),
                                Binding::Input(plan_.factor, n * n * sizeof(float)),
                                groups_.Sums()};
    const auto range = [this](uint32_t first, uint32_t end) {
      p_.first = first;
      p_.end = end;
    };
    const Status status = groups_.Run(column_.Pick("mc_basket_f32", "mc_basket_wide_f32"), bindings, Weight(),
                                      column_.threads(), range, args_.cancel);
    if (status != Status::kOk) return status;
    std::vector<double> by = {unit_};
    const double slope = plan_.discount * (args_.antithetic ? 0.5 : 1) * unit_;
    for (size_t i = 1; i < all.mean.size(); ++i) {
      by.push_back((args_.side == Args::Side::kCall ? slope : -slope) / args_.spots[i - 1]);
    }
    return groups_.Merge(by, all);
  }

 private:
  // A light thread takes the step of one geometric Brownian motion.
  uint64_t Weight() const {
    const uint64_t n = p_.assets;
    return uint64_t{p_.steps} * p_.signs * (n * (p_.average != 0 ? 2 : 1) + n * n / 16);
  }

  void Fill() {
    p_.key0 = static_cast<uint32_t>(args_.seed);
    p_.key1 = static_cast<uint32_t>(args_.seed >> 32);
    p_.philox_rounds = args_.generator == Args::Generator::kPhilox7 ? 7 : 10;
    p_.samples = static_cast<uint32_t>(plan_.samples);
    p_.assets = static_cast<uint32_t>(args_.assets);
    p_.steps = static_cast<uint32_t>(args_.steps);
    p_.signs = args_.antithetic ? 2 : 1;
    p_.payoff = static_cast<uint32_t>(args_.payoff);
    p_.is_call = args_.side == Args::Side::kCall;
    p_.average = args_.average;
    p_.deltas = args_.deltas != nullptr;
    p_.control = plan_.beta != 0;
    p_.strike = TwoFloats::Of(args_.strike / unit_);
    p_.by_steps = TwoFloats::Of(1.0 / static_cast<double>(args_.steps));
    double geometric_log = std::log(plan_.weight_sum / unit_);
    for (int64_t i = 0; i < args_.assets; ++i) {
      const double share = args_.weights[i] / plan_.weight_sum;
      geometric_log += share * std::log(args_.spots[i]);
      money_.push_back(static_cast<float>(args_.spots[i] * args_.weights[i]) / static_cast<float>(unit_));
      share_.push_back(TwoFloats::Of(share));
    }
    p_.geometric_log = TwoFloats::Of(geometric_log);
    const double scale = plan_.discount * (args_.antithetic ? 0.5 : 1);
    p_.scale = TwoFloats::Of(scale);
    p_.control_scale = TwoFloats::Of(-plan_.beta * scale);
    p_.known = TwoFloats::Of(plan_.beta * plan_.control_mean * plan_.discount / unit_);
  }

  const BasketPlan& plan_;
  const Args& args_;
  const double unit_;
  SampleGroups groups_;
  const GroupColumn column_;
  BasketParams p_{};
  std::vector<float> money_;
  std::vector<TwoFloats> share_;
};

}  // namespace

Status McBasket(McBasketArgs& args) {
  // Sobol points stay with the CPU, and so do baskets of more assets than the memory of a threadgroup has
  // room for.
  if (args.generator == Args::Generator::kSobol || !GroupColumn(RowsOf(args)).fits())
    return Status::kNoBackend;
  return cpu::McBasketBy(args,
                         [](const BasketPlan& plan, Estimate& all) { return BasketCall(plan).Run(all); });
}

}  // namespace nautilus::metal
