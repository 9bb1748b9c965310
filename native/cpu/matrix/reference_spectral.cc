// Eigenvectors and singular vectors by plane rotations (Jacobi), the most exact of the textbook methods, and
// what follows from them. In double for both element types.
#include "cpu/matrix/reference_spectral.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "cpu/matrix/reference.h"

namespace nautilus::cpu::reference {
namespace {

// Rotates rows p and q of [.., n] by the angle with cosine c and sine s.
void Rotate(std::vector<double>& rows, int64_t n, int64_t p, int64_t q, double c, double s) {
  for (int64_t i = 0; i < n; ++i) {
    const double x = rows[p * n + i];
    const double y = rows[q * n + i];
    rows[p * n + i] = c * x - s * y;
    rows[q * n + i] = s * x + c * y;
  }
}

double Dot(const std::vector<double>& rows, int64_t n, int64_t p, int64_t q) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += rows[p * n + i] * rows[q * n + i];
  return sum;
}

// The rotation that makes a symmetric [[a, c], [c, b]] diagonal.
void Angle(double a, double b, double c, double& cosine, double& sine) {
  const double tau = (b - a) / (2 * c);
  const double t = (tau >= 0 ? 1 : -1) / (std::abs(tau) + std::sqrt(1 + tau * tau));
  cosine = 1 / std::sqrt(1 + t * t);
  sine = t * cosine;
}

std::vector<int64_t> Order(const std::vector<double>& values, bool descending) {
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
    return descending ? values[i] > values[j] : values[i] < values[j];
  });
  return order;
}

double Sign(const double* vector, int64_t n) {
  double largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (std::abs(vector[i]) > std::abs(largest)) largest = vector[i];
  }
  return largest < 0 ? -1 : 1;
}

template <typename T>
std::vector<double> Wide(const void* values, int64_t count) {
  const auto* from = static_cast<const T*>(values);
  return {from, from + count};
}

std::vector<double> WideOf(Dtype dtype, const void* values, int64_t count) {
  return dtype == Dtype::kF64 ? Wide<double>(values, count) : Wide<float>(values, count);
}

void Put(Dtype dtype, void* to, int64_t at, double value) {
  if (to == nullptr) return;
  if (dtype == Dtype::kF64) {
    static_cast<double*>(to)[at] = value;
  } else {
    static_cast<float*>(to)[at] = static_cast<float>(value);
  }
}

// Mirrors the lower triangle.
void Fill(std::vector<double>& a, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j) a[i * n + j] = a[j * n + i];
  }
}

}  // namespace

Spectrum JacobiEigen(std::vector<double> a, int64_t n) {
  Fill(a, n);
  std::vector<double> v(n * n, 0.0);
  for (int64_t i = 0; i < n; ++i) v[i * (n + 1)] = 1;
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0;
    for (int64_t p = 0; p < n; ++p) {
      for (int64_t q = p + 1; q < n; ++q) {
        const double c = a[p * n + q];
        if (c == 0) continue;
        off += c * c;
        double cosine, sine;
        Angle(a[p * (n + 1)], a[q * (n + 1)], c, cosine, sine);
        Rotate(a, n, p, q, cosine, sine);  // rows, then columns
        for (int64_t i = 0; i < n; ++i) {
          const double x = a[i * n + p];
          const double y = a[i * n + q];
          a[i * n + p] = cosine * x - sine * y;
          a[i * n + q] = sine * x + cosine * y;
        }
        Rotate(v, n, p, q, cosine, sine);
      }
    }
    if (off < 1e-300) break;
  }
  std::vector<double> values(n);
  for (int64_t i = 0; i < n; ++i) values[i] = a[i * (n + 1)];
  Spectrum out;
  for (const int64_t i : Order(values, false)) {
    out.values.push_back(values[i]);
    const double sign = Sign(v.data() + i * n, n);
    for (int64_t j = 0; j < n; ++j) out.vectors.push_back(sign * v[i * n + j]);
  }
  return out;
}

Singular JacobiSvd(const std::vector<double>& a, int64_t rows, int64_t columns) {
  // Rotates the columns of a (rows of its transpose) until they are orthogonal.
  std::vector<double> w(rows * columns);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) w[j * rows + i] = a[i * columns + j];
  }
  std::vector<double> v(columns * columns, 0.0);
  for (int64_t j = 0; j < columns; ++j) v[j * (columns + 1)] = 1;
  for (int sweep = 0; sweep < 60; ++sweep) {
    bool moved = false;
    for (int64_t p = 0; p < columns; ++p) {
      for (int64_t q = p + 1; q < columns; ++q) {
        const double c = Dot(w, rows, p, q);
        const double x = Dot(w, rows, p, p);
        const double y = Dot(w, rows, q, q);
        if (std::abs(c) <= 1e-16 * std::sqrt(x * y) || c == 0) continue;
        moved = true;
        double cosine, sine;
        Angle(x, y, c, cosine, sine);
        Rotate(w, rows, p, q, cosine, sine);
        Rotate(v, columns, p, q, cosine, sine);
      }
    }
    if (!moved) break;
  }
  std::vector<double> values(columns);
  for (int64_t j = 0; j < columns; ++j) values[j] = std::sqrt(Dot(w, rows, j, j));
  Singular out;
  const int64_t k = std::min(rows, columns);
  for (const int64_t j : Order(values, true)) {
    if (static_cast<int64_t>(out.values.size()) == k) break;
    const double sign = Sign(v.data() + j * columns, columns);
    for (int64_t i = 0; i < columns; ++i) out.right.push_back(sign * v[j * columns + i]);
    for (int64_t i = 0; i < rows; ++i)
      out.left.push_back(values[j] > 0 ? sign * w[j * rows + i] / values[j] : 0);
    out.values.push_back(values[j]);
  }
  return out;
}

Status EigenSymmetric(EigenSymmetricArgs& args) {
  const Spectrum found = JacobiEigen(WideOf(args.dtype, args.a, args.n * args.n), args.n);
  for (int64_t i = 0; i < args.n; ++i) Put(args.dtype, args.values, i, found.values[i]);
  for (int64_t i = 0; i < args.n * args.n; ++i) Put(args.dtype, args.vectors, i, found.vectors[i]);
  return Status::kOk;
}

Status Svd(SvdArgs& args) {
  const Singular found =
      JacobiSvd(WideOf(args.dtype, args.a, args.rows * args.columns), args.rows, args.columns);
  for (int64_t k = 0; k < args.components; ++k) {
    Put(args.dtype, args.values, k, found.values[k]);
    for (int64_t i = 0; i < args.rows; ++i)
      Put(args.dtype, args.u, i * args.components + k, found.left[k * args.rows + i]);
    for (int64_t i = 0; i < args.columns; ++i)
      Put(args.dtype, args.vt, k * args.columns + i, found.right[k * args.columns + i]);
  }
  return Status::kOk;
}

Status LeastSquares(LeastSquaresArgs& args) {
  const auto [rows, columns, nrhs] = std::array{args.rows, args.columns, args.nrhs};
  const std::vector<double> a = WideOf(args.dtype, args.a, rows * columns);
  const std::vector<double> b = WideOf(args.dtype, args.b, rows * nrhs);
  const Singular found = JacobiSvd(a, rows, columns);
  const double epsilon = args.dtype == Dtype::kF64
                             ? std::numeric_limits<double>::epsilon()
                             : static_cast<double>(std::numeric_limits<float>::epsilon());
  const double share = args.cutoff > 0 ? args.cutoff : static_cast<double>(std::max(rows, columns)) * epsilon;
  *args.rank = 0;
  std::vector<double> x(columns * nrhs, 0.0);
  for (int64_t i = 0; i < columns; ++i) Put(args.dtype, args.values, i, 0);
  for (size_t k = 0; k < found.values.size(); ++k) {
    const double value = found.values[k];
    Put(args.dtype, args.values, static_cast<int64_t>(k), value);
    if (value <= share * found.values[0]) continue;
    ++*args.rank;
    for (int64_t j = 0; j < nrhs; ++j) {
      double along = 0;
      for (int64_t i = 0; i < rows; ++i) along += found.left[k * rows + i] * b[i * nrhs + j];
      for (int64_t i = 0; i < columns; ++i) x[i * nrhs + j] += found.right[k * columns + i] * along / value;
    }
  }
  for (int64_t i = 0; i < columns * nrhs; ++i) Put(args.dtype, args.x, i, x[i]);
  for (int64_t j = 0; j < nrhs; ++j) {
    double sum = 0;
    for (int64_t i = 0; i < rows; ++i) {
      double rest = b[i * nrhs + j];
      for (int64_t p = 0; p < columns; ++p) rest -= a[i * columns + p] * x[p * nrhs + j];
      sum += rest * rest;
    }
    Put(args.dtype, args.residuals, j, sum);
  }
  return Status::kOk;
}

Status Pca(PcaArgs& args) {
  const auto [rows, columns, count] = std::array{args.observations, args.assets, args.components};
  std::vector<double> x = WideOf(args.dtype, args.values, rows * columns);
  const double divisor = static_cast<double>(rows - args.ddof);
  double total = 0;
  for (int64_t j = 0; j < columns; ++j) {
    double mean = 0;
    for (int64_t i = 0; i < rows; ++i) mean += x[i * columns + j];
    mean /= static_cast<double>(rows);
    Put(args.dtype, args.mean, j, mean);
    double squares = 0;
    for (int64_t i = 0; i < rows; ++i) {
      x[i * columns + j] -= mean;
      squares += x[i * columns + j] * x[i * columns + j];
    }
    const double deviation = args.scale && squares > 0 ? std::sqrt(squares / divisor) : 1;
    for (int64_t i = 0; i < rows; ++i) x[i * columns + j] /= deviation;
    total += squares / (deviation * deviation);
  }
  const Singular found = JacobiSvd(x, rows, columns);
  for (int64_t k = 0; k < count; ++k) {
    const double squares = found.values[k] * found.values[k];
    Put(args.dtype, args.variance, k, squares / divisor);
    Put(args.dtype, args.share, k, squares / total);
    for (int64_t j = 0; j < columns; ++j)
      Put(args.dtype, args.axes, k * columns + j, found.right[k * columns + j]);
    for (int64_t i = 0; i < rows; ++i) {
      Put(args.dtype, args.scores, i * count + k, found.left[k * rows + i] * found.values[k]);
    }
  }
  return Status::kOk;
}

Status NearestPsd(NearestPsdArgs& args) {
  const int64_t n = args.n;
  std::vector<double> y = WideOf(args.dtype, args.a, n * n);
  Fill(y, n);
  std::vector<double> deviation(n, 1.0);
  if (args.form == NearestPsdArgs::Form::kCovariance) {
    for (int64_t i = 0; i < n; ++i) deviation[i] = std::sqrt(y[i * (n + 1)]);
  }
  for (int64_t i = 0; i < n * n; ++i) y[i] /= deviation[i / n] * deviation[i % n];
  std::vector<double> correction(n * n, 0.0);
  const bool once = args.form == NearestPsdArgs::Form::kSymmetric;
  for (int64_t step = 0; step < (once ? 1 : 20000); ++step) {
    const std::vector<double> before = y;
    for (int64_t i = 0; i < n * n; ++i) y[i] -= correction[i];
    const Spectrum found = JacobiEigen(y, n);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < n; ++k) {
          sum += std::max(found.values[k], args.min_eigenvalue) * found.vectors[k * n + i] *
                 found.vectors[k * n + j];
        }
        correction[i * n + j] = sum - y[i * n + j];
        y[i * n + j] = i == j && !once ? 1 : sum;
      }
    }
    double change = 0;
    for (int64_t i = 0; i < n * n; ++i) change = std::max(change, std::abs(y[i] - before[i]));
    if (change <= 1e-14) break;
  }
  for (int64_t i = 0; i < n * n; ++i)
    Put(args.dtype, args.out, i, y[i] * deviation[i / n] * deviation[i % n]);
  return Status::kOk;
}

}  // namespace nautilus::cpu::reference
