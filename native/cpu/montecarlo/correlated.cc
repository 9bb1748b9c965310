// Correlated normals for every SIMD target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/montecarlo/correlated.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include <cmath>

#include "cpu/montecarlo/correlated.h"
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// kWide vectors at a time share the loads of the factor.
template <int kWide, typename T>
HWY_INLINE void AddLanes(int64_t n, const T* a, const T* z, T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < n; ++i) {
    hn::Vec<decltype(d)> sum[kWide];
    T* to = y + i * kTilePaths;
    for (int k = 0; k < kWide; ++k) sum[k] = hn::LoadU(d, to + k * lanes);
    for (int64_t j = 0; j <= i; ++j) {
      const auto factor = hn::Set(d, a[i * n + j]);
      const T* from = z + j * kTilePaths;
      for (int k = 0; k < kWide; ++k) sum[k] = hn::MulAdd(factor, hn::LoadU(d, from + k * lanes), sum[k]);
    }
    for (int k = 0; k < kWide; ++k) hn::StoreU(sum[k], d, to + k * lanes);
  }
}

template <typename T>
HWY_INLINE void Add(int64_t n, const T* a, const T* z, T* y) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  if (4 * lanes <= kTilePaths) {
    for (int64_t lane = 0; lane < kTilePaths; lane += 4 * lanes) AddLanes<4>(n, a, z + lane, y + lane);
  } else {
    for (int64_t lane = 0; lane < kTilePaths; lane += lanes) AddLanes<1>(n, a, z + lane, y + lane);
  }
}

template <typename T>
HWY_INLINE void Exps(const T* from, double scale, T* to) {
  const hn::ScalableTag<T> d;
  const auto by = hn::Set(d, static_cast<T>(scale));
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < kTilePaths; i += lanes) {
    hn::StoreU(hn::Mul(by, hn::Exp(d, hn::LoadU(d, from + i))), d, to + i);
  }
}

void AddF32(int64_t n, const float* a, const float* z, float* y) { Add(n, a, z, y); }
void AddF64(int64_t n, const double* a, const double* z, double* y) { Add(n, a, z, y); }
void ExpF32(const float* from, double scale, float* to) { Exps(from, scale, to); }
void ExpF64(const double* from, double scale, double* to) { Exps(from, scale, to); }

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(AddF32);
HWY_EXPORT(AddF64);
HWY_EXPORT(ExpF32);
HWY_EXPORT(ExpF64);

int64_t LowerFactor(int64_t n, std::vector<double>& a) {
  const auto at = [&](int64_t i, int64_t j) -> double& { return a[static_cast<size_t>(i * n + j)]; };
  for (int64_t j = 0; j < n; ++j) {
    double pivot = at(j, j);
    const double scale = pivot;
    for (int64_t k = 0; k < j; ++k) pivot -= at(j, k) * at(j, k);
    // What is left of a pivot that only rounding keeps from 0.
    const double tiny = 1e-12 * scale;
    if (!(pivot >= -tiny)) return j + 1;
    const double root = pivot > tiny ? std::sqrt(pivot) : 0;
    for (int64_t i = j + 1; i < n; ++i) {
      double sum = at(i, j);
      for (int64_t k = 0; k < j; ++k) sum -= at(i, k) * at(j, k);
      // A zero pivot needs a zero column, else the matrix is indefinite.
      if (root == 0 && std::abs(sum) > 1e-6 * std::sqrt(std::abs(scale * at(i, i)))) return i + 1;
      at(i, j) = root > 0 ? sum / root : 0;
      at(j, i) = 0;
    }
    at(j, j) = root;
  }
  return 0;
}

void AddCorrelated(int64_t n, const float* a, const float* z, float* y) {
  HWY_DYNAMIC_DISPATCH(AddF32)(n, a, z, y);
}
void AddCorrelated(int64_t n, const double* a, const double* z, double* y) {
  HWY_DYNAMIC_DISPATCH(AddF64)(n, a, z, y);
}
void ExpRow(const float* from, double scale, float* to) { HWY_DYNAMIC_DISPATCH(ExpF32)(from, scale, to); }
void ExpRow(const double* from, double scale, double* to) { HWY_DYNAMIC_DISPATCH(ExpF64)(from, scale, to); }

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
