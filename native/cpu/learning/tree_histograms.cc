// Histograms of gradient-boosted trees. Tiles of features go over the rows, so that few tables need to be
// added; where features alone would keep few threads busy, pieces of the rows have tables of their own.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <new>
#include <type_traits>

#include "core/kernel_table.h"
#include "core/learning_call.h"
#include "core/parallel.h"
#include "cpu/statistics/scratch.h"

namespace nautilus::cpu {
namespace {

constexpr int64_t kCheckRows = 64 * 1024;
constexpr int64_t kRowsAtOnce = 16 * 1024;  // between two looks at the cancel flag

int64_t FirstNonFinite(const TreeHistogramsArgs& args) {
  const auto bad = [&](const void* values, int64_t i) {
    return args.dtype == Dtype::kF64 ? !std::isfinite(static_cast<const double*>(values)[i])
                                     : !std::isfinite(static_cast<const float*>(values)[i]);
  };
  for (int64_t i = 0; i < args.rows; ++i) {
    if (bad(args.gradients, i) || bad(args.hessians, i)) return i;
  }
  return -1;
}

// The largest of the bits of a float or double without their signs: they order like the sizes, NaN and
// infinity last.
template <typename T>
T LargestSize(const void* values, int64_t count) {
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  std::atomic<Bits> all{0};
  ParallelRanges(count, kCheckRows, [&](int64_t first, int64_t last) {
    Bits most = 0;
    for (int64_t i = first; i < last; ++i) {
      const Bits bits =
          std::bit_cast<Bits>(static_cast<const T*>(values)[i]) & ~(Bits{1} << (sizeof(T) * 8 - 1));
      most = std::max(most, bits);
    }
    for (Bits seen = all.load(); seen < most && !all.compare_exchange_weak(seen, most);) {
    }
  });
  return std::bit_cast<T>(all.load());
}

// Every value is below 2^(exponent of the largest + 1), and so is their sum times the rows.
int ScaleOf(double largest, int64_t rows) {
  if (largest == 0) return 0;
  return 62 - static_cast<int>(std::bit_width(static_cast<uint64_t>(rows))) - (std::ilogb(largest) + 1);
}

template <typename T>
bool AreFinite(const TreeHistogramsArgs& args, TreeScales& scales) {
  const T gradient = LargestSize<T>(args.gradients, args.rows);
  const T hessian = LargestSize<T>(args.hessians, args.rows);
  if (!std::isfinite(gradient) || !std::isfinite(hessian)) return false;
  scales = {.gradients = ScaleOf(gradient, args.rows), .hessians = ScaleOf(hessian, args.rows)};
  return true;
}

// The tables of one call: sums in integers for f32, as they are for f64.
template <typename T>
class Tables {
 public:
  using Sum = std::conditional_t<sizeof(T) == 8, double, int64_t>;

  Tables(const TreeHistogramsArgs& args, const TreeScales& scales)
      : args_(args), scales_(scales), cells_(args.nodes * args.features * args.bin_count) {
    // As many features as have their tables in the second cache; fewer than 8 would read the bins again and
    // again.
    tile_ = std::clamp<int64_t>(12 * 1024 / (args.nodes * args.bin_count), 8, 32);
    tiles_ = (args.features + tile_ - 1) / tile_;
    // Tables that take longer to be added than to be filled gain nothing.
    const int64_t worth = std::min(args.rows / kCheckRows, args.rows * args.features / (4 * cells_));
    pieces_ = std::clamp<int64_t>(worth, 1, 16);
    rows_ = (args.rows + pieces_ - 1) / pieces_;
  }

  Status Run() {
    const Scratch<Sum> sums(2 * cells_ * pieces_);
    const Scratch<uint32_t> counts(cells_ * pieces_);
    if (!sums || !counts) throw std::bad_alloc();
    sums_ = sums.get();
    counts_ = counts.get();
    ParallelFor(tiles_ * pieces_, [this](int64_t task) { Fill(task % tiles_, task / tiles_); });
    if (args_.Cancelled()) return Status::kCancelled;
    ParallelRanges(cells_, kCheckRows, [this](int64_t first, int64_t last) { Write(first, last); });
    return Status::kOk;
  }

 private:
  Sum Of(T value, int scale) const {
    if constexpr (sizeof(T) == 8)
      return value;
    else
      return FixedOf(value, scale);
  }

  void Fill(int64_t tile, int64_t piece) {
    const int64_t first = tile * tile_;
    const int64_t width = std::min(tile_, args_.features - first);
    const int64_t bins = args_.bin_count;
    const int64_t a_node = args_.features * bins;
    Sum* const sums = sums_ + 2 * (piece * cells_ + first * bins);
    uint32_t* const counts = counts_ + piece * cells_ + first * bins;
    for (int64_t node = 0; node < args_.nodes; ++node) {
      std::fill_n(sums + 2 * node * a_node, 2 * width * bins, Sum{0});
      std::fill_n(counts + node * a_node, width * bins, 0u);
    }
    const int64_t end = std::min(args_.rows, (piece + 1) * rows_);
    for (int64_t start = piece * rows_; start < end; start += kRowsAtOnce) {
      if (args_.Cancelled()) return;
      for (int64_t row = start; row < std::min(end, start + kRowsAtOnce); ++row) {
        if (args_.node[row] < 0) continue;
        const Sum gradient = Of(static_cast<const T*>(args_.gradients)[row], scales_.gradients);
        const Sum hessian = Of(static_cast<const T*>(args_.hessians)[row], scales_.hessians);
        const uint8_t* from = args_.bins + row * args_.features + first;
        const int64_t table = args_.node[row] * a_node;
        for (int64_t feature = 0; feature < width; ++feature) {
          if (from[feature] >= bins) continue;
          const int64_t cell = table + feature * bins + from[feature];
          sums[2 * cell] += gradient;
          sums[2 * cell + 1] += hessian;
          ++counts[cell];
        }
      }
    }
  }

  // Adds the tables of the pieces in their order.
  void Write(int64_t first, int64_t last) const {
    const double gradient = std::ldexp(1.0, -scales_.gradients);
    const double hessian = std::ldexp(1.0, -scales_.hessians);
    for (int64_t cell = first; cell < last; ++cell) {
      Sum sum[2] = {};
      uint32_t count = 0;
      for (int64_t piece = 0; piece < pieces_; ++piece) {
        const int64_t at = piece * cells_ + cell;
        sum[0] += sums_[2 * at];
        sum[1] += sums_[2 * at + 1];
        count += counts_[at];
      }
      auto* to = static_cast<T*>(args_.sums) + 2 * cell;
      if constexpr (sizeof(T) == 8) {
        to[0] = sum[0];
        to[1] = sum[1];
      } else {
        to[0] = static_cast<T>(static_cast<double>(sum[0]) * gradient);
        to[1] = static_cast<T>(static_cast<double>(sum[1]) * hessian);
      }
      args_.counts[cell] = count;
    }
  }

  const TreeHistogramsArgs& args_;
  const TreeScales scales_;
  const int64_t cells_;
  int64_t tile_ = 0;
  int64_t tiles_ = 0;
  int64_t pieces_ = 0;
  int64_t rows_ = 0;
  Sum* sums_ = nullptr;
  uint32_t* counts_ = nullptr;
};

}  // namespace

Status CheckTreeRows(TreeHistogramsArgs& args, TreeScales& scales) {
  const bool finite =
      args.dtype == Dtype::kF64 ? AreFinite<double>(args, scales) : AreFinite<float>(args, scales);
  if (!finite) {
    args.detail = FirstNonFinite(args);
    return Status::kNonFinite;
  }
  for (int64_t i = 0; i < args.rows; ++i) {
    if (args.node[i] < args.nodes) continue;
    args.detail = i;
    return Status::kInvalidOption;
  }
  return Status::kOk;
}

Status TreeHistograms(TreeHistogramsArgs& args) {
  TreeScales scales;
  const Status refused = CheckTreeRows(args, scales);
  if (refused != Status::kOk || args.nodes == 0 || args.features == 0) return refused;
  return args.dtype == Dtype::kF64 ? Tables<double>(args, scales).Run() : Tables<float>(args, scales).Run();
}

}  // namespace nautilus::cpu
