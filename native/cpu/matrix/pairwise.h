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
  std::vector<double> squares;   // z_i^2 where j is present; empty unless asked for
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
Status SumPairs(const Panel<T>& panel, bool with_squares, CancelFlag cancel, PairSums& out) {
  const int64_t columns = panel.columns;
  const auto cells = static_cast<size_t>(columns * columns);
  out.products.assign(cells, 0.0);
  out.counts.assign(cells, 0.0);
  out.sums.assign(cells, 0.0);
  out.squares.assign(with_squares ? cells : 0, 0.0);
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
    if (!with_squares) continue;
    for (int64_t i = 0; i < rows * columns; ++i) z[i] *= z[i];
    ParallelGemm(true, false, columns, columns, rows, 1.0, z.data(), columns, mask.data(), columns, 1.0,
                 out.squares.data(), columns);
  }
  return Status::kOk;
}

}  // namespace nautilus::cpu::matrix

#endif  // NAUTILUS_CPU_MATRIX_PAIRWISE_H_
