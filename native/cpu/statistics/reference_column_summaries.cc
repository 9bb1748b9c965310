// Summaries of columns by the book: sorted values, two passes for the moments, a set of the different ones.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "cpu/statistics/distinct.h"
#include "cpu/statistics/reference.h"

namespace nautilus::cpu::reference {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <typename T>
void Column(ColumnSummariesArgs& args, int64_t column) {
  std::vector<T> numbers;
  uint32_t* counts = args.counts + 3 * column;
  std::fill_n(counts, 3, 0u);
  for (int64_t row = 0; row < args.rows; ++row) {
    const int64_t at = args.column_major ? column * args.rows + row : row * args.columns + column;
    const T value = static_cast<const T*>(args.values)[at];
    ++counts[std::isnan(value) ? 1 : std::isinf(value) ? 2 : 0];
    if (std::isfinite(value)) numbers.push_back(value == 0 ? T{0} : value);
  }
  std::sort(numbers.begin(), numbers.end());
  T* points = static_cast<T*>(args.points) + column * args.summary_points;
  std::fill_n(points, args.summary_points, static_cast<T>(kNaN));
  const auto count = static_cast<int64_t>(numbers.size());
  for (int64_t i = 0; i < std::min(count, args.summary_points); ++i) {
    const double share = (2.0 * double(i) + 1) / (2.0 * double(args.summary_points));
    points[i] = count <= args.summary_points ? numbers[i] : numbers[int64_t(share * double(count))];
  }
  double mean = 0;
  for (const T value : numbers) mean += double(value) / double(count);
  double squares = 0;
  for (const T value : numbers) squares += (double(value) - mean) * (double(value) - mean);
  double* moments = args.moments + 4 * column;
  moments[0] = count == 0 ? kNaN : double(numbers.front());
  moments[1] = count == 0 ? kNaN : double(numbers.back());
  moments[2] = count == 0 ? kNaN : mean;
  moments[3] = count == 0 ? kNaN : squares;
  uint8_t* registers = args.registers + column * kDistinctRegisters;
  std::fill_n(registers, kDistinctRegisters, uint8_t{0});
  for (const T value : std::set<T>(numbers.begin(), numbers.end())) NoteDistinct(double(value), registers);
}

}  // namespace

Status ColumnSummaries(ColumnSummariesArgs& args) {
  for (int64_t column = 0; column < args.columns; ++column)
    args.dtype == Dtype::kF64 ? Column<double>(args, column) : Column<float>(args, column);
  return Status::kOk;
}

}  // namespace nautilus::cpu::reference
