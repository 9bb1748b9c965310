// Usage of limits in scenarios: for each kind of limit a product of matrices, in f64 for both element types,
// over as many scenarios at a time as stay in the cache.
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "core/portfolio_call.h"
#include "cpu/blas.h"
#include "cpu/statistics/scratch.h"

namespace nautilus::cpu {
namespace {

constexpr int64_t kKinds = 3;
enum Kind : int32_t { kGross, kNet, kLoss };

// Limits sorted by their kind, with weights in f64 as the product takes them.
struct Sorted {
  int64_t first[kKinds + 1] = {};
  Scratch<int64_t> limit;   // in the order of kinds
  Scratch<double> weights;  // [limits, positions] in that order, of gross limits without signs

  explicit Sorted(const LimitUsageArgs& args) : limit(args.limits), weights(args.limits * args.positions) {}

  template <typename T>
  void Fill(const LimitUsageArgs& args) {
    int64_t at = 0;
    for (int32_t kind = 0; kind < kKinds; ++kind) {
      first[kind] = at;
      for (int64_t l = 0; l < args.limits; ++l) {
        if (args.kinds[l] != kind) continue;
        const T* from = static_cast<const T*>(args.weights) + l * args.positions;
        double* to = weights.get() + at * args.positions;
        for (int64_t p = 0; p < args.positions; ++p) {
          to[p] = kind == kGross ? std::abs(static_cast<double>(from[p])) : static_cast<double>(from[p]);
        }
        limit[at++] = l;
      }
    }
    first[kKinds] = at;
  }
};

template <typename T>
class Rows {
 public:
  Rows(const LimitUsageArgs& args, const Sorted& sorted)
      : args_(args), sorted_(sorted), positions_(args.positions) {}

  void Run(Outcome& outcome) const {
    const int64_t rows = std::clamp<int64_t>(64 * 1024 / std::max<int64_t>(1, positions_), 16, 256);
    ParallelRanges(args_.scenarios, rows, [&](int64_t first, int64_t last) {
      if (args_.Cancelled()) return outcome.Cancelled();
      const Scratch<double> values(rows * positions_);
      const Scratch<double> sums(rows * args_.limits);
      if (!values || !sums) return outcome.OutOfMemory();
      for (int32_t kind = 0; kind < kKinds; ++kind) Chunk(kind, first, last, values.get(), sums.get());
    });
  }

 private:
  // What a limit of this kind counts of a position; not finite where it is missing.
  double ValueOf(int32_t kind, int64_t scenario, int64_t position) const {
    const double earned = static_cast<const T*>(args_.pnl)[scenario * positions_ + position];
    if (kind == kLoss) return earned;
    const double value = static_cast<double>(static_cast<const T*>(args_.exposures)[position]) + earned;
    return kind == kGross ? std::abs(value) : value;
  }

  void Chunk(int32_t kind, int64_t first, int64_t last, double* values, double* sums) const {
    const int64_t begin = sorted_.first[kind];
    const int64_t count = sorted_.first[kind + 1] - begin;
    if (count == 0) return;
    const int64_t rows = last - first;
    const double* weights = sorted_.weights.get() + begin * positions_;
    bool all_known = true;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t p = 0; p < positions_; ++p) {
        const double value = ValueOf(kind, first + row, p);
        all_known = all_known && std::isfinite(value);
        values[row * positions_ + p] = std::isfinite(value) ? value : 0;
      }
    }
    if (positions_ == 0) {
      std::fill_n(sums, rows * count, 0.0);
    } else {
      BlasGemm(false, true, rows, count, positions_, 1.0, values, positions_, weights, positions_, 0.0, sums,
               count);
    }
    if (!all_known) ForgetMissing(kind, first, rows, count, weights, sums);
    for (int64_t row = 0; row < rows; ++row) {
      T* to = static_cast<T*>(args_.usage) + (first + row) * args_.limits;
      for (int64_t i = 0; i < count; ++i) {
        const int64_t limit = sorted_.limit[begin + i];
        to[limit] = UsageOf(kind, sums[row * count + i],
                            static_cast<double>(static_cast<const T*>(args_.bounds)[limit]));
      }
    }
  }

  // A sum that depends on a missing value is none.
  void ForgetMissing(int32_t kind, int64_t first, int64_t rows, int64_t count, const double* weights,
                     double* sums) const {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t p = 0; p < positions_; ++p) {
        if (std::isfinite(ValueOf(kind, first + row, p))) continue;
        for (int64_t i = 0; i < count; ++i) {
          if (weights[i * positions_ + p] != 0)
            sums[row * count + i] = std::numeric_limits<double>::quiet_NaN();
        }
      }
    }
  }

  static T UsageOf(int32_t kind, double sum, double bound) {
    if (!std::isfinite(sum)) return std::numeric_limits<T>::quiet_NaN();
    const double amount = kind == kLoss ? std::max(0.0, -sum) : std::abs(sum);
    return amount == 0 ? T{0} : static_cast<T>(amount / bound);
  }

  const LimitUsageArgs& args_;
  const Sorted& sorted_;
  const int64_t positions_;
};

template <typename T>
Status LimitUsageOf(LimitUsageArgs& args) {
  Sorted sorted(args);
  if (!sorted.limit || !sorted.weights) throw std::bad_alloc();
  sorted.Fill<T>(args);
  Outcome outcome;
  Rows<T>(args, sorted).Run(outcome);
  return outcome.Take();
}

template <typename T>
Status CheckOf(LimitUsageArgs& args) {
  for (int64_t l = 0; l < args.limits; ++l) {
    const bool known = args.kinds[l] >= 0 && args.kinds[l] < kKinds;
    if (known && static_cast<const T*>(args.bounds)[l] >= 0) continue;
    args.detail = l;
    return Status::kInvalidOption;
  }
  return Status::kOk;
}

template <typename T>
void SummariseOf(const LimitUsageArgs& args) {
  // Limits side by side: a thread reads whole lines of the usage.
  ParallelRanges(args.limits, 64, [&](int64_t first, int64_t last) {
    auto* const worst = static_cast<T*>(args.worst);
    for (int64_t l = first; l < last; ++l) {
      worst[l] = std::numeric_limits<T>::quiet_NaN();
      args.worst_scenario[l] = -1;
      args.breaches[l] = args.unknown[l] = 0;
    }
    for (int64_t s = 0; s < args.scenarios; ++s) {
      const T* row = static_cast<const T*>(args.usage) + s * args.limits;
      for (int64_t l = first; l < last; ++l) {
        args.unknown[l] += std::isnan(row[l]) ? 1 : 0;
        args.breaches[l] += row[l] > T{1} ? 1 : 0;
        if (row[l] > worst[l] || (std::isnan(worst[l]) && !std::isnan(row[l]))) {
          worst[l] = row[l];
          args.worst_scenario[l] = static_cast<int32_t>(s);
        }
      }
    }
  });
}

}  // namespace

Status CheckLimits(LimitUsageArgs& args) {
  return args.dtype == Dtype::kF64 ? CheckOf<double>(args) : CheckOf<float>(args);
}

void SummariseUsage(const LimitUsageArgs& args) {
  args.dtype == Dtype::kF64 ? SummariseOf<double>(args) : SummariseOf<float>(args);
}

Status LimitUsage(LimitUsageArgs& args) {
  const Status refused = CheckLimits(args);
  if (refused != Status::kOk || args.limits == 0) return refused;
  const Status status = args.dtype == Dtype::kF64 ? LimitUsageOf<double>(args) : LimitUsageOf<float>(args);
  if (status == Status::kOk) SummariseUsage(args);
  return status;
}

}  // namespace nautilus::cpu
