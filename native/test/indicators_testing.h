// What tests of indicators share: short options, random bars, comparison to the bit.
#ifndef NAUTILUS_TEST_INDICATORS_TESTING_H_
#define NAUTILUS_TEST_INDICATORS_TESTING_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/indicator_call.h"
#include "test/check.h"

namespace nautilus::test {

inline constexpr int kColumns = 5;

// Short periods that differ, so that a panel of few bars is well past every warm-up and every ring has
// wrapped; all rules between options hold, as later ones are greater.
inline std::vector<double> ShortOptions(const cpu::indicators::IndicatorRow& row) {
  std::vector<double> options;
  double next = 3;
  for (const cpu::indicators::OptionSpec& option : row.options) {
    const double value = option.integer ? next++ : option.min + (option.max - option.min) / 3;
    options.push_back(std::min(std::max(value, option.min), option.max));
  }
  return options;
}

// Bars with low <= open, close <= high; one column after the other, each [bars, series].
template <typename T>
std::vector<T> Bars(int64_t bars, int64_t series, uint32_t seed) {
  const int64_t count = bars * series;
  const auto noise = Normal<T>(count * 4, seed);
  std::vector<T> all(kColumns * count);
  for (int64_t i = 0; i < count; ++i) {
    const T open = i < series ? T{100} : all[3 * count + i - series];
    const T close = open + noise[i];
    all[i] = open;
    all[count + i] = std::max(open, close) + std::abs(noise[count + i]);
    all[2 * count + i] = std::min(open, close) - std::abs(noise[2 * count + i]);
    all[3 * count + i] = close;
    all[4 * count + i] = std::round(std::abs(noise[3 * count + i]) * 100);
  }
  return all;
}

// NaN equals NaN.
template <typename T>
bool Same(const std::vector<T>& one, const std::vector<T>& other) {
  if (one.size() != other.size()) return false;
  for (size_t i = 0; i < one.size(); ++i) {
    if (one[i] != other[i] && !(one[i] != one[i] && other[i] != other[i])) return false;
  }
  return true;
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_INDICATORS_TESTING_H_
