// The best question for a node, looked up in its tables.
#ifndef NAUTILUS_CPU_TREES_SPLIT_H_
#define NAUTILUS_CPU_TREES_SPLIT_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/trees.h"
#include "cpu/trees/cells.h"

namespace nautilus::trees {

// Between which values a leaf has to stay; monotone columns above it narrow them.
struct Bounds {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

// A question: which bins go left.
struct Split {
  double gain = 0;
  int64_t feature = -1;
  int bin = 0;                // numbers: bins up to this go left
  bool missing_left = false;  // numbers: where the bin after the last goes
  bool category = false;
  std::array<uint32_t, kSetWords> set{};  // categories: these go left
  Sums left{};

  bool found() const { return feature >= 0; }
  bool GoesLeft(int value, int bins) const {
    if (category) return (set[value >> 5] >> (value & 31) & 1) != 0;
    return value == bins ? missing_left : value <= bin;
  }
};

// What gains and values of leaves are worked out with; Chen and Guestrin 2016, equations 5 and 7, with the
// soft threshold of l1.
struct Rules {
  double l1;
  double l2;
  double min_gain;
  double min_hessian;
  int64_t min_rows;
  double category_smooth;
  double category_l2;
  int64_t category_most;
  int64_t category_rows;

  explicit Rules(const Options& options)
      : l1(options.l1),
        l2(options.l2),
        min_gain(options.min_gain),
        min_hessian(std::max(options.min_hessian, 1e-300)),
        min_rows(std::max<int64_t>(1, options.min_rows)),
        category_smooth(options.category_smooth),
        category_l2(options.category_l2),
        category_most(options.category_most),
        category_rows(options.category_rows) {}

  double Shrunk(double gradient) const { return std::max(std::abs(gradient) - l1, 0.0); }
  double Score(double gradient, double hessian, double more_l2 = 0) const {
    const double shrunk = Shrunk(gradient);
    return shrunk * shrunk / (hessian + l2 + more_l2);
  }
  double Value(const Sums& sums, const Bounds& bounds, double more_l2 = 0) const {
    const double size = Shrunk(sums.gradient) / (sums.hessian + l2 + more_l2);
    return std::clamp(sums.gradient > 0 ? -size : size, bounds.low, bounds.high);
  }
  // The score where a leaf can't have its best value.
  double ScoreAt(const Sums& sums, double value, double more_l2 = 0) const {
    return -(2 * sums.gradient * value + (sums.hessian + l2 + more_l2) * value * value +
             2 * l1 * std::abs(value));
  }
  bool Allowed(const Sums& sums) const { return sums.rows >= min_rows && sums.hessian >= min_hessian; }
};

inline Sums Less(const Sums& all, const Sums& part) {
  return {all.gradient - part.gradient, all.hessian - part.hessian, all.rows - part.rows};
}

// A node whose splits are looked for.
struct Searched {
  Sums sums;
  double score;  // of it as a leaf
  Bounds bounds;
};

// The sums of each bin of a column, out of its table.
struct Column {
  const Sums* bins;
  int count;
  Sums missing;
};

// Returns the best split of a column of numbers whose gain is above `least`; not found where there is none.
// `monotone` is 1, -1 or 0.
Split SplitNumbers(const Column& column, const Searched& node, const Rules& rules, int monotone,
                   double least);

// The same for categories, in the order of gradient over hessian, from both ends: Fisher 1958; Ke et al.
// 2017.
Split SplitCategories(const Column& column, const Searched& node, const Rules& rules, double least);

// Adds the gains of all cuts of a column of numbers to [bins, 2], missing values right and left; a cut that
// leaves a side empty gains nothing, nor does one of which the monotone column keeps both sides the same.
void AddGains(const Column& column, const Searched& node, const Rules& rules, int monotone, double* gains);

}  // namespace nautilus::trees

#endif  // NAUTILUS_CPU_TREES_SPLIT_H_
