// Compiles the relative strength index for every SIMD target and picks one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/rsi.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include "core/kernel_table.h"
#include "cpu/rsi-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

void RsiF64(const RsiArgs& args) {
  RsiPanel(args.bars, args.series, args.period, static_cast<const double*>(args.close),
           static_cast<double*>(args.out));
}

void RsiF32(const RsiArgs& args) {
  RsiPanel(args.bars, args.series, args.period, static_cast<const float*>(args.close),
           static_cast<float*>(args.out));
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(RsiF64);
HWY_EXPORT(RsiF32);

Status Rsi(RsiArgs& args) {
  if (args.bars * args.series == 0) return Status::kOk;
  args.dtype == Dtype::kF64 ? HWY_DYNAMIC_DISPATCH(RsiF64)(args) : HWY_DYNAMIC_DISPATCH(RsiF32)(args);
  return Status::kOk;
}

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
