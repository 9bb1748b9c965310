// Normals as a statistician looks at them, and Sobol points as a number theorist does.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "test/check.h"
#include "test/targets.h"

namespace nautilus {
namespace {

double UpperTail(double x) { return 0.5 * std::erfc(x / std::sqrt(2.0)); }

template <typename T>
std::vector<T> Draw(int64_t dimensions, int64_t paths, uint64_t seed, NormalsArgs::Generator generator) {
  std::vector<T> out(static_cast<size_t>(dimensions * paths));
  NormalsArgs args;
  args.dtype = sizeof(T) == 8 ? Dtype::kF64 : Dtype::kF32;
  args.dimensions = dimensions;
  args.paths = paths;
  args.seed = seed;
  args.generator = generator;
  args.out = out.data();
  CHECK(cpu::Normals(args) == Status::kOk);
  return out;
}

// Correlation of two equally long rows of standard normals, in standard errors.
template <typename T>
double CorrelationErrors(const T* a, const T* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum / std::sqrt(static_cast<double>(count));
}

template <typename T>
void CheckNormal(int64_t dimensions, int64_t paths, NormalsArgs::Generator generator, const char* target) {
  const std::vector<T> z = Draw<T>(dimensions, paths, 20240607, generator);
  const auto n = static_cast<double>(z.size());
  double moment[9] = {};
  int64_t above[6] = {};
  int64_t below[6] = {};
  std::vector<int64_t> cells(4001);
  for (const T value : z) {
    const auto x = static_cast<double>(value);
    double power = 1;
    for (int i = 1; i <= 8; ++i) moment[i] += power *= x;
    for (int i = 1; i <= 5; ++i) {
      above[i] += x > i;
      below[i] += x < -i;
    }
    ++cells[static_cast<size_t>(std::clamp(x * 400 + 2000, 0.0, 4000.0))];
  }
  // Moments of a standard normal and the variances of their estimates: E z^2k - (E z^k)^2.
  const double expected[9] = {1, 0, 1, 0, 3, 0, 15, 0, 105};
  const double variance[7] = {0, 1, 2, 15, 96, 945, 10170};
  for (int i = 1; i <= 6; ++i) {
    const double errors = (moment[i] / n - expected[i]) / std::sqrt(variance[i] / n);
    CHECK(std::abs(errors) < 4.5, "%s: moment %d is %.2f standard errors off", target, i, errors);
  }
  for (int i = 1; i <= 5; ++i) {
    const double mean = n * UpperTail(i);
    CHECK(std::abs(above[i] - mean) < 4.5 * std::sqrt(mean) + 1, "%s: %d above %d, expected %.1f", target,
          static_cast<int>(above[i]), i, mean);
    CHECK(std::abs(below[i] - mean) < 4.5 * std::sqrt(mean) + 1, "%s: %d below -%d, expected %.1f", target,
          static_cast<int>(below[i]), i, mean);
  }
  // Kolmogorov and Smirnov over 4,000 cells of five sigma to each side; 2.2 / sqrt(n) is passed once in 8,000
  // times.
  double count = 0;
  double worst = 0;
  for (int64_t cell = 0; cell < 4000; ++cell) {
    count += static_cast<double>(cells[static_cast<size_t>(cell)]);
    worst = std::max(worst, std::abs(count / n - UpperTail(-(static_cast<double>(cell + 1) - 2000) / 400)));
  }
  CHECK(worst * std::sqrt(n) < 2.2, "%s: distance %.2f / sqrt(n)", target, worst * std::sqrt(n));
  // Neighbours in a pair, in steps, and in paths; also of squares, which the shared radius of a pair could
  // tie.
  const int64_t rows = dimensions - 2;
  CHECK(std::abs(CorrelationErrors(z.data(), z.data() + paths, rows * paths)) < 4.5, "%s", target);
  CHECK(std::abs(CorrelationErrors(z.data(), z.data() + 2 * paths, rows * paths)) < 4.5, "%s", target);
  CHECK(std::abs(CorrelationErrors(z.data(), z.data() + 1, rows * paths)) < 4.5, "%s", target);
  std::vector<T> squares(z.size());
  for (size_t i = 0; i < z.size(); ++i) squares[i] = (z[i] * z[i] - 1) / std::sqrt(T{2});
  CHECK(std::abs(CorrelationErrors(squares.data(), squares.data() + paths, rows * paths)) < 4.5, "%s",
        target);
  CHECK(std::abs(CorrelationErrors(squares.data(), squares.data() + 1, rows * paths)) < 4.5, "%s", target);
}

TEST("normals have the moments, tails, distances and correlations of normals, up to five sigma") {
  CheckNormal<float>(128, 1 << 17, NormalsArgs::Generator::kPhilox7, "f32 philox7");
  CheckNormal<float>(128, 1 << 15, NormalsArgs::Generator::kPhilox10, "f32 philox10");
  CheckNormal<double>(128, 1 << 15, NormalsArgs::Generator::kPhilox10, "f64 philox10");
}

TEST("normals of a longer call begin with those of a shorter one, for any number of threads") {
  const int before = KernelThreads();
  SetKernelThreads(1);
  const auto few = Draw<float>(5, 100, 3, NormalsArgs::Generator::kPhilox10);
  SetKernelThreads(4);
  const auto many = Draw<float>(600, 1000, 3, NormalsArgs::Generator::kPhilox10);
  SetKernelThreads(before);
  for (int64_t row = 0; row < 5; ++row) {
    CHECK(std::memcmp(&few[row * 100], &many[row * 1000], 100 * sizeof(float)) == 0, "row %d",
          static_cast<int>(row));
  }
}

TEST("every radius word makes a finite normal: the smallest, the largest and those that round up") {
  test::OnEachTarget([](const char* target) {
    // Draws until the words at both ends have come by many times over.
    const auto z = Draw<float>(512, 1 << 14, 77, NormalsArgs::Generator::kPhilox7);
    const bool finite =
        std::all_of(z.begin(), z.end(), [](float x) { return std::isfinite(x) && std::abs(x) < 6.7f; });
    CHECK(finite, "%s", target);
  });
}

std::vector<double> Points(int64_t points, int64_t dimensions, bool scrambled, bool normal, int64_t first = 0,
                           Dtype dtype = Dtype::kF64) {
  std::vector<double> out(static_cast<size_t>(points * dimensions));
  std::vector<float> narrow(out.size());
  SobolArgs args;
  args.dtype = dtype;
  args.points = points;
  args.dimensions = dimensions;
  args.scrambled = scrambled;
  args.normal = normal;
  args.seed = 5;
  args.first_point = first;
  args.out = dtype == Dtype::kF64 ? static_cast<void*>(out.data()) : narrow.data();
  CHECK(cpu::Sobol(args) == Status::kOk);
  if (dtype == Dtype::kF32) std::copy(narrow.begin(), narrow.end(), out.begin());
  return out;
}

TEST("each dimension of Sobol points has one point in each of 2^k equal cells, scrambled or not") {
  test::OnEachTarget([](const char* target) {
    constexpr int64_t kPoints = 256;
    constexpr int64_t kDimensions = 1024;
    for (const bool scrambled : {false, true}) {
      for (const int64_t first : {int64_t{0}, kPoints * 9}) {
        const auto points = Points(kPoints, kDimensions, scrambled, false, first);
        for (int64_t dimension = 0; dimension < kDimensions; ++dimension) {
          std::vector<int> cells(kPoints);
          for (int64_t i = 0; i < kPoints; ++i) {
            const double x = points[static_cast<size_t>(i * kDimensions + dimension)];
            ++cells[static_cast<size_t>(x * kPoints)];
          }
          CHECK(std::count(cells.begin(), cells.end(), 1) == kPoints, "%s %d", target,
                static_cast<int>(dimension));
        }
      }
    }
  });
}

TEST("the first two Sobol dimensions fill every elementary box of area 1/64") {
  const auto points = Points(64, 2, true, false);
  for (int log_width = 0; log_width <= 6; ++log_width) {
    std::vector<int> boxes(64);
    for (int64_t i = 0; i < 64; ++i) {
      const auto column = static_cast<int>(points[static_cast<size_t>(2 * i)] * (1 << log_width));
      const auto row = static_cast<int>(points[static_cast<size_t>(2 * i + 1)] * (64 >> log_width));
      ++boxes[static_cast<size_t>(column * (64 >> log_width) + row)];
    }
    CHECK(std::count(boxes.begin(), boxes.end(), 1) == 64, "width %d", log_width);
  }
}

TEST("normals of Sobol points invert the distribution function") {
  test::OnEachTarget([](const char* target) {
    const auto points = Points(4096, 3, true, false);
    const auto wide = Points(4096, 3, true, true);
    const auto narrow = Points(4096, 3, true, true, 0, Dtype::kF32);
    for (size_t i = 0; i < points.size(); ++i) {
      const double z = wide[i];
      const double back = points[i] < 0.5 ? UpperTail(-z) : UpperTail(z);
      const double tail = std::min(points[i], 1 - points[i]);
      CHECK(std::abs(back - tail) < 1e-13 * tail * 10 + 1e-16, "%s %g", target, points[i]);
      CHECK(std::abs(narrow[i] - z) < 3e-6, "%s %g", target, points[i]);
    }
  });
}

}  // namespace
}  // namespace nautilus
