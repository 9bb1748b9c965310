// Decompositions by plane rotations, for the references and the tests of what is built on them.
#ifndef NAUTILUS_CPU_MATRIX_REFERENCE_SPECTRAL_H_
#define NAUTILUS_CPU_MATRIX_REFERENCE_SPECTRAL_H_

#include <cstdint>
#include <vector>

namespace nautilus::cpu::reference {

// Eigenvalues, ascending, and the eigenvector of each in a row; the largest component in size is positive.
struct Spectrum {
  std::vector<double> values;
  std::vector<double> vectors;
};

// Singular values, descending; left [k, rows] and right [k, columns] hold one vector in each row.
struct Singular {
  std::vector<double> values;
  std::vector<double> left;
  std::vector<double> right;
};

// Reads the lower triangle of a [n, n].
Spectrum JacobiEigen(std::vector<double> a, int64_t n);

Singular JacobiSvd(const std::vector<double>& a, int64_t rows, int64_t columns);

}  // namespace nautilus::cpu::reference

#endif  // NAUTILUS_CPU_MATRIX_REFERENCE_SPECTRAL_H_
