// The log-loss of a linear model with gradient and Hessian. Blocks of rows stay in the cache from their
// scores to their part of the Hessian; chunks of blocks have sums of their own, added in their order.
#include <algorithm>
#include <cmath>
#include <new>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/blas.h"
#include "cpu/matrix/support.h"
#include "cpu/statistics/scratch.h"

namespace nautilus::cpu {
namespace {

constexpr int64_t kBlock = 256;
constexpr int64_t kLeastChunk = 2048;  // rows: about 50 us
constexpr int64_t kMostChunks = 16;

// The first row with a number that is not finite, of the parameters their first row, or -1. Such a number
// shows in the loss or the gradient, so that only a broken one has to be looked for.
int64_t FirstBroken(const LinearLogLossArgs& args) {
  const auto row = [](const void* values, int64_t count, int64_t width) {
    const int64_t at = matrix::FirstNonFinite(static_cast<const double*>(values), count * width);
    return at < 0 ? at : at / width;
  };
  const int64_t parameter = row(args.parameters, args.columns, args.scores);
  if (parameter >= 0) return parameter;
  const int64_t value = row(args.values, args.rows, args.columns);
  return value >= 0 || args.weights == nullptr ? value : row(args.weights, args.rows, 1);
}

class Pass {
 public:
  explicit Pass(LinearLogLossArgs& args)
      : args_(args),
        columns_(args.columns),
        scores_(args.scores),
        size_(args.columns * args.scores),
        values_(static_cast<const double*>(args.values)),
        weights_(static_cast<const double*>(args.weights)),
        parameters_(static_cast<const double*>(args.parameters)),
        hessian_(static_cast<double*>(args.hessian)) {
    // A Hessian for each chunk never takes more than the rows times the parameters.
    chunks_ = std::clamp<int64_t>(args.rows / std::max(kLeastChunk, size_), 1, kMostChunks);
    rows_ = (args.rows + chunks_ - 1) / chunks_;
  }

  Status Run() {
    // Of a chunk: its loss, gradient, Hessian and that part of it in which classes do not meet.
    const int64_t apart = hessian_ != nullptr && scores_ > 1 ? scores_ * columns_ * columns_ : 0;
    const int64_t each = 1 + size_ + (hessian_ != nullptr ? size_ * size_ : 0) + apart;
    const int64_t work = kBlock * (2 * scores_ + (hessian_ != nullptr ? size_ : 0));
    const Scratch<double> sums(each * chunks_);
    const Scratch<double> blocks(work * chunks_);
    if (!sums || !blocks) throw std::bad_alloc();
    ParallelFor(chunks_, [&](int64_t chunk) {
      double* const own = sums.get() + chunk * each;
      std::fill_n(own, each, 0.0);
      Sums to{.block = blocks.get() + chunk * work, .loss = own, .gradient = own + 1};
      if (hessian_ != nullptr) {
        to.hessian = own + 1 + size_;
        to.apart = to.hessian + size_ * size_;
      }
      Chunk(chunk * rows_, std::min(args_.rows, (chunk + 1) * rows_), to);
    });
    if (args_.Cancelled()) return Status::kCancelled;
    for (int64_t chunk = 1; chunk < chunks_; ++chunk) {
      for (int64_t i = 0; i < each; ++i) sums.get()[i] += sums.get()[chunk * each + i];
    }
    const double* const all = sums.get();
    if (!matrix::AllFinite(all, 1 + size_)) {
      args_.detail = FirstBroken(args_);
      if (args_.detail >= 0) return Status::kNonFinite;
    }
    *static_cast<double*>(args_.loss) = all[0];
    std::copy_n(all + 1, size_, static_cast<double*>(args_.gradient));
    if (hessian_ != nullptr) Write(all + 1 + size_, all + 1 + size_ + size_ * size_);
    return Status::kOk;
  }

 private:
  struct Sums {
    double* block;  // of one block: probabilities, errors, scaled rows
    double* loss;
    double* gradient;
    double* hessian = nullptr;
    double* apart = nullptr;
  };

  double WeightOf(int64_t row) const { return weights_ == nullptr ? 1.0 : weights_[row]; }

  // One block after the other: scores, errors, gradient, Hessian.
  void Chunk(int64_t first, int64_t last, const Sums& to) const {
    double* const p = to.block;
    double* const errors = p + kBlock * scores_;
    double* const scaled = errors + kBlock * scores_;
    for (int64_t from = first; from < last; from += kBlock) {
      if (args_.Cancelled()) return;
      const int64_t count = std::min(kBlock, last - from);
      const double* const x = values_ + from * columns_;
      if (scores_ == 1) {
        BlasGemv(false, count, columns_, columns_, 1.0, x, parameters_, 0.0, p);
        *to.loss += Odds(from, count, p, errors);
        BlasGemv(true, count, columns_, columns_, 1.0, x, errors, 1.0, to.gradient);
      } else {
        BlasGemm(false, false, count, scores_, columns_, 1.0, x, columns_, parameters_, scores_, 0.0, p,
                 scores_);
        *to.loss += Softmax(from, count, p, errors);
        BlasGemm(true, false, columns_, scores_, count, 1.0, x, columns_, errors, scores_, 1.0, to.gradient,
                 scores_);
      }
      if (args_.probabilities != nullptr)
        std::copy_n(p, count * scores_, static_cast<double*>(args_.probabilities) + from * scores_);
      if (hessian_ != nullptr) AddHessian(from, count, p, scaled, to);
    }
  }

  // Log-odds become probabilities of class 1.
  double Odds(int64_t from, int64_t count, double* p, double* errors) const {
    double loss = 0;
    for (int64_t i = 0; i < count; ++i) {
      const bool hit = args_.targets[from + i] != 0;
      const double small = std::exp(-std::abs(p[i]));
      const double against = hit ? -p[i] : p[i];
      const double weight = WeightOf(from + i);
      loss += weight * (std::max(against, 0.0) + std::log1p(small));
      p[i] = (p[i] >= 0 ? 1 : small) / (1 + small);
      errors[i] = weight * (p[i] - (hit ? 1 : 0));
    }
    return loss;
  }

  // Scores become probabilities.
  double Softmax(int64_t from, int64_t count, double* p, double* errors) const {
    double loss = 0;
    for (int64_t i = 0; i < count; ++i) {
      double* const row = p + i * scores_;
      const int32_t target = args_.targets[from + i];
      const double most = *std::max_element(row, row + scores_);
      const double own = row[target] - most;
      double total = 0;
      for (int64_t k = 0; k < scores_; ++k) total += row[k] = std::exp(row[k] - most);
      const double weight = WeightOf(from + i);
      loss += weight * (std::log(total) - own);
      for (int64_t k = 0; k < scores_; ++k) {
        row[k] /= total;
        errors[i * scores_ + k] = weight * (row[k] - (k == target ? 1 : 0));
      }
    }
    return loss;
  }

  // Rows times the root of their weight: the Hessian is a sum of their squares.
  void AddHessian(int64_t from, int64_t count, const double* p, double* scaled, const Sums& to) const {
    const auto scale = [&](auto factor) {
      for (int64_t i = 0; i < count; ++i) {
        const double by = std::sqrt(WeightOf(from + i) * factor(i));
        const double* const x = values_ + (from + i) * columns_;
        for (int64_t j = 0; j < columns_; ++j) scaled[i * columns_ + j] = by * x[j];
      }
    };
    if (scores_ == 1) {
      scale([&](int64_t i) { return p[i] * (1 - p[i]); });
      return BlasSyrk(true, columns_, count, 1.0, scaled, columns_, 1.0, to.hessian, columns_);
    }
    for (int64_t k = 0; k < scores_; ++k) {
      scale([&](int64_t i) { return p[i * scores_ + k]; });
      BlasSyrk(true, columns_, count, 1.0, scaled, columns_, 1.0, to.apart + k * columns_ * columns_,
               columns_);
    }
    for (int64_t i = 0; i < count; ++i) {
      const double by = std::sqrt(WeightOf(from + i));
      const double* const x = values_ + (from + i) * columns_;
      for (int64_t j = 0; j < columns_; ++j) {
        for (int64_t k = 0; k < scores_; ++k)
          scaled[i * size_ + j * scores_ + k] = by * x[j] * p[i * scores_ + k];
      }
    }
    BlasSyrk(true, size_, count, -1.0, scaled, size_, 1.0, to.hessian, size_);
  }

  // What is a lower triangle becomes the whole, with the classes' own parts on their diagonal.
  void Write(const double* hessian, const double* apart) const {
    std::copy_n(hessian, size_ * size_, hessian_);
    for (int64_t k = 0; scores_ > 1 && k < scores_; ++k) {
      for (int64_t i = 0; i < columns_; ++i) {
        for (int64_t j = 0; j <= i; ++j) {
          hessian_[(i * scores_ + k) * size_ + j * scores_ + k] += apart[(k * columns_ + i) * columns_ + j];
        }
      }
    }
    matrix::MirrorLower(hessian_, size_);
  }

  LinearLogLossArgs& args_;
  const int64_t columns_;
  const int64_t scores_;
  const int64_t size_;
  const double* const values_;
  const double* const weights_;
  const double* const parameters_;
  double* const hessian_;
  int64_t chunks_ = 0;
  int64_t rows_ = 0;
};

}  // namespace

Status LinearLogLoss(LinearLogLossArgs& args) {
  const int64_t classes = std::max<int64_t>(2, args.scores);
  const auto* weights = static_cast<const double*>(args.weights);
  for (int64_t row = 0; row < args.rows; ++row) {
    const bool known = args.targets[row] >= 0 && args.targets[row] < classes;
    if (known && !(weights != nullptr && weights[row] < 0)) continue;
    args.detail = row;
    return Status::kInvalidOption;
  }
  // The probabilities are written on the way.
  if (args.probabilities != nullptr && (args.detail = FirstBroken(args)) >= 0) return Status::kNonFinite;
  return Pass(args).Run();
}

}  // namespace nautilus::cpu
