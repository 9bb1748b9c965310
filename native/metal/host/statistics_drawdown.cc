// Drawdowns on the GPU; see native/metal/kernels/statistics_drawdown.metal.
#include "metal/host/statistics.h"
#include "metal/host/statistics_panel.h"

namespace nautilus::metal {
namespace {

// As in statistics_drawdown.metal.
struct DrawdownParams {
  uint32_t series;
  uint32_t first_bar = 0;
  uint32_t bars = 0;
  uint32_t all_bars;
  uint32_t relative;
  uint32_t wanted = 0;
};
constexpr int64_t kStates = 8;
// A bar of a series, in light threads.
constexpr uint64_t kWeight = 16;

template <class Args>
DrawdownParams ParamsOf(const Args& args) {
  return {.series = static_cast<uint32_t>(args.series),
          .all_bars = static_cast<uint32_t>(args.bars),
          .relative = args.relative};
}

}  // namespace

Task Drawdown(DrawdownArgs& args) {
  if (args.bars == 0 || args.series == 0) co_return Status::kOk;
  if (!Fits(args.bars, args.series)) co_return Status::kNoBackend;
  DrawdownParams p = ParamsOf(args);
  const size_t each = BytesOf(args.bars * args.series);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)), Binding::Scratch(BytesOf(args.series)),
                              Binding::Input(args.values, each), Binding::Output(args.out, each)};
  const Work work = SeriesWork("drawdown_f32", args, p, kWeight, bindings);
  co_return co_await Device::Get().Later(work);
}

Task MaxDrawdown(MaxDrawdownArgs& args) {
  if (args.series == 0) co_return Status::kOk;
  // Without bars there is nothing to run, and still an answer.
  if (args.bars == 0 || !Fits(args.bars, args.series)) co_return Status::kNoBackend;
  DrawdownParams p = ParamsOf(args);
  const size_t each = BytesOf(args.series);
  Binding bindings[] = {Binding::Bytes(&p, sizeof(p)),
                        Binding::Scratch(static_cast<size_t>(kStates) * each),
                        Binding::Input(args.values, BytesOf(args.bars * args.series)),
                        Binding::Output(args.depth, each),
                        OutputOf(args.start, each),
                        OutputOf(args.trough, each),
                        OutputOf(args.recovery, each)};
  p.wanted = (args.start != nullptr ? 1U : 0U) | (args.trough != nullptr ? 2U : 0U) |
             (args.recovery != nullptr ? 4U : 0U);
  const Work work = SeriesWork("max_drawdown_f32", args, p, kWeight, bindings);
  co_return co_await Device::Get().Later(work);
}

}  // namespace nautilus::metal
