// What the tests of simulations on the GPU share: calls on either backend and their differences.
#ifndef NAUTILUS_TEST_METAL_MONTECARLO_TESTING_H_
#define NAUTILUS_TEST_METAL_MONTECARLO_TESTING_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "core/kernel_table.h"
#include "test/check.h"

namespace nautilus::test {

inline double ToleranceOf(KernelId id) { return KernelTable()[static_cast<size_t>(id)].tolerance_f32; }

// Runs a call where it is asked to.
template <class Args>
Status On(Backend backend, Args& args) {
  Backend chosen = backend;
  const Status status = Run(chosen, args);
  CHECK(chosen == backend, "ran on another backend");
  return status;
}

// The largest difference, infinite where one is NaN and the other isn't.
template <typename T>
double Worst(const T* found, const T* expected, size_t count) {
  double worst = 0;
  for (size_t i = 0; i < count; ++i) {
    if (std::isnan(found[i]) && std::isnan(expected[i])) continue;
    const double far = std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
    worst = std::isnan(far) ? std::numeric_limits<double>::infinity() : std::max(worst, far);
  }
  return worst;
}

// Sets a variable of the software device for a while.
class Setting {
 public:
  Setting(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Setting() { unsetenv(name_); }

 private:
  const char* name_;
};

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_METAL_MONTECARLO_TESTING_H_
