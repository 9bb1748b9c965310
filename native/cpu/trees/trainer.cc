// Rounds of boosting, and forests: what trees are grown on and what becomes of them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/trees.h"
#include "cpu/trees/binning.h"
#include "cpu/trees/draws.h"
#include "cpu/trees/grower.h"
#include "cpu/trees/objective.h"
#include "cpu/trees/team.h"

namespace nautilus::trees {
namespace {

// The leaf that a row in bins ends at.
const Grown& LeafOf(const GrownTree& tree, const Binned& binned, const std::vector<Cut>& cuts, int64_t row) {
  const Grown* node = tree.data();
  while (node->left >= 0) {
    const Split& split = node->split;
    const bool left = split.GoesLeft(binned.Column(split.feature)[row * kLanes], cuts[split.feature].bins);
    node = &tree[left ? node->left : node->right];
  }
  return *node;
}

class Fit : public Trainer {
 public:
  Fit(const Rows& training, const Rows& validation, Options options)
      : rows_(training),
        watched_(validation),
        options_(std::move(options)),
        team_(options_.threads),
        draws_(options_.seed) {
    model_.columns = rows_.columns;
    model_.classes = options_.classes;
  }

  Status Step(int64_t rounds, CancelFlag cancel) override {
    if (grower_ == nullptr) {
      const Status status = Begin(cancel);
      if (status != Status::kOk) return status;
    }
    for (int64_t i = 0; i < rounds && !progress_.done; ++i) {
      if (IsCancelled(cancel)) return Status::kCancelled;
      const Status status = Round(cancel);
      if (status != Status::kOk) return status;
    }
    progress_.loss = options_.forest ? OutOfBagLoss() : LossOf(rows_, options_, team_, sums_.data());
    return std::isfinite(progress_.loss) || options_.forest ? Status::kOk : Status::kNonFinite;
  }

  const Progress& progress() const override { return progress_; }
  const Refusal& refusal() const override { return refusal_; }
  Model Take() override;

 private:
  Status Begin(CancelFlag cancel) {
    cuts_ = CutColumns(rows_, options_, team_, cancel, refusal_);
    if (IsCancelled(cancel)) return Status::kCancelled;
    if (refusal_.row >= 0) return Status::kInvalidOption;
    binned_ = Binned(rows_, cuts_, team_);
    watched_binned_ = Binned(watched_, cuts_, team_);
    model_.base = BaseOf(rows_, options_);
    const auto start = [&](const Rows& rows) {
      std::vector<double> sums(rows.rows * options_.classes);
      for (int64_t k = 0; k < options_.classes; ++k)
        std::fill_n(sums.begin() + k * rows.rows, rows.rows, options_.forest ? 0 : model_.base[k]);
      return sums;
    };
    sums_ = start(rows_);
    watched_sums_ = start(watched_);
    unit_ = !options_.forest && HasUnitHessians(rows_, options_);
    gradients_.resize(rows_.rows * options_.classes);
    if (!unit_) hessians_.resize(rows_.rows * (options_.forest ? 1 : options_.classes));
    if (options_.forest) out_of_bag_.resize(rows_.rows);
    progress_.validation_loss = std::numeric_limits<double>::quiet_NaN();
    grower_ = std::make_unique<Grower>(binned_, cuts_, options_, team_);
    return Status::kOk;
  }

  Status Round(CancelFlag cancel) {
    DrawRows();
    if (options_.forest)
      ForestGradients();
    else
      FindGradients(rows_, options_, team_, sums_.data(), gradients_.data(),
                    unit_ ? nullptr : hessians_.data());
    const int64_t n = rows_.rows;
    bool split = false;
    for (int64_t k = 0; k < options_.classes; ++k) {
      const auto tree_at = static_cast<uint64_t>(progress_.rounds * options_.classes + k);
      std::vector<uint8_t> allowed(cuts_.size(), 1);
      draws_.Keep(Use::kColumns, tree_at, options_.column_share, allowed);
      const Gradients gradients{
          .gradients = gradients_.data() + k * n,
          .hessians = unit_ ? nullptr : hessians_.data() + (options_.forest ? 0 : k * n),
          .rows = all_rows_ ? nullptr : bag_.data(),
          .count = all_rows_ ? n : static_cast<int64_t>(bag_.size())};
      const Status status = grower_->Grow(gradients, {&allowed, tree_at}, cancel, tree_);
      if (status != Status::kOk) return status;
      split = split || tree_.size() > 1;
      if (TakesQuantiles(options_) && !options_.forest) TakeQuantiles();
      AddTree(k);
      Append();
    }
    if (options_.forest) CountOutOfBag();
    ++progress_.rounds;
    Watch();
    const bool stuck = !split && all_rows_ && options_.column_share >= 1 && options_.split_share >= 1;
    progress_.done = progress_.done || progress_.rounds >= options_.rounds || stuck;
    return Status::kOk;
  }

  // Which rows the trees of this round see: a share without putting back, for forests a bootstrap sample.
  void DrawRows() {
    const int64_t n = rows_.rows;
    all_rows_ = !options_.forest && options_.row_share >= 1 && rows_.weights == nullptr;
    if (all_rows_) return;
    const auto round = static_cast<uint64_t>(progress_.rounds);
    times_.assign(n, options_.row_share >= 1 && !options_.forest ? 1 : 0);
    if (options_.forest) {
      const auto draws = std::max<int64_t>(1, std::llround(options_.row_share * static_cast<double>(n)));
      for (int64_t i = 0; i < draws; ++i) {
        const uint64_t word = draws_.At(Use::kRows, round, static_cast<uint32_t>(i)) >> 32;
        ++times_[word * static_cast<uint64_t>(n) >> 32];
      }
    } else if (options_.row_share < 1) {
      const auto below = static_cast<uint64_t>(std::ldexp(options_.row_share, 32));
      team_.RunPieces(n, 10, [&](int64_t first, int64_t last) {
        for (int64_t row = first; row < last; ++row)
          times_[row] = draws_.At(Use::kRows, round, static_cast<uint32_t>(row)) >> 32 < below ? 1 : 0;
      });
    }
    bag_.clear();
    for (int64_t row = 0; row < n; ++row) {
      const bool counts = rows_.weights == nullptr || rows_.weights[row] > 0;
      if (times_[row] > 0 && counts) bag_.push_back(static_cast<uint32_t>(row));
    }
    if (bag_.empty()) bag_.push_back(0);
  }

  // The distance from the base, so that a leaf's value is the mean of it.
  void ForestGradients() {
    const int64_t n = rows_.rows;
    team_.RunPieces(n, 3 * options_.classes, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        const double weight = times_[row] * (rows_.weights == nullptr ? 1.0 : rows_.weights[row]);
        hessians_[row] = static_cast<float>(weight);
        for (int64_t k = 0; k < options_.classes; ++k)
          gradients_[k * n + row] = static_cast<float>(weight * (model_.base[k] - AimOf(rows_, row, k)));
      }
    });
  }

  // What a forest predicts: the number, or 1 for the class.
  double AimOf(const Rows& rows, int64_t row, int64_t k) const {
    if (options_.objective != Objective::kSoftmax) return rows.targets[row];
    return rows.targets[row] == static_cast<float>(k) ? 1 : 0;
  }

  // LightGBM's renewal of leaves: the step of Newton says nothing about a quantile.
  void TakeQuantiles() {
    for (Grown& node : tree_) {
      if (node.left >= 0) continue;
      std::vector<std::pair<double, double>> residuals;
      for (const uint32_t row : grower_->RowsOf(node)) {
        residuals.emplace_back(rows_.targets[row] - sums_[row],
                               rows_.weights == nullptr ? 1.0 : rows_.weights[row]);
      }
      node.value = WeightedQuantile(residuals, options_.alpha);
    }
  }

  double StepOf(const Grown& leaf) const {
    return options_.forest ? leaf.value : leaf.value * options_.learning_rate;
  }

  void AddTree(int64_t k) {
    double* const sums = sums_.data() + k * rows_.rows;
    if (!options_.forest) {
      std::vector<const Grown*> leaves;
      for (const Grown& node : tree_) {
        if (node.left < 0) leaves.push_back(&node);
      }
      team_.Run(static_cast<int64_t>(leaves.size()), rows_.rows, [&](int64_t leaf, int64_t) {
        const double step = StepOf(*leaves[leaf]);
        for (const uint32_t row : grower_->RowsOf(*leaves[leaf])) sums[row] += step;
      });
    }
    if (!all_rows_) {
      const auto out = [&](int64_t row) {
        return times_[row] == 0 || (rows_.weights != nullptr && rows_.weights[row] == 0);
      };
      team_.RunPieces(rows_.rows, 20, [&](int64_t first, int64_t last) {
        for (int64_t row = first; row < last; ++row) {
          if (out(row)) sums[row] += StepOf(LeafOf(tree_, binned_, cuts_, row));
        }
      });
    }
    double* const watched = watched_sums_.data() + k * watched_.rows;
    team_.RunPieces(watched_.rows, 20, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row)
        watched[row] += StepOf(LeafOf(tree_, watched_binned_, cuts_, row));
    });
  }

  void CountOutOfBag() {
    for (int64_t row = 0; row < rows_.rows; ++row) out_of_bag_[row] += times_[row] == 0 ? 1 : 0;
  }

  // Half the squared error of forests, over all classes.
  double ForestLoss(const Rows& rows, const std::vector<double>& sums, auto trees_of) const {
    double loss = 0;
    double weight = 0;
    for (int64_t row = 0; row < rows.rows; ++row) {
      const double trees = trees_of(row);
      if (trees == 0) continue;
      const double w = rows.weights == nullptr ? 1.0 : rows.weights[row];
      for (int64_t k = 0; k < options_.classes; ++k) {
        const double error = model_.base[k] + sums[k * rows.rows + row] / trees - AimOf(rows, row, k);
        loss += w * error * error / 2;
      }
      weight += w;
    }
    return weight > 0 ? loss / weight : std::numeric_limits<double>::quiet_NaN();
  }

  // Each row by the trees that have not seen it; NaN while there is none.
  double OutOfBagLoss() const {
    return ForestLoss(rows_, sums_, [&](int64_t row) { return static_cast<double>(out_of_bag_[row]); });
  }

  void Watch() {
    if (watched_.rows == 0) {
      progress_.best_rounds = progress_.rounds;
      return;
    }
    const auto rounds = static_cast<double>(progress_.rounds);
    const double loss = options_.forest ? ForestLoss(watched_, watched_sums_, [&](int64_t) { return rounds; })
                                        : LossOf(watched_, options_, team_, watched_sums_.data());
    progress_.validation_loss = loss;
    if (progress_.rounds == 1 || loss < best_loss_ || options_.patience == 0) {
      best_loss_ = loss;
      progress_.best_rounds = progress_.rounds;
    }
    if (options_.patience > 0 && progress_.rounds - progress_.best_rounds >= options_.patience)
      progress_.done = true;
  }

  // Puts the tree behind the others.
  void Append() {
    const auto first = static_cast<int32_t>(model_.feature.size());
    model_.roots.push_back(first);
    for (const Grown& node : tree_) {
      const bool leaf = node.left < 0;
      const Split& split = node.split;
      const Cut* const cut = leaf ? nullptr : &cuts_[split.feature];
      const bool numbers = !leaf && !split.category;
      model_.feature.push_back(leaf ? -1 : static_cast<int32_t>(cut->column));
      model_.threshold.push_back(!numbers                    ? 0
                                 : split.bin < cut->bins - 1 ? cut->thresholds[split.bin]
                                                             : std::numeric_limits<float>::infinity());
      model_.left.push_back(leaf ? -1 : first + node.left);
      model_.right.push_back(leaf ? -1 : first + node.right);
      model_.missing_left.push_back(numbers && split.missing_left ? 1 : 0);
      model_.set.push_back(!leaf && split.category ? static_cast<int32_t>(model_.sets.size()) : -1);
      if (!leaf && split.category) model_.sets.insert(model_.sets.end(), split.set.begin(), split.set.end());
      values_.push_back(leaf ? StepOf(node) : 0);
      model_.gain.push_back(leaf ? 0 : split.gain);
      model_.cover.push_back(static_cast<double>(node.sums.rows));
    }
  }

  const Rows rows_;
  const Rows watched_;
  const Options options_;
  const Team team_;
  const Draws draws_;
  std::vector<Cut> cuts_;
  Binned binned_;
  Binned watched_binned_;
  std::vector<double> sums_;
  std::vector<double> watched_sums_;
  std::vector<float> gradients_;
  std::vector<float> hessians_;
  bool unit_ = false;
  bool all_rows_ = true;
  std::vector<uint32_t> bag_;
  std::vector<uint32_t> times_;
  std::vector<uint32_t> out_of_bag_;
  std::unique_ptr<Grower> grower_;
  GrownTree tree_;
  Model model_;
  std::vector<double> values_;  // of the nodes, before they are rounded
  Progress progress_;
  Refusal refusal_;
  double best_loss_ = 0;
};

// Values become multiples of one power of 2, small enough that the sum of any of them is a float without
// rounding: whatever adds them, in any order and on any number of threads, gets the same bits.
Model Fit::Take() {
  const int64_t trees = progress_.best_rounds * options_.classes;
  const size_t nodes =
      trees < static_cast<int64_t>(model_.roots.size()) ? model_.roots[trees] : model_.feature.size();
  Model model = model_;
  model.roots.resize(trees);
  for (auto* list : {&model.feature, &model.left, &model.right, &model.set}) list->resize(nodes);
  model.threshold.resize(nodes);
  model.missing_left.resize(nodes);
  model.gain.resize(nodes);
  model.cover.resize(nodes);
  const double scale =
      options_.forest ? 1.0 / static_cast<double>(std::max<int64_t>(1, progress_.best_rounds)) : 1;
  std::vector<double> most(options_.classes, 0.0);
  for (int64_t tree = 0; tree < trees; ++tree) {
    const size_t end = tree + 1 < trees ? model.roots[tree + 1] : nodes;
    double largest = 0;
    for (size_t node = model.roots[tree]; node < end; ++node)
      largest = std::max(largest, std::abs(values_[node]));
    most[tree % options_.classes] += largest * scale;
  }
  const double bound = *std::max_element(most.begin(), most.end());
  const double unit = bound > 0 ? std::ldexp(1.0, std::max(std::ilogb(bound) - 22, -149)) : 1;
  model.value.resize(nodes);
  for (size_t node = 0; node < nodes; ++node)
    model.value[node] = static_cast<float>(std::nearbyint(values_[node] * scale / unit) * unit);
  return model;
}

}  // namespace

std::unique_ptr<Trainer> MakeTrainer(const Rows& training, const Rows& validation, Options options) {
  return std::make_unique<Fit>(training, validation, std::move(options));
}

}  // namespace nautilus::trees
