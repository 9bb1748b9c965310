// Simulates tiles of paths of one underlying for every SIMD target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/montecarlo/paths.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include "cpu/montecarlo/paths.h"
#include "cpu/montecarlo/processes-inl.h"
#include "cpu/random/normal-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

template <int kRounds, typename T>
void FillRows(const NormalSource& source, int64_t first_path, int64_t dimensions, T* rows) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> one, two;
  for (int64_t lane = 0; lane < kTilePaths; lane += lanes) {
    const PhiloxNormals<decltype(d), kRounds> normals(d, *source.keys, source.stream, first_path + lane);
    T* to = rows + lane;
    int64_t dimension = 0;
    for (; dimension + 1 < dimensions; dimension += 2) {
      normals.Pair(source.blocks[dimension / 2], one, two);
      hn::StoreU(one, d, to + dimension * kTilePaths);
      hn::StoreU(two, d, to + (dimension + 1) * kTilePaths);
    }
    if (dimension < dimensions) {
      normals.Pair(source.blocks[dimension / 2], one, two);
      hn::StoreU(one, d, to + dimension * kTilePaths);
    }
  }
}

template <class D, class Process, class Watch>
HWY_INLINE void SaveEnd(D d, const PathModel& model, const Process& process, const Watch& watch, int64_t lane,
                        PathEnds<hn::TFromD<D>>& ends) {
  using T = hn::TFromD<D>;
  const auto base = hn::Set(d, static_cast<T>(model.base));
  hn::StoreU(hn::Mul(hn::Exp(d, process.x), base), d, ends.spot + lane);
  watch.Save(d, model, lane, ends);
}

// From rows that were filled before.
template <class Process, class Watch, class D>
HWY_NOINLINE void FromRows(D d, const PathModel& model, const NormalSource& source,
                           PathEnds<hn::TFromD<D>>& ends) {
  using T = hn::TFromD<D>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto sign = hn::Set(d, static_cast<T>(source.sign));
  for (int64_t lane = 0; lane < kTilePaths; lane += lanes) {
    Process process(d, model);
    Watch watch(d, model, lane, ends);
    const T* row = static_cast<const T*>(source.rows) + lane;
    for (int64_t step = 0; step < model.steps; ++step, row += Process::kFactors * kTilePaths) {
      hn::Vec<D> z[Process::kFactors];
      for (int64_t i = 0; i < Process::kFactors; ++i)
        z[i] = hn::Mul(sign, hn::LoadU(d, row + i * kTilePaths));
      const auto before = process.x;
      process.Step(d, step, z);
      watch.See(d, before, process);
    }
    SaveEnd(d, model, process, watch, lane, ends);
  }
}

// Normals go from the counters into the steps without touching memory: what the speed of plain prices rests
// on.
template <int kRounds, class Watch, class D>
HWY_NOINLINE void FromCounters(D d, const PathModel& model, const NormalSource& source, int64_t first_path,
                               PathEnds<hn::TFromD<D>>& ends) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t lane = 0; lane < kTilePaths; lane += lanes) {
    const PhiloxNormals<D, kRounds> normals(d, *source.keys, source.stream, first_path + lane);
    GbmProcess<D> process(d, model);
    Watch watch(d, model, lane, ends);
    hn::Vec<D> one, two;
    int64_t step = 0;
    for (; step + 1 < model.steps; step += 2) {
      normals.Pair(source.blocks[step / 2], one, two);
      auto before = process.x;
      process.Step(d, step, &one);
      watch.See(d, before, process);
      before = process.x;
      process.Step(d, step + 1, &two);
      watch.See(d, before, process);
    }
    if (step < model.steps) {
      normals.Pair(source.blocks[step / 2], one, two);
      const auto before = process.x;
      process.Step(d, step, &one);
      watch.See(d, before, process);
    }
    SaveEnd(d, model, process, watch, lane, ends);
  }
}

template <class Process, class D>
HWY_INLINE void Watched(D d, const PathModel& model, const NormalSource& source,
                        PathEnds<hn::TFromD<D>>& ends) {
  switch (model.watch) {
    case Watch::kEnd:
      return FromRows<Process, WatchEnd<D>>(d, model, source, ends);
    case Watch::kMeans:
      return FromRows<Process, WatchMeans<D>>(d, model, source, ends);
    case Watch::kExtremes:
      return FromRows<Process, WatchExtremes<D>>(d, model, source, ends);
    case Watch::kCrossing:
      if constexpr (Process::kContinuous) {
        return FromRows<Process, WatchCrossing<D>>(d, model, source, ends);
      }
      return;
    case Watch::kAll:
      return FromRows<Process, WatchAll<D>>(d, model, source, ends);
  }
}

template <int kRounds, class D>
HWY_INLINE void WatchedFromCounters(D d, const PathModel& model, const NormalSource& source,
                                    int64_t first_path, PathEnds<hn::TFromD<D>>& ends) {
  switch (model.watch) {
    case Watch::kEnd:
      return FromCounters<kRounds, WatchEnd<D>>(d, model, source, first_path, ends);
    case Watch::kMeans:
      return FromCounters<kRounds, WatchMeans<D>>(d, model, source, first_path, ends);
    case Watch::kExtremes:
      return FromCounters<kRounds, WatchExtremes<D>>(d, model, source, first_path, ends);
    case Watch::kCrossing:
      return FromCounters<kRounds, WatchCrossing<D>>(d, model, source, first_path, ends);
    case Watch::kAll:
      return FromCounters<kRounds, WatchAll<D>>(d, model, source, first_path, ends);
  }
}

template <typename T>
HWY_INLINE void Simulate(const PathModel& model, const NormalSource& source, int64_t first_path,
                         PathEnds<T>& ends) {
  const hn::ScalableTag<T> d;
  if (source.rows == nullptr) {
    return source.rounds == 7 ? WatchedFromCounters<7>(d, model, source, first_path, ends)
                              : WatchedFromCounters<10>(d, model, source, first_path, ends);
  }
  switch (model.process) {
    case Process::kGbm:
      return Watched<GbmProcess<decltype(d)>>(d, model, source, ends);
    case Process::kMerton:
      return Watched<MertonProcess<decltype(d)>>(d, model, source, ends);
    case Process::kHeston:
      return Watched<HestonProcess<decltype(d)>>(d, model, source, ends);
    case Process::kLocalVol:
      return Watched<LocalVolProcess<decltype(d)>>(d, model, source, ends);
  }
}

void FillF32(const NormalSource& source, int64_t first_path, int64_t dimensions, float* rows) {
  source.rounds == 7 ? FillRows<7>(source, first_path, dimensions, rows)
                     : FillRows<10>(source, first_path, dimensions, rows);
}
void FillF64(const NormalSource& source, int64_t first_path, int64_t dimensions, double* rows) {
  source.rounds == 7 ? FillRows<7>(source, first_path, dimensions, rows)
                     : FillRows<10>(source, first_path, dimensions, rows);
}
void SimulateF32(const PathModel& model, const NormalSource& source, int64_t first_path,
                 PathEnds<float>& ends) {
  Simulate(model, source, first_path, ends);
}
void SimulateF64(const PathModel& model, const NormalSource& source, int64_t first_path,
                 PathEnds<double>& ends) {
  Simulate(model, source, first_path, ends);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(FillF32);
HWY_EXPORT(FillF64);
HWY_EXPORT(SimulateF32);
HWY_EXPORT(SimulateF64);

void FillNormals(const NormalSource& source, int64_t first_path, int64_t dimensions, float* rows) {
  HWY_DYNAMIC_DISPATCH(FillF32)(source, first_path, dimensions, rows);
}
void FillNormals(const NormalSource& source, int64_t first_path, int64_t dimensions, double* rows) {
  HWY_DYNAMIC_DISPATCH(FillF64)(source, first_path, dimensions, rows);
}
void SimulateTile(const PathModel& model, const NormalSource& source, int64_t first_path,
                  PathEnds<float>& ends) {
  HWY_DYNAMIC_DISPATCH(SimulateF32)(model, source, first_path, ends);
}
void SimulateTile(const PathModel& model, const NormalSource& source, int64_t first_path,
                  PathEnds<double>& ends) {
  HWY_DYNAMIC_DISPATCH(SimulateF64)(model, source, first_path, ends);
}

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
