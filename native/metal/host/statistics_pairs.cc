// Rolling covariance, correlation and regression on the GPU; see native/metal/kernels/statistics_pairs.metal.
#include <vector>

#include "metal/host/statistics.h"
#include "metal/host/statistics_panel.h"

namespace nautilus::metal {
namespace {

// As in statistics_pairs.metal.
struct Wanted {
  uint32_t intercept;
  uint32_t r2;
  uint32_t residual;
};
constexpr uint64_t kPairsWeight = 12;

template <class Args>
Task RollPairs(const char* kernel, const Args& args, int64_t least, int64_t ddof) {
  if (args.bars == 0 || args.series == 0) co_return Status::kOk;
  RollingParams p;
  if (!MakeRolling(args, least, ddof, p)) co_return Status::kNoBackend;
  const size_t each = BytesOf(args.bars * args.series);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)), Binding::Input(args.x, each),
                              Binding::Input(args.y, each), Binding::Output(args.out, each)};
  const Work work = RollingWork(kernel, args, p, kPairsWeight, bindings);
  co_return co_await Device::Get().Later(work);
}

}  // namespace

Task RollingCovariance(RollingCovarianceArgs& args) {
  return RollPairs("rolling_covariance_f32", args, args.ddof + 1, args.ddof);
}

Task RollingCorrelation(RollingCorrelationArgs& args) {
  return RollPairs("rolling_correlation_f32", args, 2, 0);
}

Task RollingRegression(RollingRegressionArgs& args) {
  if (args.bars == 0 || args.series == 0) co_return Status::kOk;
  // Time is counted in f32.
  constexpr int64_t kMostCounted = int64_t{1} << 24;
  RollingParams p;
  if (args.window > kMostCounted || !MakeRolling(args, 2, 0, p)) co_return Status::kNoBackend;
  const size_t each = BytesOf(args.bars * args.series);
  const Wanted wanted{
      .intercept = args.intercept != nullptr, .r2 = args.r2 != nullptr, .residual = args.residual != nullptr};
  std::vector<Binding> bindings = {Binding::Bytes(&p, sizeof(p)), Binding::Bytes(&wanted, sizeof(wanted)),
                                   Binding::Input(args.y, each)};
  if (args.x != nullptr) bindings.push_back(Binding::Input(args.x, each));
  for (void* out : {args.slope, args.intercept, args.r2, args.residual})
    bindings.push_back(OutputOf(out, each));
  const char* const kernel = args.x != nullptr ? "rolling_regression_f32" : "rolling_trend_f32";
  const Work work = RollingWork(kernel, args, p, kPairsWeight, bindings);
  co_return co_await Device::Get().Later(work);
}

}  // namespace nautilus::metal
