// Runs a test on every SIMD target of this machine.
#ifndef NAUTILUS_TEST_TARGETS_H_
#define NAUTILUS_TEST_TARGETS_H_

#include <cstdint>

#include "core/build_info.h"
#include "hwy/targets.h"
#include "test/check.h"

namespace nautilus::test {

// Calls `body` with Highway limited to each target that this machine runs, one after the other.
template <class Body>
void OnEachTarget(const Body& body) {
  const int64_t supported = hwy::SupportedTargets() & HWY_TARGETS;
  for (int64_t rest = supported; rest != 0; rest &= rest - 1) {
    const int64_t target = rest & -rest;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    CHECK(DescribeBuild().simd_target == hwy::TargetName(target));
    body(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_TARGETS_H_
