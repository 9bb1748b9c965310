// Student's t distribution: mixing variables and the maps between it and the normal one.
#ifndef NAUTILUS_CPU_MONTECARLO_STUDENT_H_
#define NAUTILUS_CPU_MONTECARLO_STUDENT_H_

#include <cmath>
#include <cstdint>
#include <vector>

#include "cpu/random/philox.h"

namespace nautilus::cpu {

// Probability that a Student t of `degrees` is above t >= 0, accurate far in the tail.
double StudentUpperTail(double t, double degrees);

// A chi-square of `degrees` >= 2 divided by `degrees`, for one path: Marsaglia, Tsang 2000 over the counters
// {path, try, stream, 0}.
double MixingVariable(const PhiloxKeys& keys, uint32_t stream, int64_t path, double degrees);

// Maps between a t and the normal of the same probability. Both are nearly a straight line in y with t^2 =
// degrees (exp(y^2 / degrees) - 1) (Wallace 1959), so a table in y with cubics between its points is exact to
// about 1e-9.
class StudentMap {
 public:
  explicit StudentMap(double degrees);
  double NormalOfStudent(double t) const;
  double StudentOfNormal(double z) const;

 private:
  double degrees_;
  std::vector<double> normal_of_y_;
  std::vector<double> y_of_normal_;
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_MONTECARLO_STUDENT_H_
