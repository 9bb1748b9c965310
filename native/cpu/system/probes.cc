// Compiles the kernels that measure the machine for every SIMD target and picks one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/system/probes.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include "core/status.h"
#include "cpu/system/probes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

void TriadAny(const TriadArgs& args) {
  args.dtype == Dtype::kF64 ? TriadAll<double>(args) : TriadAll<float>(args);
}

void FmaChainsAny(const FmaChainsArgs& args) {
  args.dtype == Dtype::kF64 ? FmaAll<double>(args) : FmaAll<float>(args);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(TriadAny);
HWY_EXPORT(FmaChainsAny);

Status Triad(TriadArgs& args) {
  HWY_DYNAMIC_DISPATCH(TriadAny)(args);
  return args.Cancelled() ? Status::kCancelled : Status::kOk;
}

Status FmaChains(FmaChainsArgs& args) {
  HWY_DYNAMIC_DISPATCH(FmaChainsAny)(args);
  return args.Cancelled() ? Status::kCancelled : Status::kOk;
}

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
