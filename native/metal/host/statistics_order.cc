// Rolling quantile and rank on the GPU; see native/metal/kernels/statistics_order.metal.
#include <bit>

#include "metal/host/statistics.h"
#include "metal/host/statistics_panel.h"

namespace nautilus::metal {
namespace {

// As in statistics_order.metal.
struct QuantileParams {
  uint32_t method;
  uint32_t probability_low;
  uint32_t probability_high;
};
struct RankParams {
  uint32_t ties;
  uint32_t percent;
};
// A quantile is found in about twenty rounds over its window.
constexpr uint64_t kQuantileWeight = 24;

template <class Args, class More>
Task RollOrder(const char* kernel, const Args& args, More more, uint64_t weight) {
  if (args.bars == 0 || args.series == 0) co_return Status::kOk;
  RollingParams p;
  if (!MakeRolling(args, 1, 0, p)) co_return Status::kNoBackend;
  const size_t each = BytesOf(args.bars * args.series);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)), Binding::Bytes(&more, sizeof(more)),
                              Binding::Input(args.values, each), Binding::Output(args.out, each)};
  const Work work = RollingWork(kernel, args, p, weight, bindings);
  co_return co_await Device::Get().Later(work);
}

}  // namespace

Task RollingQuantile(RollingQuantileArgs& args) {
  const auto bits = std::bit_cast<uint64_t>(args.probability);
  const QuantileParams q{.method = static_cast<uint32_t>(args.method),
                         .probability_low = static_cast<uint32_t>(bits),
                         .probability_high = static_cast<uint32_t>(bits >> 32)};
  return RollOrder("rolling_quantile_f32", args, q, kQuantileWeight);
}

Task RollingRank(RollingRankArgs& args) {
  const RankParams r{.ties = static_cast<uint32_t>(args.ties), .percent = args.percent};
  return RollOrder("rolling_rank_f32", args, r, 1);
}

}  // namespace nautilus::metal
