// Options on one underlying on the GPU; see native/metal/kernels/montecarlo_option.metal. The CPU kernel
// checks the call, makes the models, finds the weight of a control over its few pilot paths, and writes the
// results.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/montecarlo_call.h"
#include "metal/host/montecarlo.h"
#include "metal/host/montecarlo_sums.h"

namespace nautilus::metal {
namespace {

using Args = McOptionArgs;
using cpu::Estimate;
using cpu::OptionPlan;
using cpu::PathModel;
using cpu::Process;

// As in montecarlo_paths.metal and montecarlo_option.metal.
struct Model {
  float start, drift, deviation;
  float step_years_root, half_step_years;
  uint32_t first_threshold, thresholds;
  float jump_mean, jump_deviation;
  float start_variance, decay, mean_part, spread_variance, spread_mean;
  float k0_mean, k1, k2, k3, a, plain;
  float grid_shift;
  TwoFloats scale, control_scale, known;
};
struct Levels {
  float base, barrier, by_steps;
};
struct Grid {
  uint32_t columns;
  float low, columns_per_log;
};
constexpr size_t kModels = 9;
constexpr size_t kFigures = 6;
struct OptionParams {
  uint32_t key0, key1, philox_rounds;
  uint32_t samples, turns, first, end;
  uint32_t steps, signs, models, figures;
  uint32_t watch, payoff, control, is_call;
  uint32_t barrier_is_up, barrier_ends, barrier_dates, barrier_crossed;
  float by_unit;
  TwoFloats strike, barrier, rebate, payout;
  Levels levels;
  Grid grid;
  Model model[kModels];
};
static_assert(sizeof(Model) == 27 * 4 && sizeof(OptionParams) == 34 * 4 + kModels * sizeof(Model));

// One call: its parameters, and the units that money is counted in.
class OptionCall {
 public:
  explicit OptionCall(const OptionPlan& plan)
      : plan_(plan),
        args_(plan.args),
        level_unit_(LevelUnit()),
        money_unit_(args_.payoff == Args::Payoff::kDigital ? UnitOf(args_.payout) : level_unit_),
        groups_(plan.samples, 2, args_.greeks ? kFigures : 1) {
    FillContract();
    for (size_t i = 0; i < plan.models.size(); ++i) FillModel(i);
    const PathModel& model = plan.models[0];
    if (model.process == Process::kLocalVol) {
      table_.assign(plan.grid, plan.grid + model.steps * model.grid_columns);
    }
    // A buffer is bound even when nothing reads it.
    if (table_.empty()) table_.push_back(0);
  }

  Status Run(Estimate& all) {
    const Binding bindings[] = {Binding::Bytes(&p_, sizeof(p_)),
                                Binding::Input(table_.data(), table_.size() * sizeof(float)), groups_.Sums()};
    const auto range = [this](uint32_t first, uint32_t end) {
      p_.first = first;
      p_.end = end;
    };
    const Status status = groups_.Run(Kernel(), bindings, Weight(), 0, range, args_.cancel);
    if (status != Status::kOk) return status;
    std::vector<double> by(plan_.by, plan_.by + p_.figures);
    for (double& figure : by) figure *= money_unit_;
    if (args_.greeks) return groups_.Merge(by, all);
    Estimate price(1);
    const Status merged = groups_.Merge(by, price);
    all.count = price.count;
    all.mean[0] = price.mean[0];
    all.squares[0] = price.squares[0];
    return merged;
  }

 private:
  double LevelUnit() const {
    double most = args_.spot;
    if (args_.payoff != Args::Payoff::kLookbackFloating) most = std::max(most, args_.strike);
    if (args_.payoff == Args::Payoff::kBarrier) most = std::max(most, args_.rebate);
    return UnitOf(most);
  }

  const char* Kernel() const {
    switch (plan_.models[0].process) {
      case Process::kGbm:
        return args_.greeks ? "mc_option_gbm_greeks_f32" : "mc_option_gbm_f32";
      case Process::kMerton:
        return "mc_option_merton_f32";
      case Process::kHeston:
        return "mc_option_heston_f32";
      case Process::kLocalVol:
        return "mc_option_local_vol_f32";
    }
    return "";
  }

  // Of two paths: a light one is a step of one geometric Brownian motion.
  uint64_t Weight() const {
    const uint64_t paths = uint64_t{p_.steps} * p_.signs;
    switch (plan_.models[0].process) {
      case Process::kGbm:
        return paths * (1 + p_.models / 4);
      case Process::kLocalVol:
        return paths * p_.models;
      case Process::kMerton:
        return paths * p_.models * (2 + p_.model[0].thresholds / 32);
      case Process::kHeston:
        return paths * p_.models * 3;
    }
    return paths;
  }

  void FillContract() {
    using Kind = Args::BarrierKind;
    const PathModel& model = plan_.models[0];
    p_.key0 = static_cast<uint32_t>(args_.seed);
    p_.key1 = static_cast<uint32_t>(args_.seed >> 32);
    p_.philox_rounds = args_.generator == Args::Generator::kPhilox7 ? 7 : 10;
    p_.samples = static_cast<uint32_t>(plan_.samples);
    p_.turns = groups_.turns();
    p_.steps = static_cast<uint32_t>(model.steps);
    p_.signs = args_.antithetic ? 2 : 1;
    p_.models = static_cast<uint32_t>(plan_.models.size());
    p_.figures = args_.greeks ? kFigures : 1;
    p_.watch = static_cast<uint32_t>(plan_.watch);
    p_.payoff = static_cast<uint32_t>(args_.payoff);
    p_.control = plan_.beta == 0 ? 0 : static_cast<uint32_t>(args_.control);
    p_.is_call = args_.side == Args::Side::kCall;
    p_.barrier_is_up = args_.barrier_kind == Kind::kUpOut || args_.barrier_kind == Kind::kUpIn;
    p_.barrier_ends = args_.barrier_kind == Kind::kUpOut || args_.barrier_kind == Kind::kDownOut;
    p_.barrier_dates = args_.monitoring == Args::Monitoring::kDiscrete;
    p_.barrier_crossed = p_.barrier_is_up != 0 ? args_.spot >= args_.barrier : args_.spot <= args_.barrier;
    p_.by_unit = static_cast<float>(1 / level_unit_);
    p_.strike = TwoFloats::Of(args_.strike / level_unit_);
    p_.barrier = TwoFloats::Of(args_.barrier / level_unit_);
    p_.rebate = TwoFloats::Of(args_.rebate / level_unit_);
    p_.payout = TwoFloats::Of(args_.payout / money_unit_);
    p_.levels = {.base = static_cast<float>(model.base),
                 .barrier = static_cast<float>(model.barrier),
                 .by_steps = static_cast<float>(1.0 / static_cast<double>(model.steps))};
    p_.grid = {.columns = static_cast<uint32_t>(model.grid_columns),
               .low = static_cast<float>(model.grid_low),
               .columns_per_log = static_cast<float>(model.grid_columns_per_log)};
  }

  void FillModel(size_t at) {
    const PathModel& from = plan_.models[at];
    Model& to = p_.model[at];
    to.start = static_cast<float>(from.start);
    to.drift = static_cast<float>(from.drift);
    to.deviation = static_cast<float>(from.deviation);
    to.step_years_root = static_cast<float>(std::sqrt(from.step_years));
    to.half_step_years = static_cast<float>(-0.5 * from.step_years);
    to.first_threshold = static_cast<uint32_t>(table_.size());
    to.thresholds = static_cast<uint32_t>(from.jump_thresholds.size());
    for (const double threshold : from.jump_thresholds) table_.push_back(static_cast<float>(threshold));
    to.jump_mean = static_cast<float>(from.jump_mean);
    to.jump_deviation = static_cast<float>(from.jump_deviation);
    to.grid_shift = static_cast<float>(from.grid_shift);
    if (from.process == Process::kHeston) FillHeston(from, to);
    const double scale = plan_.discounts[at] * (args_.antithetic ? 0.5 : 1);
    to.scale = TwoFloats::Of(scale);
    to.control_scale = TwoFloats::Of(-plan_.beta * scale * (level_unit_ / money_unit_));
    to.known = TwoFloats::Of(plan_.beta * plan_.control_means[at] * plan_.discounts[at] / money_unit_);
  }

  static void FillHeston(const PathModel& from, Model& to) {
    const cpu::HestonConstants of = cpu::HestonOf(from);
    to.start_variance = static_cast<float>(from.start_variance);
    to.decay = static_cast<float>(of.decay);
    to.mean_part = static_cast<float>(of.mean_part);
    to.spread_variance = static_cast<float>(of.spread_variance);
    to.spread_mean = static_cast<float>(of.spread_mean);
    to.k0_mean = static_cast<float>(of.k0_mean);
    to.k1 = static_cast<float>(of.k1);
    to.k2 = static_cast<float>(of.k2);
    to.k3 = static_cast<float>(of.k3);
    to.a = static_cast<float>(of.a);
    to.plain = static_cast<float>(of.plain);
  }

  const OptionPlan& plan_;
  const Args& args_;
  const double level_unit_;
  const double money_unit_;
  SampleGroups groups_;
  OptionParams p_{};
  std::vector<float> table_;
};

}  // namespace

Status McOption(McOptionArgs& args) {
  // Sobol points are few and need a bridge over whole paths: that stays with the CPU.
  if (args.generator == Args::Generator::kSobol) return Status::kNoBackend;
  return cpu::McOptionBy(args,
                         [](const OptionPlan& plan, Estimate& all) { return OptionCall(plan).Run(all); });
}

}  // namespace nautilus::metal
