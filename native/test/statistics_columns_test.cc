// Summaries of columns against the scalar reference.
#include <atomic>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/statistics/reference.h"
#include "test/check.h"
#include "test/statistics_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using test::Fenced;
using test::OnEachTarget;

// Normal values with gaps and infinities; by column smooth, rounded to ties with both zeros, constant, all
// missing.
template <typename T>
std::vector<T> Table(int64_t rows, int64_t columns, bool column_major, uint32_t seed) {
  std::vector<T> values = test::Normal<T>(rows * columns, seed);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      T& value = values[column_major ? column * rows + row : row * columns + column];
      if (column % 5 == 1) value = std::round(value * 2) / 2;
      if (column % 5 == 2) value = 1000 + value;
      if (column % 5 == 3) value = T{7};
      if (column % 5 == 4 || (row * 7 + column) % 13 == 5) value = static_cast<T>(test::kNone);
      if ((row * 5 + column) % 17 == 3) value = -std::numeric_limits<T>::infinity();
    }
  }
  return values;
}

template <typename T>
void CheckTable(const char* target, int64_t rows, int64_t columns, int64_t points, bool column_major,
                int64_t shift) {
  Fenced<T> values(Table<T>(rows, columns, column_major, uint32_t(rows + columns)), shift);
  Fenced<uint32_t> counts(3 * columns, shift), plain_counts(3 * columns, 0);
  Fenced<double> moments(4 * columns, shift), plain_moments(4 * columns, 0);
  Fenced<T> out(points * columns, shift), plain_out(points * columns, 0);
  Fenced<uint8_t> registers(1024 * columns, shift), plain_registers(1024 * columns, 0);
  ColumnSummariesArgs args{.dtype = test::Kind<T>(),
                           .rows = rows,
                           .columns = columns,
                           .summary_points = points,
                           .column_major = column_major,
                           .values = values.data(),
                           .counts = counts.data(),
                           .moments = moments.data(),
                           .points = out.data(),
                           .registers = registers.data()};
  CHECK(cpu::ColumnSummaries(args) == Status::kOk);
  CHECK(counts.Whole() && moments.Whole() && out.Whole() && registers.Whole());
  args.counts = plain_counts.data(), args.moments = plain_moments.data();
  args.points = plain_out.data(), args.registers = plain_registers.data();
  cpu::reference::ColumnSummaries(args);
  const char* where = column_major ? "by columns" : "by rows";
  CHECK(test::Worst(counts, plain_counts, 3 * columns, 1.0) == 0, "%s counts %s", target, where);
  CHECK(test::Worst(out, plain_out, points * columns, 1.0) == 0, "%s points %s", target, where);
  CHECK(test::Worst(registers, plain_registers, 1024 * columns, 1.0) == 0, "%s registers %s", target, where);
  CHECK(test::Worst(moments, plain_moments, 4 * columns, 1.0) <= 1e-10, "%s moments %s, %d rows", target,
        where, static_cast<int>(rows));
}

TEST("summaries of columns are those of the sorted values, on every SIMD target") {
  OnEachTarget([](const char* target) {
    for (const bool column_major : {false, true}) {
      for (const int64_t rows : {0, 1, 2, 7, 63, 64, 65, 200}) {
        for (const int64_t columns : {0, 1, 5, 16, 17}) {
          CheckTable<float>(target, rows, columns, 16, column_major, rows % 3);
          CheckTable<double>(target, rows, columns, 32, column_major, columns % 3);
        }
      }
      CheckTable<float>(target, 5000, 3, 1, column_major, 1);
      CheckTable<double>(target, 5000, 18, 256, column_major, 0);
      CheckTable<float>(target, 5000, 18, 8192, column_major, 2);
      // Long enough to be sorted by digits, gaps left out.
      CheckTable<float>(target, 9000, 5, 512, column_major, 0);
      CheckTable<double>(target, 9000, 5, 16384, column_major, 1);
    }
  });
}

TEST("summaries of columns stop when they are cancelled") {
  const std::atomic<uint32_t> cancelled{1};
  const std::vector<float> values(20);
  std::vector<uint32_t> counts(6);
  std::vector<double> moments(8);
  std::vector<float> points(8);
  std::vector<uint8_t> registers(2048);
  ColumnSummariesArgs args{.dtype = Dtype::kF32, .rows = 10, .columns = 2, .summary_points = 4};
  args.values = values.data(), args.counts = counts.data(), args.moments = moments.data();
  args.points = points.data(), args.registers = registers.data(), args.cancel = &cancelled;
  CHECK(cpu::ColumnSummaries(args) == Status::kCancelled);
}

}  // namespace
}  // namespace nautilus
