// Simulations as textbooks write them: one path after the other, in double, by the standard library.
#ifndef NAUTILUS_CPU_MONTECARLO_REFERENCE_H_
#define NAUTILUS_CPU_MONTECARLO_REFERENCE_H_

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/generated/montecarlo_args.h"

namespace nautilus::cpu::reference {

// The normal of one path and dimension, from the words of Philox that a call of that type uses.
double Normal(Dtype dtype, uint64_t seed, uint32_t stream, int rounds, int64_t path, int64_t dimension);

// Mean and standard error of samples.
struct Mean {
  double sum = 0;
  double squares = 0;
  double count = 0;

  void Add(double value) {
    sum += value;
    squares += value * value;
    count += 1;
  }
  double Value() const { return sum / count; }
  double Error() const { return std::sqrt((squares / count - Value() * Value()) / (count - 1)); }
};

// The price of one path today and after each step, its normals times `mirror`; `unhit` gets the chance that
// it stayed clear of the barrier in between, where that is watched.
std::vector<double> PathLevels(const McOptionArgs& args, uint32_t stream, int64_t path, double mirror,
                               double* unhit = nullptr);

// Writes price and standard error; neither Greeks nor control variates nor Sobol points.
void McOption(McOptionArgs& args);

// Writes price and standard error, without Sobol points.
void McAmerican(McAmericanArgs& args);

// The same for baskets, without deltas.
void McBasket(McBasketArgs& args);

// Writes profits only.
void McPortfolio(McPortfolioArgs& args);

}  // namespace nautilus::cpu::reference

#endif  // NAUTILUS_CPU_MONTECARLO_REFERENCE_H_
