// The order in which nodes are split, and what each split computes: the rows of both children, the tables of
// the smaller one, those of the other as the difference, and their best splits, one tile of columns at a
// time.
#include "cpu/trees/grower.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <queue>
#include <utility>

#include "cpu/trees/tables.h"

namespace nautilus::trees {
namespace {

// About how long one row takes in one lane of a table, in nanoseconds, and the scan of one bin.
constexpr int64_t kCellNs = 1;
constexpr int64_t kScanNs = 3;

}  // namespace

template <class Kind>
class Grower::Run {
 public:
  using Cell = typename Kind::Cell;

  Run(Memory& memory, const Gradients& gradients, const Draw& draw, CancelFlag cancel, GrownTree& tree)
      : m_(memory),
        options_(memory.options),
        gradients_(gradients),
        draw_(draw),
        cancel_(cancel),
        tree_(tree),
        tables_(memory, gradients),
        tiles_(tables_.tiles()) {}

  Status Grow() {
    if (!tables_.Quantise()) return Status::kNonFinite;
    m_.partition.Start(gradients_.rows, gradients_.count, m_.team);
    tree_.clear();
    tree_.push_back({});
    tree_[0].last = gradients_.count;
    Search root{.node = 0, .table = tables_.TakeTable()};
    LookUp(root);
    if (options_.growth == Growth::kOblivious) return GrowLevels(root);
    Offer(root);
    int64_t leaves = 1;
    while (!waiting_.empty() && leaves < options_.max_leaves) {
      if (IsCancelled(cancel_)) return Status::kCancelled;
      const Waiting next = waiting_.top();
      waiting_.pop();
      ++leaves;
      SplitNode(next.node, next.table, leaves < options_.max_leaves);
    }
    return Status::kOk;
  }

 private:
  // A node that can be split, and its tables if they are kept.
  struct Waiting {
    int32_t node;
    Cell* table;
    double gain;
    int depth;
  };
  // What is split first is greatest.
  struct Later {
    bool by_gain;
    bool operator()(const Waiting& a, const Waiting& b) const {
      if (by_gain && a.gain != b.gain) return a.gain < b.gain;
      if (!by_gain && a.depth != b.depth) return a.depth > b.depth;
      return a.node > b.node;
    }
  };
  // A node whose tables are built and scanned.
  struct Search {
    int32_t node;
    Cell* table;  // null: not kept
    Searched searched{};
    std::vector<Split> best{};  // of each tile
  };

  Split Scan(const Cell* tile_table, int64_t tile, const Searched& node,
             const std::vector<uint8_t>& allowed) const {
    std::array<Sums, kBins> sums;
    Split best;
    best.gain = options_.min_gain + 1e-12 * std::abs(node.score);
    const int64_t first = tile * kLanes;
    const int64_t last = std::min<int64_t>(m_.binned.features(), first + kLanes);
    for (int64_t feature = first; feature < last; ++feature) {
      if (allowed[feature] == 0) continue;
      const Cut& cut = m_.cuts[feature];
      const Column column = tables_.ColumnOf(tile_table + (feature - first) * kBins, feature, sums);
      Split found = cut.category ? SplitCategories(column, node, m_.rules, best.gain)
                                 : SplitNumbers(column, node, m_.rules, Monotone(cut), best.gain);
      if (!found.found()) continue;
      best = found;
      best.feature = feature;
    }
    return best;
  }

  int Monotone(const Cut& cut) const { return options_.monotone.empty() ? 0 : options_.monotone[cut.column]; }

  // The columns that this split may use.
  std::vector<uint8_t> Allowed(int32_t node) const {
    std::vector<uint8_t> allowed = *draw_.allowed;
    m_.draws.Keep(Use::kSplits, draw_.tree << 20 | static_cast<uint64_t>(node), options_.split_share,
                  allowed);
    return allowed;
  }

  Searched SearchedOf(const Grown& node) const {
    const double score = std::isfinite(node.bounds.low) || std::isfinite(node.bounds.high)
                             ? m_.rules.ScoreAt(node.sums, m_.rules.Value(node.sums, node.bounds))
                             : m_.rules.Score(node.sums.gradient, node.sums.hessian);
    return {.sums = node.sums, .score = score, .bounds = node.bounds};
  }

  // The root: its sums are those of any column.
  void LookUp(Search& root) {
    Grown& node = tree_[0];
    if (gradients_.rows != nullptr) tables_.List(node);
    const auto listed = tables_.RowsOf(tree_[0]);
    node.sums = tables_.Total();
    node.value = m_.rules.Value(node.sums, node.bounds);
    root.searched = SearchedOf(node);
    root.best.assign(tiles_, {});
    const std::vector<uint8_t> allowed = Allowed(0);
    m_.team.Run(tiles_, listed.count * kLanes * tiles_ * kCellNs, [&](int64_t tile, int64_t) {
      Cell* const table = root.table + tile * kTileCells;
      tables_.Build(listed, tile, table);
      root.best[tile] = Scan(table, tile, root.searched, allowed);
    });
    Choose(root);
  }

  // The best of all tiles; the first of equals.
  void Choose(const Search& search) {
    Split& best = tree_[search.node].split;
    best = {};
    for (const Split& split : search.best) {
      if (split.found() && (!best.found() || split.gain > best.gain)) best = split;
    }
  }

  bool MayGrow(const Grown& node) const {
    const int64_t most = options_.max_depth == 0 ? kMostDepth : options_.max_depth;
    return node.depth < most && node.last - node.first >= 2 * m_.rules.min_rows;
  }

  void Offer(const Search& search) {
    const Grown& node = tree_[search.node];
    if (!node.split.found() || !MayGrow(node)) return tables_.GiveTable(search.table);
    waiting_.push({search.node, search.table, node.split.gain, node.depth});
  }

  // Makes the children of a node that has a split, with their rows.
  void DivideRows(int32_t at) {
    const auto left = static_cast<int32_t>(tree_.size());
    tree_.resize(tree_.size() + 2);
    Grown& parent = tree_[at];
    const Split& split = parent.split;
    Grown& lower = tree_[left];
    Grown& upper = tree_[left + 1];
    parent.left = left;
    parent.right = left + 1;
    lower.first = parent.first;
    upper.last = parent.last;
    lower.last = upper.first =
        m_.partition.Divide(parent.first, parent.last, split, m_.cuts[split.feature].bins,
                            m_.binned.Column(split.feature), m_.team);
    lower.depth = upper.depth = parent.depth + 1;
  }

  // The same with their sums and values.
  void Divide(int32_t at) {
    DivideRows(at);
    const Grown& parent = tree_[at];
    const Split& split = parent.split;
    Grown& lower = tree_[parent.left];
    Grown& upper = tree_[parent.right];
    lower.sums = split.left;
    upper.sums = Less(parent.sums, split.left);
    lower.bounds = upper.bounds = parent.bounds;
    const double more_l2 = split.category ? m_.rules.category_l2 : 0;
    lower.value = m_.rules.Value(lower.sums, parent.bounds, more_l2);
    upper.value = m_.rules.Value(upper.sums, parent.bounds, more_l2);
    Bound(lower, upper, split.category ? 0 : Monotone(m_.cuts[split.feature]));
  }

  // Below a monotone column no leaf of one side passes one of the other.
  static void Bound(Grown& lower, Grown& upper, int monotone) {
    if (monotone == 0) return;
    const double middle = (lower.value + upper.value) / 2;
    (monotone > 0 ? lower : upper).bounds.high = middle;
    (monotone > 0 ? upper : lower).bounds.low = middle;
  }

  void SplitNode(int32_t at, Cell* table, bool go_on) {
    Divide(at);
    const int32_t left = tree_[at].left;
    const int32_t right = tree_[at].right;
    if (!go_on || (!MayGrow(tree_[left]) && !MayGrow(tree_[right]))) return tables_.GiveTable(table);
    const bool left_small = tree_[left].sums.rows <= tree_[right].sums.rows;
    // Both are looked at even where one can't grow: its sibling's tables need those of the smaller one.
    Search small{.node = left_small ? left : right, .table = tables_.TakeTable()};
    Search large{.node = left_small ? right : left, .table = table != nullptr ? table : tables_.TakeTable()};
    const bool subtract = table != nullptr;
    tables_.List(tree_[small.node]);
    if (!subtract) tables_.List(tree_[large.node]);
    small.searched = SearchedOf(tree_[small.node]);
    large.searched = SearchedOf(tree_[large.node]);
    small.best.assign(tiles_, {});
    large.best.assign(tiles_, {});
    const std::vector<uint8_t> small_allowed = Allowed(small.node);
    const std::vector<uint8_t> large_allowed = Allowed(large.node);
    const auto small_rows = tables_.RowsOf(tree_[small.node]);
    const auto large_rows = tables_.RowsOf(tree_[large.node]);
    const int64_t built = small_rows.count + (subtract ? 0 : large_rows.count);
    const bool small_grows = MayGrow(tree_[small.node]);
    const bool large_grows = MayGrow(tree_[large.node]);
    m_.team.Run(
        tiles_, tiles_ * kLanes * (built * kCellNs + 2 * kBins * kScanNs), [&](int64_t tile, int64_t member) {
          Cell* const scratch = tables_.Scratch(member);
          Cell* const lower = small.table != nullptr ? small.table + tile * kTileCells : scratch;
          Cell* const upper = large.table != nullptr ? large.table + tile * kTileCells : scratch + kTileCells;
          tables_.Build(small_rows, tile, lower);
          if (subtract)
            tables_.Subtract(tile, lower, upper);
          else
            tables_.Build(large_rows, tile, upper);
          if (small_grows) small.best[tile] = Scan(lower, tile, small.searched, small_allowed);
          if (large_grows) large.best[tile] = Scan(upper, tile, large.searched, large_allowed);
        });
    Choose(small);
    Choose(large);
    Offer(small);
    Offer(large);
  }

  // One question for each depth.
  Status GrowLevels(const Search& root) {
    const int64_t most = options_.max_depth == 0 ? kMostDepth : options_.max_depth;
    const int64_t features = m_.binned.features();
    std::vector<Pair> pairs;
    std::vector<std::pair<int32_t, Cell*>> level{{0, root.table}};
    std::vector<double> gains(features * kBins * 2);
    std::vector<uint8_t> missing(features);
    for (int64_t depth = 0; depth < most && (int64_t{2} << depth) <= options_.max_leaves; ++depth) {
      if (IsCancelled(cancel_)) return Status::kCancelled;
      const std::vector<uint8_t> allowed = Allowed(static_cast<int32_t>(depth));
      std::fill(gains.begin(), gains.end(), 0.0);
      const auto rows = static_cast<int64_t>(gradients_.count);
      const auto nodes = static_cast<int64_t>(level.size());
      m_.team.Run(tiles_, tiles_ * kLanes * (rows / 2 * kCellNs + nodes * kBins * kScanNs),
                  [&](int64_t tile, int64_t member) {
                    Cell* const scratch = tables_.Scratch(member);
                    if (depth == 0)
                      return AddTile(0, root.table + tile * kTileCells, tile, allowed, gains, missing);
                    for (const Pair& pair : pairs) BuildPair(pair, tile, scratch, allowed, gains, missing);
                  });
      const Split split = BestOf(gains, allowed, missing);
      if (!split.found()) break;
      pairs.clear();
      std::vector<std::pair<int32_t, Cell*>> next;
      for (const auto& [node, table] : level) pairs.push_back(DivideAll(node, table, split));
      for (const Pair& pair : pairs) {
        next.emplace_back(pair.small, pair.small_table);
        next.emplace_back(pair.large, pair.large_table);
      }
      level = std::move(next);
    }
    return Status::kOk;
  }

  // Two children, and where their tables are kept; those of the larger one may still be the parent's.
  struct Pair {
    int32_t small;
    int32_t large;
    Cell* small_table;
    Cell* large_table;
    bool subtract;
  };

  Pair DivideAll(int32_t at, Cell* table, const Split& split) {
    tree_[at].split = split;
    DivideRows(at);
    const Grown& parent = tree_[at];
    for (const int32_t child : {parent.left, parent.right}) {
      Grown& node = tree_[child];
      node.bounds = parent.bounds;
      tables_.List(node);
      node.sums = tables_.SumsOf(node);
      // Between monotone columns a leaf that no row of training came to is not 0 but what its parent is.
      const double empty =
          options_.monotone.empty() ? 0 : std::clamp(parent.value, node.bounds.low, node.bounds.high);
      node.value = node.sums.rows == 0 ? empty : m_.rules.Value(node.sums, node.bounds);
    }
    KeepOrder(parent, Monotone(m_.cuts[split.feature]));
    const bool left_small = tree_[tree_[at].left].sums.rows <= tree_[tree_[at].right].sums.rows;
    Cell* const small_table = tables_.TakeTable();
    return {.small = left_small ? tree_[at].left : tree_[at].right,
            .large = left_small ? tree_[at].right : tree_[at].left,
            .small_table = small_table,
            .large_table = table != nullptr ? table : tables_.TakeTable(),
            .subtract = table != nullptr};
  }

  // A question that suits the other nodes may turn the order of a monotone column around in this one, whose
  // children then are and stay as their parent.
  void KeepOrder(const Grown& parent, int monotone) {
    Grown& lower = tree_[parent.left];
    Grown& upper = tree_[parent.right];
    if (monotone * (upper.value - lower.value) >= 0) return Bound(lower, upper, monotone);
    for (Grown* const node : {&lower, &upper}) {
      node->value = std::clamp(parent.value, parent.bounds.low, parent.bounds.high);
      node->bounds = {.low = node->value, .high = node->value};
    }
  }

  void BuildPair(const Pair& pair, int64_t tile, Cell* scratch, const std::vector<uint8_t>& allowed,
                 std::vector<double>& gains, std::vector<uint8_t>& missing) {
    Cell* const lower = pair.small_table != nullptr ? pair.small_table + tile * kTileCells : scratch;
    Cell* const upper =
        pair.large_table != nullptr ? pair.large_table + tile * kTileCells : scratch + kTileCells;
    tables_.Build(tables_.RowsOf(tree_[pair.small]), tile, lower);
    if (pair.subtract)
      tables_.Subtract(tile, lower, upper);
    else
      tables_.Build(tables_.RowsOf(tree_[pair.large]), tile, upper);
    AddTile(pair.small, lower, tile, allowed, gains, missing);
    AddTile(pair.large, upper, tile, allowed, gains, missing);
  }

  void AddTile(int32_t node, const Cell* table, int64_t tile, const std::vector<uint8_t>& allowed,
               std::vector<double>& gains, std::vector<uint8_t>& missing) {
    std::array<Sums, kBins> sums;
    const Searched searched = SearchedOf(tree_[node]);
    const int64_t first = tile * kLanes;
    const int64_t last = std::min<int64_t>(m_.binned.features(), first + kLanes);
    for (int64_t feature = first; feature < last; ++feature) {
      if (allowed[feature] == 0) continue;
      const Column column = tables_.ColumnOf(table + (feature - first) * kBins, feature, sums);
      if (column.missing.rows > 0) missing[feature] = 1;
      AddGains(column, searched, m_.rules, Monotone(m_.cuts[feature]), gains.data() + feature * kBins * 2);
    }
  }

  Split BestOf(const std::vector<double>& gains, const std::vector<uint8_t>& allowed,
               const std::vector<uint8_t>& missing) const {
    Split best;
    best.gain = options_.min_gain + 1e-12 * std::abs(SearchedOf(tree_[0]).score);
    for (int64_t feature = 0; feature < m_.binned.features(); ++feature) {
      if (allowed[feature] == 0) continue;
      for (int bin = 0; bin < m_.cuts[feature].bins; ++bin) {
        for (int missing_left = 0; missing_left <= missing[feature]; ++missing_left) {
          const double gain = gains[(feature * kBins + bin) * 2 + missing_left];
          if (!(gain > best.gain)) continue;
          best.gain = gain;
          best.feature = feature;
          best.bin = bin;
          best.missing_left = missing_left != 0;
        }
      }
    }
    return best;
  }

  Memory& m_;
  const Options& options_;
  const Gradients& gradients_;
  const Draw& draw_;
  const CancelFlag cancel_;
  GrownTree& tree_;
  Tables<Kind> tables_;
  const int64_t tiles_;
  std::priority_queue<Waiting, std::vector<Waiting>, Later> waiting_{
      Later{m_.options.growth == Growth::kLeaf}};
};

Grower::Grower(const Binned& binned, const std::vector<Cut>& cuts, const Options& options, const Team& team)
    : memory_(std::make_unique<Memory>(binned, cuts, options, team)) {}

Grower::~Grower() = default;

Status Grower::Grow(const Gradients& gradients, const Draw& draw, CancelFlag cancel, GrownTree& tree) {
  return gradients.hessians == nullptr ? Run<Narrow>(*memory_, gradients, draw, cancel, tree).Grow()
                                       : Run<Wide>(*memory_, gradients, draw, cancel, tree).Grow();
}

std::span<const uint32_t> Grower::RowsOf(const Grown& node) const {
  return {memory_->partition.rows() + node.first, static_cast<size_t>(node.last - node.first)};
}

}  // namespace nautilus::trees
