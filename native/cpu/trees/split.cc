// Scans of the tables of a node.
#include "cpu/trees/split.h"

namespace nautilus::trees {
namespace {

// The gain of two leaves instead of one; minus infinity where a monotone column forbids it.
double GainOf(const Sums& left, const Sums& right, const Searched& node, const Rules& rules, int monotone,
              bool bounded) {
  if (monotone == 0 && !bounded)
    return rules.Score(left.gradient, left.hessian) + rules.Score(right.gradient, right.hessian) - node.score;
  const double lower = rules.Value(left, node.bounds);
  const double upper = rules.Value(right, node.bounds);
  if (monotone * (upper - lower) < 0) return -std::numeric_limits<double>::infinity();
  return rules.ScoreAt(left, lower) + rules.ScoreAt(right, upper) - node.score;
}

Sums Plus(const Sums& a, const Sums& b) {
  return {a.gradient + b.gradient, a.hessian + b.hessian, a.rows + b.rows};
}

// Nobody of the node is in the bins that follow: any of them asks the same here, and the middle one fits rows
// to come best. Past the last number it is the last bin.
int MiddleOfGap(const Column& column, int bin) {
  int next = bin + 1;
  while (next < column.count && column.bins[next].rows == 0) ++next;
  return next == column.count ? column.count - 1 : (bin + next - 1) / 2;
}

bool IsBounded(const Bounds& bounds) { return std::isfinite(bounds.low) || std::isfinite(bounds.high); }

}  // namespace

Split SplitNumbers(const Column& column, const Searched& node, const Rules& rules, int monotone,
                   double least) {
  Split best;
  best.gain = least;
  const bool bounded = IsBounded(node.bounds);
  const bool missing = column.missing.rows > 0;
  for (int missing_left = 0; missing_left <= (missing ? 1 : 0); ++missing_left) {
    Sums left = missing_left != 0 ? column.missing : Sums{0, 0, 0};
    // All numbers left is a question too, whether there is one.
    const int last = missing && missing_left == 0 ? column.count : column.count - 1;
    for (int bin = 0; bin < last; ++bin) {
      if (column.bins[bin].rows == 0) continue;
      left = Plus(left, column.bins[bin]);
      const Sums right = Less(node.sums, left);
      if (right.rows < rules.min_rows || right.hessian < rules.min_hessian) break;
      if (!rules.Allowed(left)) continue;
      const double gain = GainOf(left, right, node, rules, monotone, bounded);
      if (!(gain > best.gain)) continue;
      best.gain = gain;
      best.feature = 0;
      best.bin = bin;
      best.left = left;
      // Nobody missing here: whoever comes later goes where most went.
      best.missing_left = missing ? missing_left != 0 : left.rows > right.rows;
    }
  }
  if (best.found()) best.bin = MiddleOfGap(column, best.bin);
  return best;
}

Split SplitCategories(const Column& column, const Searched& node, const Rules& rules, double least) {
  Split best;
  best.gain = least;
  std::array<int, kBins> order;
  int count = 0;
  for (int bin = 0; bin < column.count; ++bin) {
    if (column.bins[bin].rows >= std::max<int64_t>(1, rules.category_rows)) order[count++] = bin;
  }
  const auto place = [&](int bin) {
    return column.bins[bin].gradient / (column.bins[bin].hessian + rules.category_smooth);
  };
  std::stable_sort(order.begin(), order.begin() + count, [&](int a, int b) { return place(a) < place(b); });
  const bool bounded = IsBounded(node.bounds);
  for (const bool backwards : {false, true}) {
    Sums left{0, 0, 0};
    std::array<uint32_t, kSetWords> set{};
    for (int i = 0; i < std::min<int64_t>(count, rules.category_most); ++i) {
      const int bin = order[backwards ? count - 1 - i : i];
      left = Plus(left, column.bins[bin]);
      set[bin >> 5] |= uint32_t{1} << (bin & 31);
      const Sums right = Less(node.sums, left);
      if (!rules.Allowed(right)) break;
      if (!rules.Allowed(left)) continue;
      const double gain =
          bounded
              ? rules.ScoreAt(left, rules.Value(left, node.bounds, rules.category_l2), rules.category_l2) +
                    rules.ScoreAt(right, rules.Value(right, node.bounds, rules.category_l2),
                                  rules.category_l2) -
                    node.score
              : rules.Score(left.gradient, left.hessian, rules.category_l2) +
                    rules.Score(right.gradient, right.hessian, rules.category_l2) - node.score;
      if (!(gain > best.gain)) continue;
      best.gain = gain;
      best.feature = 0;
      best.category = true;
      best.set = set;
      best.left = left;
    }
  }
  return best;
}

void AddGains(const Column& column, const Searched& node, const Rules& rules, int monotone, double* gains) {
  const bool bounded = IsBounded(node.bounds);
  for (int missing_left = 0; missing_left < 2; ++missing_left) {
    Sums left = missing_left != 0 ? column.missing : Sums{0, 0, 0};
    for (int bin = 0; bin < column.count; ++bin) {
      left = Plus(left, column.bins[bin]);
      const Sums right = Less(node.sums, left);
      if (!rules.Allowed(left) || !rules.Allowed(right)) continue;
      const double gain = GainOf(left, right, node, rules, monotone, bounded);
      if (std::isfinite(gain)) gains[2 * bin + missing_left] += gain;
    }
  }
}

}  // namespace nautilus::trees
