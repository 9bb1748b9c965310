// Ensembles of decision trees: what growing them takes, what it gives, and reading them. No Node, no SIMD.
#ifndef NAUTILUS_CORE_TREES_H_
#define NAUTILUS_CORE_TREES_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/kernel_call.h"
#include "core/status.h"

namespace nautilus::trees {

// Level: all nodes of a depth, as XGBoost. Leaf: the node that gains most, as LightGBM. Oblivious: one
// question for all nodes of a depth, as CatBoost.
enum class Growth { kLevel, kLeaf, kOblivious };

// Squared, Huber, quantile and Poisson losses of numbers; logistic and softmax losses of classes.
enum class Objective { kSquared, kHuber, kQuantile, kPoisson, kLogistic, kSoftmax };

struct Options {
  Growth growth = Growth::kLevel;
  Objective objective = Objective::kSquared;
  bool forest = false;   // trees on bootstrap samples, averaged, instead of one after the other
  int64_t classes = 1;   // trees of a round: 1, or the classes of softmax
  int64_t rounds = 100;  // the most; early stopping may end before
  double learning_rate = 0.1;
  int64_t max_depth = 6;  // 0 is the most that there is, kMostDepth
  int64_t max_leaves = 64;
  int64_t min_rows = 1;    // of a leaf
  double min_hessian = 1;  // of a leaf
  double l1 = 0;
  double l2 = 1;
  double min_gain = 0;  // of a split
  int64_t max_bins = 255;
  double row_share = 1;     // of a round, drawn without putting back; of a forest's tree drawn with it
  double column_share = 1;  // of a tree
  double split_share = 1;   // of the columns of a tree, at each split
  double alpha = 0.9;       // of Huber: where the loss becomes linear; of quantile: the quantile
  int64_t patience = 0;     // rounds without a better validation loss that end the fit; 0 is never
  uint64_t seed = 0;
  int threads = 1;
  // Of columns of categories: added to the hessian that their order divides by, and to l2; how many of them
  // one side may name, and how many rows each of those needs. Ke et al. 2017.
  double category_smooth = 10;
  double category_l2 = 10;
  int64_t category_most = 32;
  int64_t category_rows = 10;
  std::vector<uint8_t> categories;  // [columns], 1 where the column holds codes from 0 to 254
  std::vector<int8_t> monotone;     // [columns] or empty: 1 never falls, -1 never rises, 0 free
};

inline constexpr int64_t kMostDepth = 64;
inline constexpr int64_t kMostLeaves = 65536;
inline constexpr int64_t kMostRows = int64_t{1} << 26;
inline constexpr int64_t kMostClasses = 256;
inline constexpr int kMostBins = 255;
inline constexpr int kSetWords = 8;

// Rows of a table; `inputs` is [rows, columns], NaN is missing.
struct Rows {
  const float* inputs = nullptr;
  const float* targets = nullptr;
  const float* weights = nullptr;  // null where all are 1
  int64_t rows = 0;
  int64_t columns = 0;
};

// The trees of all rounds one after the other, for softmax those of all classes in each round. A row starts
// at a root, goes left where its value is at most the threshold (or one of the set), right otherwise, and
// ends at a node without a feature. The prediction is `base` and the sum of the values where it ended.
struct Model {
  int64_t columns = 0;
  int64_t classes = 1;
  std::vector<double> base;      // [classes]
  std::vector<int32_t> roots;    // of each tree
  std::vector<int32_t> feature;  // -1 for a leaf; this and the following for each node
  std::vector<float> threshold;
  std::vector<int32_t> left;
  std::vector<int32_t> right;
  std::vector<uint8_t> missing_left;  // where NaN goes
  std::vector<int32_t> set;           // where its words begin in `sets`, -1 where the threshold counts
  std::vector<uint32_t> sets;         // 256 bits for each: the codes that go left
  std::vector<float> value;           // of a leaf
  std::vector<double> gain;           // of a split
  std::vector<double> cover;          // rows that were there in training
};

struct Progress {
  int64_t rounds = 0;
  double loss = 0;
  double validation_loss = 0;  // NaN without rows of validation
  int64_t best_rounds = 0;     // as many as the model has
  bool done = false;
};

// Why a fit was refused, when Step returns kInvalidOption: this column has something else than a code.
struct Refusal {
  int64_t row = -1;
  int64_t column = -1;
};

// One fit, a few rounds at a time. The same bits for any number of threads and any split into steps.
class Trainer {
 public:
  virtual ~Trainer() = default;

  // Runs up to `rounds` rounds more. kNonFinite when the loss is no number any more, kInvalidOption with a
  // refusal, kCancelled; none of them can go on. Throws std::bad_alloc.
  virtual Status Step(int64_t rounds, CancelFlag cancel) = 0;

  virtual const Progress& progress() const = 0;
  virtual const Refusal& refusal() const = 0;

  // Returns the model as it is, without the rounds after the best one.
  virtual Model Take() = 0;
};

// `training` and `validation` have to outlive it. The options are in their ranges, targets and weights
// finite.
std::unique_ptr<Trainer> MakeTrainer(const Rows& training, const Rows& validation, Options options);

// Writes [rows, classes]: the sums before any link.
Status Predict(const Model& model, std::span<const float> inputs, int threads, float* sums);

// Writes [rows, classes, columns + 1]: what each column adds to the sum of the row, and last the mean that
// they start from. Path-dependent TreeSHAP: Lundberg, Erion and Lee 2018, algorithm 2.
Status Explain(const Model& model, std::span<const float> inputs, int threads, CancelFlag cancel,
               double* parts);

}  // namespace nautilus::trees

#endif  // NAUTILUS_CORE_TREES_H_
