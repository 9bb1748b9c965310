// The relative strength index against the scalar reference, bit for bit, on every SIMD target of this
// machine.
#include <cstring>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/reference.h"
#include "test/check.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using test::OnEachTarget;

// The same bits, except that any NaN equals any NaN: its sign and payload are not part of the result.
template <typename T>
bool SameBits(const T* one, const T* other, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const bool both_nan = one[i] != one[i] && other[i] != other[i];
    if (!both_nan && std::memcmp(one + i, other + i, sizeof(T)) != 0) return false;
  }
  return true;
}

template <typename T>
std::vector<T> Walk(int64_t bars, int64_t series, uint32_t seed) {
  std::vector<T> close = test::Normal<T>(bars * series, seed);
  for (int64_t i = 0; i < series && i < bars * series; ++i) close[i] += T{100};
  for (int64_t i = series; i < bars * series; ++i) close[i] = close[i - series] + close[i];
  return close;
}

// Runs the kernel on memory that starts `shift` elements after an allocation, between guard values.
template <typename T>
bool Agrees(const std::vector<T>& close, int64_t bars, int64_t series, int64_t period, int64_t shift) {
  const int64_t count = bars * series;
  const T guard{-777};
  std::vector<T> in(count + 16, guard);
  std::vector<T> fast(count + 16, guard);
  std::vector<T> plain(count + 1);
  std::copy(close.begin(), close.end(), in.begin() + shift);
  RsiArgs args{.dtype = sizeof(T) == 8 ? Dtype::kF64 : Dtype::kF32,
               .bars = bars,
               .series = series,
               .period = period,
               .close = in.data() + shift,
               .out = fast.data() + shift};
  if (cpu::Rsi(args) != Status::kOk) return false;
  args.out = plain.data();
  cpu::reference::Rsi(args);
  for (int64_t i = 0; i < shift; ++i) {
    if (fast[i] != guard) return false;
  }
  for (int64_t i = shift + count; i < count + 16; ++i) {
    if (fast[i] != guard) return false;
  }
  return SameBits(fast.data() + shift, plain.data(), count);
}

TEST("has the bits of the scalar reference for every width, alignment and SIMD target") {
  OnEachTarget([](const char* target) {
    for (const int64_t series : {1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 63, 64, 65, 130}) {
      for (const int64_t bars : {1, 2, 14, 15, 16, 40}) {
        const auto f64 = Walk<double>(bars, series, static_cast<uint32_t>(series * 100 + bars));
        const auto f32 = Walk<float>(bars, series, static_cast<uint32_t>(series * 100 + bars));
        for (const int64_t shift : {0, 1, 3, 5}) {
          const int width = static_cast<int>(series);
          CHECK(Agrees(f64, bars, series, 14, shift), "%s f64 series %d", target, width);
          CHECK(Agrees(f32, bars, series, 14, shift), "%s f32 series %d", target, width);
        }
      }
    }
  });
}

TEST("has those bits for other periods too, the shortest included") {
  OnEachTarget([](const char* target) {
    const auto close = Walk<double>(60, 9, 5);
    for (const int64_t period : {1, 2, 3, 58, 59, 60, 1000}) {
      CHECK(Agrees(close, 60, 9, period, 1), "%s period %d", target, static_cast<int>(period));
    }
  });
}

TEST("keeps a series NaN after its first NaN or infinity and leaves its neighbours alone") {
  OnEachTarget([](const char* target) {
    constexpr int64_t kBars = 50;
    constexpr int64_t kSeries = 11;
    auto close = Walk<double>(kBars, kSeries, 6);
    close[20 * kSeries + 4] = std::numeric_limits<double>::quiet_NaN();
    close[3 * kSeries + 10] = std::numeric_limits<double>::infinity();
    CHECK(Agrees(close, kBars, kSeries, 5, 0), "%s", target);
    std::vector<double> out(close.size());
    RsiArgs args{.dtype = Dtype::kF64,
                 .bars = kBars,
                 .series = kSeries,
                 .period = 5,
                 .close = close.data(),
                 .out = out.data()};
    CHECK(cpu::Rsi(args) == Status::kOk);
    for (int64_t bar = 5; bar < kBars; ++bar) {
      const double* row = out.data() + bar * kSeries;
      CHECK((row[4] != row[4]) == (bar >= 20), "%s bar %d", target, static_cast<int>(bar));
      CHECK(row[10] != row[10], "%s bar %d", target, static_cast<int>(bar));
      CHECK(row[3] >= 0 && row[3] <= 100);
    }
  });
}

TEST("is 50 while nothing moves, 100 when only gains, 0 when only losses") {
  OnEachTarget([](const char* target) {
    std::vector<double> close;
    for (int bar = 0; bar < 20; ++bar) close.insert(close.end(), {7.0, 1.0 + bar, 100.0 - bar});
    std::vector<double> out(close.size());
    RsiArgs args{.dtype = Dtype::kF64,
                 .bars = 20,
                 .series = 3,
                 .period = 14,
                 .close = close.data(),
                 .out = out.data()};
    CHECK(cpu::Rsi(args) == Status::kOk);
    CHECK(out[14 * 3] == 50 && out[14 * 3 + 1] == 100 && out[14 * 3 + 2] == 0, "%s", target);
    CHECK(out[13 * 3] != out[13 * 3]);
  });
}

}  // namespace
}  // namespace nautilus
