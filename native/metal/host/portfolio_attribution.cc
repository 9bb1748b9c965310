// Attributions on the GPU; see native/metal/kernels/portfolio_attribution.metal.
#include "metal/host/portfolio.h"
#include "metal/host/statistics_panel.h"

namespace nautilus::metal {
namespace {

// As in portfolio_attribution.metal.
struct AttributionParams {
  uint32_t columns;
  uint32_t first = 0;
  uint32_t end = 0;
};
static_assert(sizeof(AttributionParams) == 3 * 4);
constexpr uint64_t kGroup = 256;
constexpr uint64_t kLanes = 32;

// A simdgroup for each period.
Status RunPeriods(const char* kernel, int64_t periods, AttributionParams& p, uint64_t weight,
                  std::span<const Binding> bindings, CancelFlag cancel) {
  return Device::Get().Run({.kernel = kernel,
                            .bindings = bindings,
                            .items = static_cast<uint64_t>(periods),
                            .weight = kLanes + p.columns * weight,
                            .piece =
                                [&p](uint64_t first, uint64_t count) {
                                  p.first = static_cast<uint32_t>(first);
                                  p.end = static_cast<uint32_t>(first + count);
                                  return Launch{
                                      .width = count * kLanes, .group_width = kGroup, .group_height = 1};
                                },
                            .cancel = cancel});
}

}  // namespace

Status BrinsonAttribution(BrinsonAttributionArgs& args) {
  if (args.periods == 0) return Status::kOk;
  if (!Fits(args.periods, args.groups)) return Status::kNoBackend;
  AttributionParams p{.columns = static_cast<uint32_t>(args.groups)};
  const size_t each = BytesOf(args.periods * args.groups);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)),
                              Binding::Input(args.portfolio_weights, each),
                              Binding::Input(args.benchmark_weights, each),
                              Binding::Input(args.portfolio_returns, each),
                              Binding::Input(args.benchmark_returns, each),
                              Binding::Output(args.allocation, each),
                              Binding::Output(args.selection, each),
                              Binding::Output(args.interaction, each),
                              Binding::Output(args.active, BytesOf(args.periods))};
  return RunPeriods("brinson_attribution_f32", args.periods, p, 8, bindings, args.cancel);
}

Status FactorAttribution(FactorAttributionArgs& args) {
  if (args.periods == 0) return Status::kOk;
  if (!Fits(args.periods, args.factors)) return Status::kNoBackend;
  AttributionParams p{.columns = static_cast<uint32_t>(args.factors)};
  const size_t each = BytesOf(args.periods * args.factors);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)),
                              Binding::Input(args.exposures, each),
                              Binding::Input(args.factor_returns, each),
                              Binding::Input(args.returns, BytesOf(args.periods)),
                              Binding::Output(args.contributions, each),
                              Binding::Output(args.specific, BytesOf(args.periods))};
  return RunPeriods("factor_attribution_f32", args.periods, p, 2, bindings, args.cancel);
}

}  // namespace nautilus::metal
