// Profit and loss of scenarios on the GPU; see native/metal/kernels/portfolio_scenarios.metal. The CPU adds
// up what all positions of a factor have.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/portfolio_call.h"
#include "metal/host/montecarlo_sums.h"
#include "metal/host/portfolio.h"
#include "metal/host/statistics_panel.h"

namespace nautilus::metal {
namespace {

// As in portfolio_scenarios.metal.
struct ScenarioParams {
  uint32_t positions;
  uint32_t factors;
  uint32_t first = 0;
  uint32_t end = 0;
  uint32_t has_gamma;
  uint32_t has_factors;
  float unit = 1;
};
static_assert(sizeof(ScenarioParams) == 7 * 4);
struct Exposure {
  TwoFloats delta, half_gamma;
};
constexpr uint64_t kGroup = 256;
constexpr uint64_t kLanes = 32;

// An array that nobody gives has a place too.
Binding InputOf(const void* array, int64_t count) {
  return array == nullptr ? Binding::Scratch(sizeof(float)) : Binding::Input(array, BytesOf(count));
}

// Exposures in units of `unit`, so that their low halves stay in the range of f32.
std::vector<Exposure> ExposuresOf(const ScenarioPnlArgs& args, double& unit) {
  const auto factors = static_cast<size_t>(args.factors);
  std::vector<double> delta(factors);
  std::vector<double> half_gamma(factors);
  cpu::NetExposures(args, delta.data(), half_gamma.data());
  double largest = 0;
  for (size_t i = 0; i < factors; ++i) {
    for (const double one : {delta[i], half_gamma[i]}) {
      if (std::isfinite(one)) largest = std::max(largest, std::abs(one));
    }
  }
  unit = UnitOf(largest);
  std::vector<Exposure> exposures(factors);
  for (size_t i = 0; i < factors; ++i) {
    exposures[i] = {.delta = TwoFloats::Of(delta[i] / unit),
                    .half_gamma = TwoFloats::Of(half_gamma[i] / unit)};
  }
  return exposures;
}

Status RunTotals(const ScenarioPnlArgs& args, ScenarioParams& p) {
  double unit = 1;
  const std::vector<Exposure> exposures = ExposuresOf(args, unit);
  if (!IsFloat(unit)) return Status::kNoBackend;
  p.unit = static_cast<float>(unit);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)),
                              Binding::Input(args.moves, BytesOf(args.scenarios * args.factors)),
                              Binding::Input(exposures.data(), exposures.size() * sizeof(Exposure)),
                              Binding::Output(args.pnl, BytesOf(args.scenarios))};
  return Device::Get().Run({.kernel = "scenario_pnl_f32",
                            .bindings = bindings,
                            .items = static_cast<uint64_t>(args.scenarios),
                            .weight = kLanes + static_cast<uint64_t>(args.factors) * 2,
                            .piece =
                                [&p](uint64_t first, uint64_t count) {
                                  p.first = static_cast<uint32_t>(first);
                                  p.end = static_cast<uint32_t>(first + count);
                                  return Launch{
                                      .width = count * kLanes, .group_width = kGroup, .group_height = 1};
                                },
                            .cancel = args.cancel});
}

Status RunPositions(const ScenarioPnlArgs& args, ScenarioParams& p) {
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)),
                              Binding::Input(args.moves, BytesOf(args.scenarios * args.factors)),
                              Binding::Input(args.delta, BytesOf(args.positions)),
                              InputOf(args.gamma, args.positions),
                              InputOf(args.factor_of, args.positions),
                              Binding::Output(args.by_position, BytesOf(args.scenarios * args.positions))};
  return Device::Get().Run({.kernel = "scenario_pnl_positions_f32",
                            .bindings = bindings,
                            .items = static_cast<uint64_t>(args.scenarios),
                            .weight = static_cast<uint64_t>(args.positions),
                            .piece =
                                [&p](uint64_t first, uint64_t count) {
                                  p.first = static_cast<uint32_t>(first);
                                  p.end = static_cast<uint32_t>(first + count);
                                  return Launch{.width = p.positions, .height = count};
                                },
                            .cancel = args.cancel});
}

}  // namespace

Status ScenarioPnl(ScenarioPnlArgs& args) {
  const Status refused = cpu::CheckFactors(args);
  if (refused != Status::kOk || args.scenarios == 0) return refused;
  if (!Fits(args.scenarios, args.factors) || !Fits(args.positions, 0)) return Status::kNoBackend;
  ScenarioParams p{.positions = static_cast<uint32_t>(args.positions),
                   .factors = static_cast<uint32_t>(args.factors),
                   .has_gamma = args.gamma != nullptr,
                   .has_factors = args.factor_of != nullptr};
  const Status status = RunTotals(args, p);
  if (status != Status::kOk || args.by_position == nullptr || args.positions == 0) return status;
  return RunPositions(args, p);
}

}  // namespace nautilus::metal
