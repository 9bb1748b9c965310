// Lasso and elastic net by coordinate descent on the Gram matrix. Rounds go over the coefficients that are
// not 0 until these stand still, then over all; the duality gap says when to end.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/matrix/support.h"

namespace nautilus::cpu {
namespace {

class Descent {
 public:
  explicit Descent(const CoordinateDescentArgs& args)
      : args_(args),
        columns_(args.columns),
        gram_(static_cast<const double*>(args.gram)),
        products_(static_cast<const double*>(args.products)),
        square_(*static_cast<const double*>(args.square)),
        w_(static_cast<double*>(args.coefficients)),
        gradient_(products_, products_ + args.columns) {
    const auto* start = static_cast<const double*>(args.start);
    std::fill_n(w_, columns_, 0.0);
    for (int64_t j = 0; start != nullptr && j < columns_; ++j) {
      if (Diagonal(j) > 0) Move(j, start[j]);
    }
  }

  Status Run(int64_t& detail) {
    for (detail = 0; detail < columns_; ++detail) {
      if (gram_[detail * (columns_ + 1)] < 0) return Status::kNotPositiveDefinite;
    }
    int64_t rounds = 0;
    double gap = Gap();
    while (gap > args_.tolerance * square_ && rounds < args_.max_iterations) {
      if (args_.Cancelled()) return Status::kCancelled;
      const double gained = Round(false);
      ++rounds;
      if (gained == 0) break;
      // Coefficients that stand still to the gap that is asked for: only another round over all tells more.
      double first = 0;
      for (int64_t active = 0; rounds < args_.max_iterations; ++active) {
        const double lowered = Round(true);
        ++rounds;
        if (active == 0) first = lowered;
        if (lowered <= std::max(1e-3 * first, 0.1 * args_.tolerance * square_) || active >= 100) break;
      }
      gap = Gap();
      if (std::isfinite(gap)) continue;
      detail = Largest();
      return Status::kNotPositiveDefinite;
    }
    *static_cast<double*>(args_.gap) = gap;
    *args_.iterations = static_cast<int32_t>(rounds);
    return Status::kOk;
  }

 private:
  double Diagonal(int64_t j) const { return gram_[j * (columns_ + 1)]; }

  // Gives coefficient j a value and keeps products - gram w.
  void Move(int64_t j, double value) {
    const double by = value - w_[j];
    w_[j] = value;
    const double* row = gram_ + j * columns_;
    for (int64_t k = 0; k < columns_; ++k) gradient_[k] -= by * row[k];
  }

  // Minimises over one coefficient after the other. Returns by how much that lowered the objective.
  double Round(bool active) {
    double lowered = 0;
    for (int64_t j = 0; j < columns_; ++j) {
      if (Diagonal(j) == 0 || (active && w_[j] == 0)) continue;
      const double curvature = Diagonal(j) + args_.l2;
      const double pull = gradient_[j] + Diagonal(j) * w_[j];
      const double value = std::copysign(std::max(std::abs(pull) - args_.l1, 0.0), pull) / curvature;
      if (value == w_[j]) continue;
      const double by = value - w_[j];
      lowered += curvature * by * by / 2;
      Move(j, value);
    }
    return lowered;
  }

  // The objective less that of a dual point: what is left to gain at most. The sums over rows follow from
  // square, products and gram; the gradient is taken anew, free of what rounding left in it.
  double Gap() {
    double fit = square_;
    double along = 0;  // w' products
    double absolute = 0;
    double norm = 0;
    double dual = 0;
    std::copy(products_, products_ + columns_, gradient_.begin());
    for (int64_t j = 0; j < columns_; ++j) {
      if (w_[j] == 0) continue;
      const double* row = gram_ + j * columns_;
      for (int64_t k = 0; k < columns_; ++k) gradient_[k] -= w_[j] * row[k];
    }
    for (int64_t j = 0; j < columns_; ++j) {
      fit -= w_[j] * (products_[j] + gradient_[j]);
      along += w_[j] * products_[j];
      absolute += std::abs(w_[j]);
      norm += w_[j] * w_[j];
      dual = std::max(dual, std::abs(gradient_[j] - args_.l2 * w_[j]));
    }
    fit = fit < 0 ? 0 : fit;  // a perfect fit may round below; NaN stays
    // Without a penalty on sizes there is no dual point at hand; the one on squares says how steep it gets.
    if (args_.l1 == 0 && args_.l2 > 0) {
      double steep = 0;
      for (int64_t j = 0; j < columns_; ++j) {
        const double slope = gradient_[j] - args_.l2 * w_[j];
        if (Diagonal(j) > 0) steep += slope * slope;
      }
      return steep / (2 * args_.l2);
    }
    const double scale = dual > args_.l1 ? args_.l1 / dual : 1;
    return (1 + scale * scale) * (fit + args_.l2 * norm) / 2 + args_.l1 * absolute -
           scale * (square_ - along);
  }

  int64_t Largest() const {
    int64_t largest = 0;
    for (int64_t j = 0; j < columns_; ++j) {
      if (!std::isfinite(w_[j])) return j;
      if (std::abs(w_[j]) > std::abs(w_[largest])) largest = j;
    }
    return largest;
  }

  const CoordinateDescentArgs& args_;
  const int64_t columns_;
  const double* const gram_;
  const double* const products_;
  const double square_;
  double* const w_;
  std::vector<double> gradient_;  // products - gram w
};

}  // namespace

Status CoordinateDescent(CoordinateDescentArgs& args) {
  const auto* start = static_cast<const double*>(args.start);
  const int64_t n = args.columns;
  args.detail = matrix::FirstNonFinite(static_cast<const double*>(args.gram), n * n);
  if (args.detail >= 0) args.detail %= n;
  if (args.detail < 0) args.detail = matrix::FirstNonFinite(static_cast<const double*>(args.products), n);
  if (args.detail < 0 && start != nullptr) args.detail = matrix::FirstNonFinite(start, n);
  if (args.detail < 0 && !std::isfinite(*static_cast<const double*>(args.square))) args.detail = n;
  if (args.detail >= 0) return Status::kNonFinite;
  return Descent(args).Run(args.detail);
}

}  // namespace nautilus::cpu
