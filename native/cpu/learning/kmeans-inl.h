// Squared distances of rows to centres, the rows in lanes. Include inside foreach_target.
#if defined(NAUTILUS_CPU_LEARNING_KMEANS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_LEARNING_KMEANS_INL_H_
#undef NAUTILUS_CPU_LEARNING_KMEANS_INL_H_
#else
#define NAUTILUS_CPU_LEARNING_KMEANS_INL_H_
#endif

#include <cstdint>

#include "cpu/learning/tiles.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The squared distances of one vector of rows to kCount centres. `tile` is the first row's first column.
template <int kCount, class D, typename T = hn::TFromD<D>>
HWY_INLINE void Some(D d, const T* HWY_RESTRICT tile, const T* HWY_RESTRICT centres, int64_t columns,
                     hn::Vec<D>* sums) {
  for (int i = 0; i < kCount; ++i) sums[i] = hn::Zero(d);
  for (int64_t j = 0; j < columns; ++j) {
    const auto x = hn::LoadU(d, tile + j * kTileRows);
    for (int i = 0; i < kCount; ++i) {
      const auto far = hn::Sub(x, hn::Set(d, centres[i * columns + j]));
      sums[i] = hn::MulAdd(far, far, sums[i]);
    }
  }
}

// Writes the nearest of `count` centres for the rows of a tile, of equally near ones the first, and the
// squared distance.
// float, double / a fused multiply-add for each column, where the machine has it / any finite input.
template <typename T>
HWY_INLINE void NearestOf(const T* HWY_RESTRICT tile, const T* HWY_RESTRICT centres, int64_t columns,
                          int64_t count, int32_t* HWY_RESTRICT labels, T* HWY_RESTRICT nearest) {
  const hn::CappedTag<T, kTileRows> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN T places[kTileRows];
  for (int64_t lane = 0; lane < kTileRows; lane += lanes) {
    auto best = hn::Set(d, hwy::HighestValue<T>());
    auto place = hn::Zero(d);
    const auto keep = [&](hn::Vec<decltype(d)> far, int64_t k) HWY_ATTR {
      const auto nearer = hn::Lt(far, best);
      best = hn::IfThenElse(nearer, far, best);
      place = hn::IfThenElse(nearer, hn::Set(d, static_cast<T>(k)), place);
    };
    hn::Vec<decltype(d)> far[8];
    int64_t k = 0;
    for (; k + 8 <= count; k += 8) {
      Some<8>(d, tile + lane, centres + k * columns, columns, far);
      for (int i = 0; i < 8; ++i) keep(far[i], k + i);
    }
    for (; k + 2 <= count; k += 2) {
      Some<2>(d, tile + lane, centres + k * columns, columns, far);
      for (int i = 0; i < 2; ++i) keep(far[i], k + i);
    }
    for (; k < count; ++k) {
      Some<1>(d, tile + lane, centres + k * columns, columns, far);
      keep(far[0], k);
    }
    hn::StoreU(best, d, nearest + lane);
    hn::StoreU(place, d, places + lane);
  }
  for (int64_t lane = 0; lane < kTileRows; ++lane) labels[lane] = static_cast<int32_t>(places[lane]);
}

// Writes the squared distances of the rows of a tile to one centre.
template <typename T>
HWY_INLINE void DistancesTo(const T* HWY_RESTRICT tile, const T* HWY_RESTRICT centre, int64_t columns,
                            T* HWY_RESTRICT out) {
  const hn::CappedTag<T, kTileRows> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t lane = 0; lane < kTileRows; lane += lanes) {
    hn::Vec<decltype(d)> far[1];
    Some<1>(d, tile + lane, centre, columns, far);
    hn::StoreU(far[0], d, out + lane);
  }
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_LEARNING_KMEANS_INL_H_
