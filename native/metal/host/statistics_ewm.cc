// Exponentially weighted statistics on the GPU; see native/metal/kernels/statistics_ewm.metal.
#include "metal/host/statistics.h"
#include "metal/host/statistics_panel.h"

namespace nautilus::metal {
namespace {

// As in statistics_ewm.metal.
struct EwmParams {
  uint32_t series;
  uint32_t first_bar = 0;
  uint32_t bars = 0;
  uint32_t need;
  uint32_t adjust;
  uint32_t ignore_na;
  uint32_t bias;
  float keep = 0, keep_rest = 0;
  float fresh = 0, fresh_rest = 0;
};
constexpr int64_t kSums = 16;
// A bar of a series, in light threads.
constexpr uint64_t kWeight = 16;

void Split(double value, float& high, float& rest) {
  high = static_cast<float>(value);
  rest = static_cast<float>(value - static_cast<double>(high));
}

// `least` is how many values an answer needs, whatever the caller says; `y` is null for one panel.
template <class Args>
Task Fade(const char* kernel, const Args& args, int64_t least, bool bias, const void* x, const void* y) {
  if (args.bars == 0 || args.series == 0) co_return Status::kOk;
  if (!Fits(args.bars, args.series)) co_return Status::kNoBackend;
  EwmParams p{.series = static_cast<uint32_t>(args.series),
              .need = static_cast<uint32_t>(std::max(args.min_periods, least)),
              .adjust = args.adjust,
              .ignore_na = args.ignore_na,
              .bias = bias};
  Split(1 - args.alpha, p.keep, p.keep_rest);
  Split(args.adjust ? 1.0 : args.alpha, p.fresh, p.fresh_rest);
  const size_t each = BytesOf(args.bars * args.series);
  uint32_t broken = 0;
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)),
                              Binding::Result(&broken, sizeof(broken)),
                              Binding::Scratch(BytesOf(kSums * args.series)),
                              Binding::Scratch(BytesOf(args.series)),
                              Binding::Output(args.out, each),
                              Binding::Input(x, each),
                              Binding::Input(y, each)};
  const auto bound = std::span(bindings).first(y == nullptr ? 6 : 7);
  const Work work = SeriesWork(kernel, args, p, kWeight, bound);
  const Status status = co_await Device::Get().Later(work);
  // Squares of values beyond 1e19 leave the range of f32; the CPU computes in f64, and writes all answers
  // again.
  co_return status == Status::kOk&& broken != 0 ? Status::kNoBackend : status;
}

}  // namespace

Task EwmMean(EwmMeanArgs& args) { return Fade("ewm_mean_f32", args, 1, true, args.values, nullptr); }
Task EwmVar(EwmVarArgs& args) {
  return Fade("ewm_var_f32", args, args.bias ? 1 : 2, args.bias, args.values, nullptr);
}
Task EwmStd(EwmStdArgs& args) {
  return Fade("ewm_std_f32", args, args.bias ? 1 : 2, args.bias, args.values, nullptr);
}
Task EwmCovariance(EwmCovarianceArgs& args) {
  return Fade("ewm_covariance_f32", args, args.bias ? 1 : 2, args.bias, args.x, args.y);
}
Task EwmCorrelation(EwmCorrelationArgs& args) {
  return Fade("ewm_correlation_f32", args, 1, true, args.x, args.y);
}

}  // namespace nautilus::metal
