// Describes the CPU side of this build and sets the number of BLAS threads.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/build_info.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include "core/build_info.h"
#include "core/parallel.h"
#include "cpu/blas.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

int64_t ThisTarget() { return HWY_TARGET; }

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus {
namespace cpu {
namespace {

HWY_EXPORT(ThisTarget);

// Unqualified on purpose: where one target is compiled, dispatch pastes the target's namespace in front of
// the name.
const char* ChosenTarget() { return hwy::TargetName(HWY_DYNAMIC_DISPATCH(ThisTarget)()); }

std::string Compiler() {
#if defined(__clang__)
  return __VERSION__;
#else
  return std::string("GCC ") + __VERSION__;
#endif
}

std::vector<std::string> CompiledTargets() {
  std::vector<std::string> names;
  for (int64_t rest = HWY_TARGETS; rest != 0; rest &= rest - 1)
    names.emplace_back(hwy::TargetName(rest & -rest));
  return names;
}

}  // namespace
}  // namespace cpu

BuildInfo DescribeBuild() {
  BuildInfo info;
  info.compiler = cpu::Compiler();
  info.flags = NAUTILUS_FLAGS;
  info.simd_target = cpu::ChosenTarget();
  info.simd_targets = cpu::CompiledTargets();
#if defined(__APPLE__)
  info.blas = "Accelerate";
  info.blas_target = "Accelerate";
#else
  info.blas = openblas_get_config();
  info.blas_target = std::string("OpenBLAS ") + openblas_get_corename();
#endif
  return info;
}

int SetThreads(int threads) {
#if !defined(__APPLE__)  // Accelerate decides by itself
  // Kernels cut the work for BLAS: OpenBLAS would cut it by the number of threads, and so change the bits.
  openblas_set_num_threads(1);
#endif
  return SetKernelThreads(threads);
}

}  // namespace nautilus
#endif  // HWY_ONCE
