// Arguments of an indicator's kernel; see native/metal/kernels/indicator_frame.metal.
#include "metal/host/indicators.h"

#include <vector>

#include "metal/host/device.h"

namespace nautilus::metal {
namespace {

// As in indicator_frame.metal.
struct IndicatorParams {
  uint32_t series;
  uint32_t first_bar;
  uint32_t bars;
  uint32_t warmup;
  uint32_t rings;
};

}  // namespace

Task RunIndicator(const cpu::indicators::IndicatorRow& row, const char* kernel,
                  const cpu::indicators::IndicatorCall& call) {
  if (call.bars == 0 || call.series == 0) co_return Status::kOk;
  cpu::indicators::IndicatorPlan plan{};
  row.plan(call.options, call.series, plan);
  const size_t each = static_cast<size_t>(call.bars) * static_cast<size_t>(call.series) * sizeof(float);
  const int64_t slots = row.slots(call.options, Dtype::kF32);
  IndicatorParams params{.series = static_cast<uint32_t>(call.series),
                         .first_bar = 0,
                         .bars = 0,
                         .warmup = static_cast<uint32_t>(std::min<int64_t>(plan.warmup, call.bars)),
                         .rings = static_cast<uint32_t>(plan.rings)};
  uint32_t broken = 0;
  // The kernel reads whole words, also of a plan without numbers.
  const size_t plan_bytes = (static_cast<size_t>(plan.size) + 7) / 8 * 8;
  std::vector<Binding> bindings = {Binding::Bytes(plan.bytes, plan_bytes),
                                   Binding::Bytes(&params, sizeof(params)),
                                   Binding::Result(&broken, sizeof(broken))};
  if (!plan.windows)
    bindings.push_back(Binding::Scratch(static_cast<size_t>(slots * call.series) * sizeof(float)));
  for (size_t i = 0; i < row.inputs.size(); ++i) bindings.push_back(Binding::Input(call.inputs[i], each));
  for (size_t i = 0; i < row.outputs.size(); ++i) bindings.push_back(Binding::Output(call.outputs[i], each));
  const bool windows = plan.windows;
  const Work work{.kernel = kernel,
                  .bindings = bindings,
                  .items = static_cast<uint64_t>(call.bars),
                  .weight = static_cast<uint64_t>(call.series),
                  .piece =
                      [&params, windows](uint64_t first, uint64_t count) {
                        params.first_bar = static_cast<uint32_t>(first);
                        params.bars = static_cast<uint32_t>(count);
                        return Launch{.width = params.series, .height = windows ? count : 1};
                      },
                  .cancel = call.cancel};
  const Status status = co_await Device::Get().Later(work);
  co_return status == Status::kOk&& broken != 0 ? Status::kNonFinite : status;
}

}  // namespace nautilus::metal
