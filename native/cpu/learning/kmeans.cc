// K-means: greedy k-means++, then rounds of Lloyd over pieces of the rows, whose sums go in their order.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/learning/kmeans.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <vector>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/learning/kmeans-inl.h"
#include "cpu/matrix/support.h"
#include "cpu/random/philox.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

void NearestF64(const double* tile, const double* centres, int64_t columns, int64_t count, int32_t* labels,
                double* nearest) {
  NearestOf(tile, centres, columns, count, labels, nearest);
}
void NearestF32(const float* tile, const float* centres, int64_t columns, int64_t count, int32_t* labels,
                float* nearest) {
  NearestOf(tile, centres, columns, count, labels, nearest);
}
void FarF64(const double* tile, const double* centre, int64_t columns, double* out) {
  DistancesTo(tile, centre, columns, out);
}
void FarF32(const float* tile, const float* centre, int64_t columns, float* out) {
  DistancesTo(tile, centre, columns, out);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(NearestF64);
HWY_EXPORT(NearestF32);
HWY_EXPORT(FarF64);
HWY_EXPORT(FarF32);

namespace {

void Nearest(const double* tile, const double* centres, int64_t columns, int64_t count, int32_t* labels,
             double* nearest) {
  HWY_DYNAMIC_DISPATCH(NearestF64)(tile, centres, columns, count, labels, nearest);
}
void Nearest(const float* tile, const float* centres, int64_t columns, int64_t count, int32_t* labels,
             float* nearest) {
  HWY_DYNAMIC_DISPATCH(NearestF32)(tile, centres, columns, count, labels, nearest);
}
void Far(const double* tile, const double* centre, int64_t columns, double* out) {
  HWY_DYNAMIC_DISPATCH(FarF64)(tile, centre, columns, out);
}
void Far(const float* tile, const float* centre, int64_t columns, float* out) {
  HWY_DYNAMIC_DISPATCH(FarF32)(tile, centre, columns, out);
}

template <typename T>
T* Held(const Scratch<T>& memory) {
  if (!memory) throw std::bad_alloc();
  return memory.get();
}

template <typename T>
class KMeansRun {
 public:
  explicit KMeansRun(KmeansArgs& args)
      : args_(args),
        values_(static_cast<const T*>(args.values)),
        weights_(static_cast<const T*>(args.weights)),
        centres_(static_cast<T*>(args.centres)),
        tiles_(values_, args.rows, args.columns),
        far_memory_(tiles_.size() * kTileRows),
        far_(Held(far_memory_)) {
    if (!tiles_) throw std::bad_alloc();
    // Tables of all pieces together are no larger than the rows, and a piece is worth waking a thread for.
    const int64_t most = std::clamp<int64_t>(args.rows / args.clusters, 1, 64);
    piece_ = std::max<int64_t>(64, (tiles_.size() + most - 1) / most);
    pieces_ = (tiles_.size() + piece_ - 1) / piece_;
  }

  Status Run() {
    if (args_.start != nullptr) {
      std::copy_n(static_cast<const T*>(args_.start), args_.clusters * args_.columns, centres_);
    } else if (!Seed()) {
      return Status::kCancelled;
    }
    for (int64_t i = 0; args_.path != nullptr && i < args_.max_iterations; ++i) {
      args_.path[i] = std::numeric_limits<double>::quiet_NaN();
    }
    std::fill_n(args_.labels, args_.rows, -1);
    const double still = args_.tolerance * MeanVariance();
    const Scratch<double> memory(pieces_ * TableSize());
    sums_ = Held(memory);
    int64_t round = 0;
    double inertia = 0;
    bool settled = false;  // whether the labels are of the centres as they are
    for (bool moving = true; moving && !settled && round < args_.max_iterations;) {
      settled = !Assign(inertia);
      if (args_.Cancelled()) return Status::kCancelled;
      if (args_.path != nullptr) args_.path[round] = inertia;
      ++round;
      if (!settled) moving = Update() > still;
    }
    if (!settled) Assign(inertia);
    if (args_.Cancelled()) return Status::kCancelled;
    *args_.inertia = inertia;
    *args_.iterations = static_cast<int32_t>(round);
    return Status::kOk;
  }

 private:
  // Sums of the columns of each cluster, its weight, then inertia and changes of the piece.
  int64_t TableSize() const { return args_.clusters * (args_.columns + 1) + 2; }
  double Weight(int64_t row) const { return weights_ == nullptr ? 1.0 : static_cast<double>(weights_[row]); }

  template <class Body>
  void Pieces(const Body& body) const {
    ParallelFor(pieces_, [&](int64_t piece) {
      for (int64_t tile = piece * piece_; tile < std::min(tiles_.size(), (piece + 1) * piece_); ++tile) {
        if (tile % 64 == 0 && args_.Cancelled()) return;
        body(piece, tile);
      }
    });
  }

  // Gives each row to its nearest centre and sums up for the next one. Returns whether a label changed.
  bool Assign(double& inertia) {
    std::fill_n(sums_, pieces_ * TableSize(), 0.0);
    const int64_t columns = args_.columns;
    Pieces([&](int64_t piece, int64_t tile) {
      int32_t labels[kTileRows];
      T* const far = far_ + tile * kTileRows;
      Nearest(tiles_[tile], centres_, columns, args_.clusters, labels, far);
      double* const table = sums_ + piece * TableSize();
      double* const totals = table + args_.clusters * (columns + 1);
      const int64_t first = tile * kTileRows;
      for (int64_t i = 0; i < std::min(kTileRows, args_.rows - first); ++i) {
        const int64_t row = first + i;
        const double weight = Weight(row);
        double* const sum = table + labels[i] * (columns + 1);
        const T* x = values_ + row * columns;
        for (int64_t j = 0; j < columns; ++j) sum[j] += weight * static_cast<double>(x[j]);
        sum[columns] += weight;
        totals[0] += weight * static_cast<double>(far[i]);
        if (args_.labels[row] != labels[i]) totals[1] += 1;
        args_.labels[row] = labels[i];
      }
    });
    for (int64_t piece = 1; piece < pieces_; ++piece) {
      for (int64_t i = 0; i < TableSize(); ++i) sums_[i] += sums_[piece * TableSize() + i];
    }
    inertia = sums_[TableSize() - 2];
    return sums_[TableSize() - 1] > 0;
  }

  // Moves the centres to the means of their rows. Returns the sum of the squared ways.
  double Update() {
    const int64_t columns = args_.columns;
    for (int64_t k = 0; k < args_.clusters; ++k) {
      if (sums_[k * (columns + 1) + columns] == 0) Refill(k);
    }
    double moved = 0;
    for (int64_t k = 0; k < args_.clusters; ++k) {
      const double* sum = sums_ + k * (columns + 1);
      if (!(sum[columns] > 0)) continue;
      for (int64_t j = 0; j < columns; ++j) {
        const T mean = static_cast<T>(sum[j] / sum[columns]);
        const double by = static_cast<double>(mean) - static_cast<double>(centres_[k * columns + j]);
        moved += by * by;
        centres_[k * columns + j] = mean;
      }
    }
    return moved;
  }

  // Takes the row that is farthest from its centre, and not the last of it, for cluster k.
  void Refill(int64_t k) {
    const int64_t columns = args_.columns;
    int64_t farthest = -1;
    for (int64_t row = 0; row < args_.rows; ++row) {
      const double* own = sums_ + args_.labels[row] * (columns + 1);
      if (Weight(row) == 0 || own[columns] <= Weight(row)) continue;
      if (farthest < 0 || far_[row] > far_[farthest]) farthest = row;
    }
    if (farthest < 0 || !(far_[farthest] > 0)) return;
    const double weight = Weight(farthest);
    double* const from = sums_ + args_.labels[farthest] * (columns + 1);
    double* const to = sums_ + k * (columns + 1);
    for (int64_t j = 0; j < columns; ++j) {
      const double part = weight * static_cast<double>(values_[farthest * columns + j]);
      from[j] -= part;
      to[j] += part;
    }
    from[columns] -= weight;
    to[columns] += weight;
    args_.labels[farthest] = static_cast<int32_t>(k);
    far_[farthest] = 0;
  }

  // From the differences to the first row, in one pass.
  double MeanVariance() const {
    const int64_t columns = args_.columns;
    const int64_t size = 2 * columns + 1;
    std::vector<double> tables(pieces_ * size);
    Pieces([&](int64_t piece, int64_t tile) {
      double* const table = tables.data() + piece * size;
      const int64_t first = tile * kTileRows;
      for (int64_t row = first; row < std::min(args_.rows, first + kTileRows); ++row) {
        const double weight = Weight(row);
        for (int64_t j = 0; j < columns; ++j) {
          const double far =
              static_cast<double>(values_[row * columns + j]) - static_cast<double>(values_[j]);
          table[j] += weight * far;
          table[columns + j] += weight * far * far;
        }
        table[2 * columns] += weight;
      }
    });
    for (int64_t i = size; i < pieces_ * size; ++i) tables[i % size] += tables[i];
    const double total = tables[2 * columns];
    double sum = 0;
    for (int64_t j = 0; j < columns; ++j) {
      const double mean = tables[j] / total;
      sum += std::max(0.0, tables[columns + j] / total - mean * mean);
    }
    return columns == 0 ? 0 : sum / static_cast<double>(columns);
  }

  double Uniform(uint32_t draw, uint32_t which) const {
    const PhiloxBlock block = Philox({draw, which, 0, 0}, PhiloxKeys(args_.seed), kPhiloxMaxRounds);
    return static_cast<double>((uint64_t{block[0]} << 32 | block[1]) >> 11) * 0x1p-53;
  }

  // Returns the row at which the running sum of chances passes `at` of all; never one without a chance.
  int64_t Drawn(const std::vector<double>& running, double at) const {
    const double target = at * running.back();
    auto found = std::upper_bound(running.begin(), running.end(), target);
    if (found == running.end()) found = std::lower_bound(running.begin(), running.end(), running.back());
    return found - running.begin();
  }

  // Draws the first centres: each is the best of a few rows, drawn by their squared distance to the nearest
  // centre so far. Returns false when the caller gave up.
  bool Seed() {
    const int64_t trials = 2 + static_cast<int64_t>(std::log(static_cast<double>(args_.clusters)));
    const int64_t padded = tiles_.size() * kTileRows;
    std::vector<double> running(args_.rows);
    const Scratch<T> memory(2 * padded);
    T* nearest = Held(memory);    // squared distances to the nearest centre so far
    T* trial = nearest + padded;  // the same with the row that is tried
    T* kept = far_;               // the same with the best row of this draw
    std::vector<double> gains(pieces_);
    for (int64_t row = 0; row < args_.rows; ++row)
      running[row] = Weight(row) + (row > 0 ? running[row - 1] : 0);
    for (int64_t k = 0; k < args_.clusters; ++k) {
      double least = 0;
      int64_t best = -1;
      for (int64_t t = 0; t < (k == 0 ? 1 : trials); ++t) {
        const int64_t row = Drawn(running, Uniform(static_cast<uint32_t>(k), static_cast<uint32_t>(t)));
        std::fill(gains.begin(), gains.end(), 0.0);
        const T* centre = values_ + row * args_.columns;
        Pieces([&](int64_t piece, int64_t tile) {
          T* const far = trial + tile * kTileRows;
          Far(tiles_[tile], centre, args_.columns, far);
          const int64_t first = tile * kTileRows;
          for (int64_t i = 0; i < std::min(kTileRows, args_.rows - first); ++i) {
            if (k > 0) far[i] = std::min(far[i], nearest[first + i]);
            gains[piece] += Weight(first + i) * static_cast<double>(far[i]);
          }
        });
        if (args_.Cancelled()) return false;
        double sum = 0;
        for (const double gain : gains) sum += gain;
        if (best >= 0 && !(sum < least)) continue;
        best = row;
        least = sum;
        std::swap(trial, kept);
      }
      std::copy_n(values_ + best * args_.columns, args_.columns, centres_ + k * args_.columns);
      std::swap(nearest, kept);
      double sum = 0;
      for (int64_t row = 0; row < args_.rows; ++row) {
        sum += Weight(row) * static_cast<double>(nearest[row]);
        running[row] = sum;
      }
      // Fewer different rows than centres: any row will do.
      for (int64_t row = 0; sum == 0 && row < args_.rows; ++row) {
        running[row] = Weight(row) + (row > 0 ? running[row - 1] : 0);
      }
    }
    return true;
  }

  KmeansArgs& args_;
  const T* const values_;
  const T* const weights_;
  T* const centres_;
  const Tiles<T> tiles_;
  const Scratch<T> far_memory_;
  T* const far_;
  int64_t piece_ = 1;
  int64_t pieces_ = 1;
  double* sums_ = nullptr;
};

template <typename T>
Status CheckRows(KmeansArgs& args) {
  const auto* weights = static_cast<const T*>(args.weights);
  const auto* start = static_cast<const T*>(args.start);
  args.detail = matrix::FirstNonFinite(static_cast<const T*>(args.values), args.rows * args.columns);
  if (args.detail < 0 && weights != nullptr) args.detail = matrix::FirstNonFinite(weights, args.rows);
  if (args.detail < 0 && start != nullptr) {
    args.detail = matrix::FirstNonFinite(start, args.clusters * args.columns);
  }
  if (args.detail >= 0) return Status::kNonFinite;
  int64_t usable = 0;
  for (args.detail = 0; args.detail < args.rows; ++args.detail) {
    if (weights == nullptr || weights[args.detail] > 0) ++usable;
    if (weights != nullptr && weights[args.detail] < 0) return Status::kInvalidOption;
  }
  return usable < args.clusters ? Status::kInvalidOption : Status::kOk;
}

}  // namespace

Status Kmeans(KmeansArgs& args) {
  return matrix::WithType(args.dtype, [&](auto type) {
    using T = decltype(type);
    const Status refused = CheckRows<T>(args);
    return refused == Status::kOk ? KMeansRun<T>(args).Run() : refused;
  });
}

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
