// The option kernel: refuses what does not fit together, streams chunks of paths, turns payoffs into price
// and Greeks.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "core/montecarlo_call.h"
#include "cpu/montecarlo/contract.h"
#include "cpu/montecarlo/estimate.h"
#include "cpu/montecarlo/paths.h"
#include "cpu/montecarlo/rows.h"

namespace nautilus::cpu {
namespace {

using Args = McOptionArgs;

constexpr size_t kFigures = 6;
// One shift for the price, then pairs for spot, volatility, rate and maturity.
constexpr int kShifts = 9;

Status Refuse(Args& args, int64_t reason) {
  args.detail = reason;
  return Status::kInvalidOption;
}

Status Check(Args& args) {
  const auto process = static_cast<Process>(args.process);
  const bool asian = args.payoff == Args::Payoff::kAsian || args.payoff == Args::Payoff::kAsianGeometric;
  if (args.payoff == Args::Payoff::kBarrier && args.monitoring == Args::Monitoring::kContinuous &&
      process != Process::kGbm && process != Process::kLocalVol) {
    return Refuse(args, 2);
  }
  if (args.control == Args::Control::kGeometric && (!asian || process != Process::kGbm))
    return Refuse(args, 3);
  if (args.payoff == Args::Payoff::kBarrier && args.barrier <= 0) return Refuse(args, 9);
  return CheckMarket(MarketOf(args), args.paths, args.generator == Args::Generator::kSobol, args.detail);
}

// Half the widths of the central differences: small against what they move, large against rounding in f32.
struct Widths {
  double spot = 0.01;
  double volatility;
  double rate = 0.0005;
  double maturity;

  explicit Widths(const Args& args)
      : volatility(args.process == Args::Process::kLocalVol ? 0.005 : std::min(0.005, args.volatility / 2)),
        maturity(std::min(1.0 / 365, args.maturity / 20)) {}
};

std::vector<Shift> ShiftsOf(const Args& args) {
  std::vector<Shift> shifts(1);
  if (!args.greeks) return shifts;
  const Widths width(args);
  shifts.resize(kShifts);
  shifts[1].spot = width.spot;
  shifts[2].spot = -width.spot;
  shifts[3].volatility = width.volatility;
  shifts[4].volatility = -width.volatility;
  shifts[5].rate = width.rate;
  shifts[6].rate = -width.rate;
  shifts[7].maturity = width.maturity;
  shifts[8].maturity = -width.maturity;
  return shifts;
}

template <typename T>
class OptionRun {
 public:
  explicit OptionRun(const Args& args)
      : args_(args),
        sobol_(args.generator == Args::Generator::kSobol),
        grid_(StepGrid<T>(MarketOf(args))),
        rows_(args.seed, static_cast<Generator>(args.generator), args.steps,
              Factors(static_cast<Process>(args.process)), kPriceStream) {
    for (const Shift& shift : ShiftsOf(args)) {
      models_.push_back(ModelOf(MarketOf(args), WatchOf(args), shift));
      models_.back().grid = grid_.data();
      if (args.barrier > 0) models_.back().barrier = std::log(args.barrier / args.spot);
      discounts_.push_back(DiscountOf(args, shift));
      control_means_.push_back(ControlMean(args, shift));
    }
  }

  // With `elsewhere` the paths are simulated there.
  Status Run(double* values, double* errors, const EstimateOption& elsewhere = nullptr) {
    if (args_.control != Args::Control::kNone) FindBeta();
    Estimate all(kFigures);
    const int64_t samples = SamplesACopy(args_.paths, args_.antithetic, sobol_);
    const Status status = elsewhere ? elsewhere(PlanOf(samples), all)
                                    : EstimateByChunks(
                                          samples, sobol_, args_.cancel,
                                          [&](int64_t copy, int64_t first, int64_t count,
                                              Estimate& estimate) { Chunk(copy, first, count, estimate); },
                                          all);
    if (status != Status::kOk) return status;
    for (size_t figure = 0; figure < kFigures; ++figure) {
      const bool known = figure == 0 || (args_.greeks && !(figure == 3 && Widths(args_).volatility == 0));
      values[figure] = known ? all.mean[figure] : std::numeric_limits<double>::quiet_NaN();
      errors[figure] = known ? all.Error(figure) : std::numeric_limits<double>::quiet_NaN();
    }
    return Status::kOk;
  }

 private:
  OptionPlan PlanOf(int64_t samples) const {
    const Widths width(args_);
    const double half_spot = width.spot * args_.spot;
    return {
        .args = args_,
        .watch = WatchOf(args_),
        .models = models_,
        .discounts = discounts_,
        .control_means = control_means_,
        .beta = beta_,
        .grid = reinterpret_cast<const float*>(grid_.data()),
        .samples = samples,
        .by = {1, 0.5 / half_spot, 1 / (half_spot * half_spot),
               width.volatility > 0 ? 0.5 / width.volatility : 0, 0.5 / width.rate, -0.5 / width.maturity}};
  }

  // Calls see(shift, first path of the tile within the chunk, paths, ends) for each tile of a chunk.
  template <class See>
  void Tiles(const Rows<T>& from, int64_t copy, int64_t first, int64_t count, size_t shifts,
             const See& see) const {
    const bool from_counters =
        !sobol_ && !args_.antithetic && shifts == 1 && args_.process == Args::Process::kGbm;
    std::vector<T> rows(from_counters ? 0 : static_cast<size_t>(from.dimensions() * kTilePaths));
    NormalSource source = from.Source();
    if (!from_counters) source.rows = rows.data();
    PathEnds<T> ends;
    for (int64_t tile = 0; tile < count && !args_.Cancelled(); tile += kTilePaths) {
      if (!from_counters) from.Fill(copy, first + tile, rows.data());
      for (size_t shift = 0; shift < shifts; ++shift) {
        for (int sign = 0; sign < (args_.antithetic ? 2 : 1); ++sign) {
          source.sign = sign == 0 ? 1 : -1;
          SimulateTile(models_[shift], source, first + tile, ends);
          see(shift, tile, std::min(kTilePaths, count - tile), ends);
        }
      }
    }
  }

  void Chunk(int64_t copy, int64_t first, int64_t count, Estimate& estimate) const {
    const size_t shifts = models_.size();
    // [shift][sample]
    std::vector<double> results(shifts * static_cast<size_t>(count));
    for (size_t shift = 0; shift < shifts; ++shift) {
      const double known = beta_ * control_means_[shift] * discounts_[shift];
      std::fill_n(results.begin() + static_cast<int64_t>(shift) * count, count, known);
    }
    const double share = args_.antithetic ? 0.5 : 1;
    Tiles(rows_, copy, first, count, shifts,
          [&](size_t shift, int64_t tile, int64_t paths, const PathEnds<T>& ends) {
            double* to = results.data() + static_cast<int64_t>(shift) * count + tile;
            const double scale = discounts_[shift] * share;
            AddPayoffs(args_, ends, paths, scale, to);
            if (beta_ != 0) AddControls(args_, ends, paths, -beta_ * scale, to);
          });
    estimate.Set(0, results.data(), count);
    if (!args_.greeks) return;
    const Widths width(args_);
    std::vector<double> figure(static_cast<size_t>(count));
    const auto row = [&](int shift) { return results.data() + shift * count; };
    const auto slope = [&](size_t at, int up, double by) {
      for (int64_t i = 0; i < count; ++i) figure[i] = (row(up)[i] - row(up + 1)[i]) * by;
      estimate.Set(at, figure.data(), count);
    };
    const double half_spot = width.spot * args_.spot;
    slope(1, 1, 0.5 / half_spot);
    for (int64_t i = 0; i < count; ++i) {
      figure[i] = (row(1)[i] - 2 * row(0)[i] + row(2)[i]) / (half_spot * half_spot);
    }
    estimate.Set(2, figure.data(), count);
    if (width.volatility > 0) slope(3, 3, 0.5 / width.volatility);
    slope(4, 5, 0.5 / width.rate);
    slope(5, 7, -0.5 / width.maturity);
  }

  // Regresses payoffs on the control over paths of their own, so that the price stays unbiased.
  void FindBeta() {
    const Rows<T> pilot(args_.seed, sobol_ ? Generator::kPhilox10 : static_cast<Generator>(args_.generator),
                        args_.steps, Factors(static_cast<Process>(args_.process)), kPilotStream);
    std::vector<double> payoffs(kChunkPaths), controls(kChunkPaths);
    Tiles(pilot, 0, 0, kChunkPaths, 1, [&](size_t, int64_t tile, int64_t paths, const PathEnds<T>& ends) {
      AddPayoffs(args_, ends, paths, 1, payoffs.data() + tile);
      AddControls(args_, ends, paths, 1, controls.data() + tile);
    });
    beta_ = Slope(payoffs.data(), controls.data(), kChunkPaths);
  }

  const Args& args_;
  const bool sobol_;
  const std::vector<T> grid_;
  const Rows<T> rows_;
  std::vector<PathModel> models_;
  std::vector<double> discounts_;
  std::vector<double> control_means_;
  double beta_ = 0;
};

}  // namespace

Status McOption(McOptionArgs& args) {
  const Status status = Check(args);
  if (status != Status::kOk) return status;
  return args.dtype == Dtype::kF64 ? OptionRun<double>(args).Run(args.values, args.errors)
                                   : OptionRun<float>(args).Run(args.values, args.errors);
}

Status McOptionBy(McOptionArgs& args, const EstimateOption& estimate) {
  const Status status = Check(args);
  if (status != Status::kOk) return status;
  return OptionRun<float>(args).Run(args.values, args.errors, estimate);
}

}  // namespace nautilus::cpu
