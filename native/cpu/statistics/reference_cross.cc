// Statistics along rows by the book.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cpu/statistics/reference.h"

namespace nautilus::cpu::reference {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// answer(row, out row) in doubles for each row.
template <typename T, class Args, class Answer>
void Rows(const Args& args, const Answer& answer) {
  for (int64_t bar = 0; bar < args.bars; ++bar) {
    const auto* from = static_cast<const T*>(args.values) + bar * args.series;
    std::vector<double> row(from, from + args.series);
    std::vector<double> out(row.size(), kNaN);
    answer(bar, row, out);
    for (int64_t i = 0; i < args.series; ++i) {
      static_cast<T*>(args.out)[bar * args.series + i] = static_cast<T>(out[static_cast<size_t>(i)]);
    }
  }
}

template <class Args, class Answer>
Status RowsOf(const Args& args, const Answer& answer) {
  args.dtype == Dtype::kF64 ? Rows<double>(args, answer) : Rows<float>(args, answer);
  return Status::kOk;
}

std::vector<double> Finite(const std::vector<double>& row) {
  std::vector<double> finite;
  for (const double value : row) {
    if (std::isfinite(value)) finite.push_back(value);
  }
  return finite;
}

double Quantile(const std::vector<double>& sorted, double probability) {
  const double at = static_cast<double>(sorted.size() - 1) * probability;
  const auto low = static_cast<size_t>(at);
  const double part = at - static_cast<double>(low);
  return part == 0 ? sorted[low] : sorted[low] + (sorted[low + 1] - sorted[low]) * part;
}

// Takes out of `y` what the columns explain: each column is made orthogonal to those before it, three times
// over.
void Project(std::vector<std::vector<double>> columns, std::vector<double>& y) {
  const auto dot = [](const auto& a, const auto& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  const auto clear = [&](std::vector<double>& from, size_t before) {
    for (int pass = 0; pass < 3; ++pass) {
      for (size_t other = 0; other < before; ++other) {
        const double part = dot(from, columns[other]);
        for (size_t i = 0; i < from.size(); ++i) from[i] -= part * columns[other][i];
      }
    }
  };
  for (size_t k = 0; k < columns.size(); ++k) {
    const double before = std::sqrt(dot(columns[k], columns[k]));
    clear(columns[k], k);
    const double after = std::sqrt(dot(columns[k], columns[k]));
    for (double& value : columns[k]) value *= after > 1e-10 * before ? 1 / after : 0;
  }
  clear(y, columns.size());
}

template <typename T>
void Neutralise(const CrossNeutraliseArgs& args) {
  const auto* regressors = static_cast<const T*>(args.regressors);
  const int64_t factors = regressors == nullptr ? 0 : args.factors;
  Rows<T>(args, [&](int64_t bar, const std::vector<double>& row, std::vector<double>& out) {
    const auto factor = [&](int64_t k, size_t i) -> double {
      return regressors[(k * args.bars + bar) * args.series + static_cast<int64_t>(i)];
    };
    std::vector<size_t> whole;
    std::vector<int32_t> labels;
    for (size_t i = 0; i < row.size(); ++i) {
      bool complete = std::isfinite(row[i]) && (args.groups == nullptr || args.groups[i] >= 0);
      for (int64_t k = 0; k < factors; ++k) complete = complete && std::isfinite(factor(k, i));
      if (!complete) continue;
      whole.push_back(i);
      labels.push_back(args.groups == nullptr ? 0 : args.groups[i]);
    }
    std::vector<int32_t> distinct(labels);
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    std::vector<std::vector<double>> columns;
    for (const int32_t label : distinct) {
      columns.emplace_back();
      for (const int32_t own : labels) columns.back().push_back(own == label ? 1 : 0);
    }
    for (int64_t k = 0; k < factors; ++k) {
      columns.emplace_back();
      for (const size_t i : whole) columns.back().push_back(factor(k, i));
    }
    std::vector<double> y;
    for (const size_t i : whole) y.push_back(row[i]);
    Project(columns, y);
    for (size_t i = 0; i < whole.size(); ++i) out[whole[i]] = y[i];
  });
}

}  // namespace

Status CrossRank(CrossRankArgs& args) {
  using Ties = CrossRankArgs::Ties;
  return RowsOf(args, [&](int64_t, const std::vector<double>& row, std::vector<double>& out) {
    for (size_t i = 0; i < row.size(); ++i) {
      double below = 0, equal = 0, before = 0, all = 0;
      for (size_t j = 0; j < row.size(); ++j) {
        all += std::isnan(row[j]) ? 0 : 1;
        below += row[j] < row[i] ? 1 : 0;
        equal += row[j] == row[i] ? 1 : 0;
        before += row[j] == row[i] && j < i ? 1 : 0;
      }
      double rank = below + (equal + 1) / 2;
      if (args.ties == Ties::kMin) rank = below + 1;
      if (args.ties == Ties::kMax) rank = below + equal;
      if (args.ties == Ties::kFirst) rank = below + before + 1;
      out[i] = std::isnan(row[i]) ? kNaN : args.percent ? rank / all : rank;
    }
  });
}

Status CrossZscore(CrossZscoreArgs& args) {
  return RowsOf(args, [&](int64_t, const std::vector<double>& row, std::vector<double>& out) {
    const std::vector<double> finite = Finite(row);
    const auto n = static_cast<double>(finite.size());
    if (n <= static_cast<double>(args.ddof)) return;
    double mean = 0;
    for (const double value : finite) mean += (value - finite[0]) / n;
    double spread = 0;
    for (const double value : finite) spread += (value - finite[0] - mean) * (value - finite[0] - mean);
    if (spread == 0) return;
    const double std = std::sqrt(spread / (n - static_cast<double>(args.ddof)));
    for (size_t i = 0; i < row.size(); ++i) {
      out[i] = std::isfinite(row[i]) ? (row[i] - finite[0] - mean) / std : kNaN;
    }
  });
}

Status CrossWinsorise(CrossWinsoriseArgs& args) {
  return RowsOf(args, [&](int64_t, const std::vector<double>& row, std::vector<double>& out) {
    std::vector<double> sorted = Finite(row);
    if (sorted.empty()) return;
    std::sort(sorted.begin(), sorted.end());
    const double low = Quantile(sorted, args.lower);
    const double high = Quantile(sorted, args.upper);
    for (size_t i = 0; i < row.size(); ++i) {
      out[i] = std::isfinite(row[i]) ? std::clamp(row[i], low, high) : kNaN;
    }
  });
}

Status CrossNeutralise(CrossNeutraliseArgs& args) {
  args.dtype == Dtype::kF64 ? Neutralise<double>(args) : Neutralise<float>(args);
  return Status::kOk;
}

}  // namespace nautilus::cpu::reference
