// Means of the columns of a row-major panel, and the sum of products of its centred columns, block of rows by
// block of rows: no copy of the whole panel is made.
#ifndef NAUTILUS_CPU_MATRIX_COLUMNS_H_
#define NAUTILUS_CPU_MATRIX_COLUMNS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/parallel.h"
#include "cpu/matrix/parallel_blas.h"
#include "cpu/matrix/support.h"

namespace nautilus::cpu::matrix {

template <typename T>
struct Panel {
  const T* values;  // [rows, columns], row-major
  int64_t rows;
  int64_t columns;
};

// Returns the rows that one block holds: about 2 MiB, which stays in the second-level cache between centring
// and product.
template <typename T>
int64_t BlockRows(const Panel<T>& panel) {
  constexpr int64_t kBytes = int64_t{5} << 18;
  const int64_t fits = kBytes / (static_cast<int64_t>(sizeof(T)) * std::max<int64_t>(panel.columns, 1));
  return std::min(panel.rows, std::max<int64_t>(fits, 64));
}

// Returns the mean of every column, in double. Sums run over the differences from the first row, so that a
// constant column has its own value as the mean, exactly. A column with a NaN or infinity has a mean that is
// not finite.
template <typename T>
std::vector<double> ColumnMeans(const Panel<T>& panel) {
  const auto [values, rows, columns] = panel;
  const int64_t grain = std::max<int64_t>(256, (rows + 31) / 32);
  const int64_t chunks = (rows + grain - 1) / grain;
  std::vector<double> partial(chunks * columns, 0.0);
  ParallelFor(chunks, [&, values = values, rows = rows, columns = columns](int64_t chunk) {
    double* sum = partial.data() + chunk * columns;
    const int64_t last = std::min(rows, (chunk + 1) * grain);
    int64_t row = chunk * grain;
    for (; row + 4 <= last; row += 4) {
      const T* x = values + row * columns;
      for (int64_t j = 0; j < columns; ++j) {
        const double first = values[j];
        sum[j] += ((x[j] - first) + (x[j + columns] - first)) +
                  ((x[j + 2 * columns] - first) + (x[j + 3 * columns] - first));
      }
    }
    for (; row < last; ++row) {
      const T* x = values + row * columns;
      for (int64_t j = 0; j < columns; ++j) sum[j] += x[j] - static_cast<double>(values[j]);
    }
  });
  std::vector<double> mean(columns, 0.0);
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    for (int64_t j = 0; j < columns; ++j) mean[j] += partial[chunk * columns + j];
  }
  for (int64_t j = 0; j < columns; ++j) {
    mean[j] = static_cast<double>(values[j]) + mean[j] / static_cast<double>(rows);
  }
  return mean;
}

// Writes rows [first, first + count) less the mean of each column.
template <typename T>
void Centre(const Panel<T>& panel, const double* mean, int64_t first, int64_t count, T* out) {
  const int64_t columns = panel.columns;
  const int64_t grain = std::max<int64_t>(16, (int64_t{1} << 15) / columns);
  ParallelRanges(count, grain, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; ++row) {
      const T* x = panel.values + (first + row) * columns;
      T* y = out + row * columns;
      for (int64_t j = 0; j < columns; ++j) y[j] = static_cast<T>(x[j] - mean[j]);
    }
  });
}

// Returns into how many shares the rows of a panel are cut, each with a sum of its own: as many as memory of
// at most half the panel's allows, in powers of 2 up to 16, of at least 512 rows.
template <typename T>
int64_t Shares(const Panel<T>& panel) {
  if (kBlasHasThreads) return 1;
  int64_t shares = 1;
  while (shares < 16 && panel.rows >= shares * 2 * std::max<int64_t>(512, 2 * panel.columns)) shares *= 2;
  return shares;
}

// Writes the lower triangle of the sum over all rows of (x - mean)(x - mean)' into `gram` [columns, columns].
// Returns kCancelled when the caller gave up.
template <typename T>
Status CentredGram(const Panel<T>& panel, const double* mean, CancelFlag cancel, T* gram) {
  const int64_t columns = panel.columns;
  const int64_t shares = Shares(panel);
  const int64_t share = (panel.rows + shares - 1) / shares;
  const int64_t block = std::min(BlockRows(panel), share);
  // Not filled with zeros first: that alone would take a few percent of the whole.
  const auto sums = std::make_unique_for_overwrite<T[]>((shares - 1) * columns * columns);
  const auto centred = std::make_unique_for_overwrite<T[]>(shares * block * columns);
  ParallelFor(shares, [&](int64_t chunk) {
    T* sum = chunk == 0 ? gram : sums.get() + (chunk - 1) * columns * columns;
    T* rows = centred.get() + chunk * block * columns;
    const int64_t last = std::min(panel.rows, (chunk + 1) * share);
    for (int64_t first = chunk * share; first < last; first += block) {
      if (IsCancelled(cancel)) return;
      const int64_t count = std::min(block, last - first);
      Centre(panel, mean, first, count, rows);
      const T kept = first == chunk * share ? T{0} : T{1};
      ParallelSyrk(true, columns, count, T{1}, rows, columns, kept, sum, columns);
    }
  });
  if (IsCancelled(cancel)) return Status::kCancelled;
  ParallelRanges(columns, Piece(columns, 64), [&](int64_t from, int64_t to) {
    for (int64_t chunk = 0; chunk + 1 < shares; ++chunk) {
      const T* sum = sums.get() + chunk * columns * columns;
      for (int64_t row = from; row < to; ++row) {
        for (int64_t j = 0; j <= row; ++j) gram[row * columns + j] += sum[row * columns + j];
      }
    }
  });
  return Status::kOk;
}

}  // namespace nautilus::cpu::matrix

#endif  // NAUTILUS_CPU_MATRIX_COLUMNS_H_
