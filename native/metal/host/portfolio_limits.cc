// Usage of limits on the GPU; see native/metal/kernels/portfolio_limits.metal. The CPU looks for the worst
// scenarios in what is there.
#include "core/portfolio_call.h"
#include "metal/host/portfolio.h"
#include "metal/host/statistics_panel.h"

namespace nautilus::metal {
namespace {

// As in portfolio_limits.metal.
struct LimitParams {
  uint32_t scenarios;
  uint32_t positions;
  uint32_t limits;
  uint32_t first = 0;
  uint32_t across;
};
static_assert(sizeof(LimitParams) == 5 * 4);
constexpr int64_t kSide = 16;
constexpr uint64_t kGroup = kSide * kSide;

int64_t TilesOf(int64_t count) { return (count + kSide - 1) / kSide; }

}  // namespace

Status LimitUsage(LimitUsageArgs& args) {
  const Status refused = cpu::CheckLimits(args);
  if (refused != Status::kOk || args.limits == 0) return refused;
  const int64_t groups = TilesOf(args.scenarios) * TilesOf(args.limits);
  if (args.scenarios == 0 || groups >= int64_t{1} << 31) return Status::kNoBackend;
  LimitParams p{.scenarios = static_cast<uint32_t>(args.scenarios),
                .positions = static_cast<uint32_t>(args.positions),
                .limits = static_cast<uint32_t>(args.limits),
                .across = static_cast<uint32_t>(TilesOf(args.limits))};
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)),
                              Binding::Input(args.pnl, BytesOf(args.scenarios * args.positions)),
                              Binding::Input(args.exposures, BytesOf(args.positions)),
                              Binding::Input(args.weights, BytesOf(args.limits * args.positions)),
                              Binding::Input(args.kinds, BytesOf(args.limits)),
                              Binding::Input(args.bounds, BytesOf(args.limits)),
                              Binding::Output(args.usage, BytesOf(args.scenarios * args.limits))};
  const Status status = Device::Get().Run(
      {.kernel = "limit_usage_f32",
       .bindings = bindings,
       .items = static_cast<uint64_t>(groups),
       .weight = kGroup * (1 + static_cast<uint64_t>(args.positions)),
       .piece =
           [&p](uint64_t first, uint64_t count) {
             p.first = static_cast<uint32_t>(first);
             return Launch{.width = count * kGroup, .group_width = kGroup, .group_height = 1};
           },
       .cancel = args.cancel});
  if (status == Status::kOk) cpu::SummariseUsage(args);
  return status;
}

}  // namespace nautilus::metal
