// Rolling sums, extremes and moments on the GPU; see native/metal/kernels/statistics_rolling.metal.
#include "metal/host/statistics.h"
#include "metal/host/statistics_panel.h"

namespace nautilus::metal {
namespace {

template <class Args>
Task Roll(const char* kernel, const Args& args, int64_t least, int64_t ddof, uint64_t weight) {
  if (args.bars == 0 || args.series == 0) co_return Status::kOk;
  RollingParams p;
  if (!MakeRolling(args, least, ddof, p)) co_return Status::kNoBackend;
  const size_t each = BytesOf(args.bars * args.series);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)), Binding::Input(args.values, each),
                              Binding::Output(args.out, each)};
  const Work work = RollingWork(kernel, args, p, weight, bindings);
  co_return co_await Device::Get().Later(work);
}

}  // namespace

Task RollingSum(RollingSumArgs& args) { return Roll("rolling_sum_f32", args, 0, 0, 1); }
Task RollingMean(RollingMeanArgs& args) { return Roll("rolling_mean_f32", args, 1, 0, 1); }
Task RollingMin(RollingMinArgs& args) { return Roll("rolling_min_f32", args, 1, 0, 1); }
Task RollingMax(RollingMaxArgs& args) { return Roll("rolling_max_f32", args, 1, 0, 1); }
Task RollingVar(RollingVarArgs& args) { return Roll("rolling_var_f32", args, args.ddof + 1, args.ddof, 8); }
Task RollingStd(RollingStdArgs& args) { return Roll("rolling_std_f32", args, args.ddof + 1, args.ddof, 8); }
Task RollingSkew(RollingSkewArgs& args) { return Roll("rolling_skew_f32", args, 3, 0, 12); }
Task RollingKurtosis(RollingKurtosisArgs& args) { return Roll("rolling_kurtosis_f32", args, 4, 0, 16); }

}  // namespace nautilus::metal
