// Runs an indicator whose value depends on the last `rows` bars only, each value computed anew from its
// window: no error accumulates and a later start changes no bit. Lanes are series in a panel and bars in a
// series alone.
//
// Such an indicator is a struct with
//   Options, kWindows            the option struct; how many columns the window keeps (at most 3);
//   template <typename T> Plan   constants from the options, and `rows`, at most kMaxWindowRows;
//   Prepare(d, plan, in, kept)   what of a bar is kept, one vector for each column;
//   Value(d, plan, window, out)  the outputs from a window; window(column, row) is a vector, row 0 the
//   oldest.
#if defined(NAUTILUS_CPU_INDICATORS_WINDOW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_WINDOW_INL_H_
#undef NAUTILUS_CPU_INDICATORS_WINDOW_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_WINDOW_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "cpu/indicators/frame-inl.h"
#include "cpu/indicators/prices-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

inline constexpr int64_t kMaxWindowRows = 1024;
inline constexpr int64_t kWindowBlock = 512;

// The windows of some lanes. Rows of one window lie `stride` elements apart.
template <class D, int kWindows>
struct Windows {
  using T = hn::TFromD<D>;
  D d;
  const T* oldest[kWindows];
  int64_t stride;

  HWY_INLINE hn::Vec<D> operator()(int column, int64_t row) const {
    return hn::LoadU(d, oldest[column] + row * stride);
  }
};

template <class Spec>
struct Windowed {
  using Options = typename Spec::Options;
  static constexpr int kWindows = Spec::kWindows;

  // Each column twice: what is written at a row is written again a window further, so that every window lies
  // in one piece. A series alone keeps its last rows in order instead.
  template <typename T>
  static int64_t Slots(const Options& options) {
    return typename Spec::template Plan<T>(options).rows * 2 * kWindows;
  }

  template <typename T>
  static bool Run(const Options& options, const IndicatorCall& call, int64_t first_tile, int64_t last_tile) {
    const typename Spec::template Plan<T> plan(options);
    const int64_t slots = plan.rows * 2 * kWindows;
    for (int64_t index = first_tile; index < last_tile; ++index) {
      const Tile<Spec, T> tile(call, slots, index);
      const bool finite = call.series == 1 ? RunSeries<T>(call, plan, options.Warmup(), tile)
                                           : RunTile<T>(call, plan, options.Warmup(), tile);
      if (!finite) return false;
    }
    return true;
  }

 private:
  template <typename T, class Plan>
  static HWY_INLINE bool RunTile(const IndicatorCall& call, const Plan& plan, int64_t warmup,
                                 const Tile<Spec, T>& tile) {
    int64_t row_in_ring = call.first_bar % plan.rows;
    for (int64_t row = 0; row < call.bars; ++row) {
      if (!tile.FiniteRow(row, call)) return false;
      Row(plan, tile, row_in_ring, row, call.first_bar + row >= warmup);
      if (++row_in_ring == plan.rows) row_in_ring = 0;
    }
    return true;
  }

  template <typename T, class Plan>
  static HWY_INLINE void Row(const Plan& plan, const Tile<Spec, T>& tile, int64_t row_in_ring, int64_t row,
                             bool values) {
    using D = hn::ScalableTag<T>;
    const D d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    const int64_t ring = plan.rows * tile.padded;  // elements between a row and its copy
    for (int64_t at = 0; at < tile.width; at += lanes) {
      const int64_t rest = tile.width - at;
      const int64_t offset = row * tile.series + at;
      hn::Vec<D> in[Tile<Spec, T>::kInputs];
      hn::Vec<D> out[Tile<Spec, T>::kOutputs];
      for (int i = 0; i < Tile<Spec, T>::kInputs; ++i) {
        in[i] = HWY_LIKELY(rest >= lanes) ? hn::LoadU(d, tile.in[i] + offset)
                                          : LoadSome(d, tile.in[i] + offset, rest);
      }
      hn::Vec<D> kept[kWindows];
      Spec::Prepare(d, plan, in, kept);
      Windows<D, kWindows> window{d, {}, tile.padded};
      for (int column = 0; column < kWindows; ++column) {
        T* slot = tile.state + column * 2 * ring + row_in_ring * tile.padded + at;
        hn::StoreU(kept[column], d, slot);
        hn::StoreU(kept[column], d, slot + ring);
        window.oldest[column] = slot + tile.padded;
      }
      if (HWY_LIKELY(values)) Spec::Value(d, plan, window, out);
      for (int i = 0; i < Tile<Spec, T>::kOutputs; ++i) {
        const auto value = values ? out[i] : hn::Set(d, kNaN<T>);
        if (HWY_LIKELY(rest >= lanes)) {
          hn::StoreU(value, d, tile.out[i] + offset);
        } else {
          StoreSome(value, d, tile.out[i] + offset, rest);
        }
      }
    }
  }

  template <typename T, class Plan>
  static HWY_INLINE bool RunSeries(const IndicatorCall& call, const Plan& plan, int64_t warmup,
                                   const Tile<Spec, T>& tile) {
    using D = hn::ScalableTag<T>;
    const D d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    const int64_t before = plan.rows - 1;
    // The window's columns over the last rows and a block of new ones, with room for a vector that looks
    // beyond.
    HWY_ALIGN T kept[kWindows][kMaxWindowRows + kWindowBlock + HWY_MAX_BYTES / sizeof(T)];
    for (int column = 0; column < kWindows; ++column) {
      std::memcpy(kept[column], tile.state + column * plan.rows, static_cast<size_t>(before) * sizeof(T));
    }
    for (int64_t from = 0; from < call.bars;) {
      const int64_t count = std::min(kWindowBlock, call.bars - from);
      if (!call.checked && !tile.FiniteBars(from, from + count)) return false;
      for (int64_t at = 0; at < count; at += lanes) PrepareBars(d, plan, tile, kept, before, from, at, count);
      for (int64_t at = 0; at < count; at += lanes) {
        const int64_t rest = count - at;
        Windows<D, kWindows> window{d, {}, 1};
        for (int column = 0; column < kWindows; ++column) window.oldest[column] = kept[column] + at;
        hn::Vec<D> out[Tile<Spec, T>::kOutputs];
        Spec::Value(d, plan, window, out);
        for (int i = 0; i < Tile<Spec, T>::kOutputs; ++i) {
          T* to = tile.out[i] + from + at;
          if (HWY_LIKELY(rest >= lanes)) {
            hn::StoreU(out[i], d, to);
          } else {
            StoreSome(out[i], d, to, rest);
          }
        }
      }
      for (int column = 0; column < kWindows; ++column) {
        std::memmove(kept[column], kept[column] + count, static_cast<size_t>(before) * sizeof(T));
      }
      from += count;
    }
    for (int column = 0; column < kWindows; ++column) {
      std::memcpy(tile.state + column * plan.rows, kept[column], static_cast<size_t>(before) * sizeof(T));
    }
    const int64_t empty = std::clamp<int64_t>(warmup - call.first_bar, 0, call.bars);
    for (int i = 0; i < Tile<Spec, T>::kOutputs; ++i) std::fill_n(tile.out[i], empty, kNaN<T>);
    return true;
  }

  template <class D, typename T, class Plan, size_t kLength>
  static HWY_INLINE void PrepareBars(D d, const Plan& plan, const Tile<Spec, T>& tile,
                                     T (&kept)[kWindows][kLength], int64_t before, int64_t from, int64_t at,
                                     int64_t count) {
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    const int64_t rest = count - at;
    hn::Vec<D> in[Tile<Spec, T>::kInputs];
    for (int i = 0; i < Tile<Spec, T>::kInputs; ++i) {
      const T* source = tile.in[i] + from + at;
      in[i] = HWY_LIKELY(rest >= lanes) ? hn::LoadU(d, source) : LoadSome(d, source, rest);
    }
    hn::Vec<D> values[kWindows];
    Spec::Prepare(d, plan, in, values);
    for (int column = 0; column < kWindows; ++column)
      hn::StoreU(values[column], d, kept[column] + before + at);
  }
};

// The mean of the first column, summed from the oldest; `plan.period` is its length.
template <class D, class Plan, class Window>
HWY_INLINE hn::Vec<D> MeanOf(D d, const Plan& plan, const Window& window) {
  auto sum = hn::Zero(d);
  for (int64_t row = 0; row < plan.rows; ++row) sum = hn::Add(sum, window(0, row));
  return hn::Div(sum, hn::Set(d, plan.period));
}

// The distance of the highest from the lowest value of the first column.
template <class Plan, class Window>
HWY_INLINE auto SpanOf(const Plan& plan, const Window& window) {
  auto top = window(0, 0);
  auto bottom = top;
  for (int64_t row = 1; row < plan.rows; ++row) {
    top = hn::Max(top, window(0, row));
    bottom = hn::Min(bottom, window(0, row));
  }
  return hn::Sub(top, bottom);
}

// The deviation of a population around `mean`.
template <class D, class Plan, class Window>
HWY_INLINE hn::Vec<D> DeviationOf(D d, const Plan& plan, const Window& window, hn::Vec<D> mean) {
  auto squares = hn::Zero(d);
  for (int64_t row = 0; row < plan.rows; ++row) {
    const auto distance = hn::Sub(window(0, row), mean);
    squares = hn::Add(squares, hn::Mul(distance, distance));
  }
  return hn::Sqrt(hn::Div(squares, hn::Set(d, plan.period)));
}

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_WINDOW_INL_H_
