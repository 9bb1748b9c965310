// Correlated normals: a triangular factor applied to rows of a tile, and the factor itself.
#ifndef NAUTILUS_CPU_MONTECARLO_CORRELATED_H_
#define NAUTILUS_CPU_MONTECARLO_CORRELATED_H_

#include <cstdint>
#include <vector>

#include "cpu/montecarlo/paths.h"

namespace nautilus::cpu {

// Replaces a symmetric matrix [n, n], row-major, by its lower triangular factor l l^T, 0 above the diagonal.
// Returns 0, or the order of the leading minor that is not positive; a semidefinite matrix passes with rows
// of zeros.
int64_t LowerFactor(int64_t n, std::vector<double>& a);

// y[i] += sum of a[i, j] z[j] over j <= i, for rows [n][kTilePaths].
void AddCorrelated(int64_t n, const float* a, const float* z, float* y);
void AddCorrelated(int64_t n, const double* a, const double* z, double* y);

// to[i] = scale exp(from[i]) for one row of a tile.
void ExpRow(const float* from, double scale, float* to);
void ExpRow(const double* from, double scale, double* to);

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_MONTECARLO_CORRELATED_H_
