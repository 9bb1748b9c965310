// Sums over the rows where both of two columns have a value, for all pairs of columns at once.
#ifndef NAUTILUS_CPU_MATRIX_PAIRWISE_H_
#define NAUTILUS_CPU_MATRIX_PAIRWISE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "cpu/matrix/columns.h"

namespace nautilus::cpu::matrix {

// Sums over the rows where columns i and j are both present, with z = x less a shift of its column. All
// [columns, columns]; `products` and `counts` only in the lower triangle.
struct PairSums {
  std::vector<double> products;  // z_i z_j
  std::vector<double> counts;    // 1
  std::vector<double> sums;      // z_i where j is present
  std::vector<double> squares;   // z_i^2 where j is present
};

// Returns for every column the mean of its present values: near enough to every pair's own mean that the sums
// lose no digits, and for a column of equal values that very value.
template <typename T>
std::vector<double> PresentMeans(const Panel<T>& panel) {
  const auto [values, rows, columns] = panel;
  std::vector<double> first(columns, 0.0);
  std::vector<double> sum(columns, 0.0);
  std::vector<int64_t> count(columns, 0);
  for (int64_t row = 0; row < rows; ++row) {
    const T* x = values + row * columns;
    for (int64_t j = 0; j < columns; ++j) {
      if (std::isnan(x[j])) continue;
      if (count[j]++ == 0) first[j] = x[j];
      sum[j] += x[j] - first[j];
    }
  }
  for (int64_t j = 0; j < columns; ++j) {
    if (count[j] > 0) first[j] += sum[j] / static_cast<double>(count[j]);
  }
  return first;
}

// Computes the sums as products of matrices: values with 0 for what is missing, and a mask of 0 and 1. In
// double for both element types: the sums are subtracted from each other later.
template <typename T>
Status SumPairs(const Panel<T>& panel, CancelFlag cancel, PairSums& out) {
  const int64_t columns = panel.columns;
  const auto cells = static_cast<size_t>(columns * columns);
  out.products.assign(cells, 0.0);
  out.counts.assign(cells, 0.0);
  out.sums.assign(cells, 0.0);
  out.squares.assign(cells, 0.0);
  const std::vector<double> shift = PresentMeans(panel);
  const int64_t block = std::min<int64_t>(BlockRows(panel), 1024);
  std::vector<double> z(block * columns);
  std::vector<double> mask(block * columns);
  for (int64_t first = 0; first < panel.rows; first += block) {
    if (IsCancelled(cancel)) return Status::kCancelled;
    const int64_t rows = std::min(block, panel.rows - first);
    ParallelRanges(rows, 32, [&](int64_t from, int64_t to) {
      for (int64_t row = from; row < to; ++row) {
        const T* x = panel.values + (first + row) * columns;
        for (int64_t j = 0; j < columns; ++j) {
          const bool present = x[j] == x[j];
          z[row * columns + j] = present ? x[j] - shift[j] : 0.0;
          mask[row * columns + j] = present ? 1.0 : 0.0;
        }
      }
    });
    ParallelSyrk(true, columns, rows, 1.0, z.data(), columns, 1.0, out.products.data(), columns);
    ParallelSyrk(true, columns, rows, 1.0, mask.data(), columns, 1.0, out.counts.data(), columns);
    ParallelGemm(true, false, columns, columns, rows, 1.0, z.data(), columns, mask.data(), columns, 1.0,
                 out.sums.data(), columns);
    for (int64_t i = 0; i < rows * columns; ++i) z[i] *= z[i];
    ParallelGemm(true, false, columns, columns, rows, 1.0, z.data(), columns, mask.data(), columns, 1.0,
                 out.squares.data(), columns);
  }
  return Status::kOk;
}

// Sums around the pair's own means.
struct PairMoments {
  double count = 0;
  double product = 0;
  double left = 0;  // squares
  double right = 0;
};

// Two passes over the rows that a pair has in common.
template <typename T>
PairMoments PairInTwoPasses(const Panel<T>& panel, int64_t i, int64_t j) {
  PairMoments pair;
  double left = 0;
  double right = 0;
  const auto each = [&](const auto& add) {
    for (int64_t row = 0; row < panel.rows; ++row) {
      const double x = panel.values[row * panel.columns + i];
      const double y = panel.values[row * panel.columns + j];
      if (x == x && y == y) add(x, y);
    }
  };
  double first_x = 0;
  double first_y = 0;
  each([&](double x, double y) {
    if (pair.count == 0) {
      first_x = x;
      first_y = y;
    }
    pair.count += 1;
    left += x - first_x;
    right += y - first_y;
  });
  left = first_x + left / pair.count;
  right = first_y + right / pair.count;
  each([&](double x, double y) {
    pair.product += (x - left) * (y - right);
    pair.left += (x - left) * (x - left);
    pair.right += (y - right) * (y - right);
  });
  return pair;
}

// Returns the sums of a pair around its own means. Where these lie so far from the means of the whole columns
// that the difference would keep fewer than 13 digits, which is rare, the rows are visited again.
template <typename T>
PairMoments MomentsOf(const Panel<T>& panel, const PairSums& sums, int64_t i, int64_t j) {
  const int64_t at = i * panel.columns + j;
  const int64_t turned = j * panel.columns + i;
  PairMoments pair;
  pair.count = sums.counts[at];
  if (pair.count == 0) return pair;
  pair.product = sums.products[at] - sums.sums[at] * sums.sums[turned] / pair.count;
  pair.left = sums.squares[at] - sums.sums[at] * sums.sums[at] / pair.count;
  pair.right = sums.squares[turned] - sums.sums[turned] * sums.sums[turned] / pair.count;
  const bool exact = pair.left > 1e-3 * sums.squares[at] && pair.right > 1e-3 * sums.squares[turned];
  return exact ? pair : PairInTwoPasses(panel, i, j);
}

}  // namespace nautilus::cpu::matrix

#endif  // NAUTILUS_CPU_MATRIX_PAIRWISE_H_
