// The order in which nodes are split, and what each split computes: the rows of both children, the tables of
// the smaller one, those of the other as the difference, and their best splits, one tile of columns at a
// time.
#include "cpu/trees/grower.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <queue>
#include <utility>

#include "cpu/trees/cells.h"
#include "cpu/trees/draws.h"
#include "cpu/trees/partition.h"

namespace nautilus::trees {
namespace {

// Tables that wait for their node to be split take at most this much memory; what has none builds them again.
constexpr int64_t kTableBytes = int64_t{512} << 20;

// About how long one row takes in one lane of a table, in nanoseconds, and the scan of one bin.
constexpr int64_t kCellNs = 1;
constexpr int64_t kScanNs = 3;

}  // namespace

struct Grower::Memory {
  const Binned& binned;
  const std::vector<Cut>& cuts;
  const Options& options;
  const Team& team;
  const Rules rules;
  const Draws draws;
  Partition partition;
  // Memory of both kinds of cells, in units of 16 bytes: gradients of all rows, of the listed ones, tables.
  std::vector<Wide::Cell> cells;
  std::vector<Wide::Cell> listed;
  std::vector<std::unique_ptr<Wide::Cell[]>> tables;
  std::vector<Wide::Cell> scratch;  // two tiles for each thread

  Memory(const Binned& rows, const std::vector<Cut>& columns, const Options& with, const Team& threads)
      : binned(rows), cuts(columns), options(with), team(threads), rules(with), draws(with.seed) {
    scratch.resize(2 * kTileCells * team.threads());
  }
};

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
        tiles_(memory.binned.tiles()) {}

  Status Grow() {
    if (!Quantise()) return Status::kNonFinite;
    m_.partition.Start(gradients_.rows, gradients_.count, m_.team);
    tree_.clear();
    tree_.push_back({});
    tree_[0].last = gradients_.count;
    Search root{.node = 0, .table = TakeTable()};
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

  Cell* CellsOf(std::vector<Wide::Cell>& memory) { return reinterpret_cast<Cell*>(memory.data()); }

  // Turns gradients into integers; false where one is not finite.
  bool Quantise() {
    const int64_t n = gradients_.count;
    const int64_t pieces = (n + Team::kPiece - 1) / Team::kPiece;
    std::vector<std::pair<float, float>> largest(pieces);
    const auto row_of = [&](int64_t i) {
      return gradients_.rows == nullptr ? i : int64_t{gradients_.rows[i]};
    };
    m_.team.RunPieces(n, 1, [&](int64_t first, int64_t last) {
      float gradient = 0;
      float hessian = 0;
      bool finite = true;
      for (int64_t i = first; i < last; ++i) {
        const int64_t row = row_of(i);
        gradient = std::max(gradient, std::abs(gradients_.gradients[row]));
        finite = finite && std::isfinite(gradients_.gradients[row]);
        if (gradients_.hessians == nullptr) continue;
        hessian = std::max(hessian, gradients_.hessians[row]);
        finite = finite && std::isfinite(gradients_.hessians[row]);
      }
      if (!finite) gradient = std::numeric_limits<float>::infinity();
      largest[first / Team::kPiece] = {gradient, hessian};
    });
    float gradient = 0;
    float hessian = 0;
    for (const auto& [g, h] : largest) {
      gradient = std::max(gradient, g);
      hessian = std::max(hessian, h);
    }
    if (!std::isfinite(gradient) || !std::isfinite(hessian)) return false;
    units_ = Kind::UnitsFor(gradient, hessian, n);
    const size_t words = (m_.binned.rows() * sizeof(Cell) + sizeof(Wide::Cell) - 1) / sizeof(Wide::Cell);
    if (m_.cells.size() < words) m_.cells.resize(words);
    if (m_.listed.size() < words) m_.listed.resize(words);
    Cell* const cells = CellsOf(m_.cells);
    std::vector<Cell> totals(pieces);
    m_.team.RunPieces(n, 3, [&](int64_t first, int64_t last) {
      Cell total{};
      for (int64_t i = first; i < last; ++i) {
        const int64_t row = row_of(i);
        cells[row] = Kind::CellOf(gradients_.gradients[row],
                                  gradients_.hessians == nullptr ? 1 : gradients_.hessians[row], units_);
        total += cells[row];
      }
      totals[first / Team::kPiece] = total;
    });
    for (const Cell& total : totals) total_ += total;
    return true;
  }

  int64_t TableCells() const { return tiles_ * kTileCells; }

  Cell* TakeTable() {
    if (!free_.empty()) {
      Cell* const table = free_.back();
      free_.pop_back();
      return table;
    }
    const int64_t bytes = TableCells() * static_cast<int64_t>(sizeof(Cell));
    if ((used_ + 1) * bytes > kTableBytes && used_ > 0) return nullptr;
    if (used_ == static_cast<int64_t>(m_.tables.size()))
      m_.tables.push_back(std::make_unique_for_overwrite<Wide::Cell[]>(TableCells()));  // room for both kinds
    return reinterpret_cast<Cell*>(m_.tables[used_++].get());
  }

  void GiveTable(Cell* table) {
    if (table != nullptr) free_.push_back(table);
  }

  // The gradients of all rows lie in order; those of some have to be fetched.
  struct Listed {
    const uint32_t* rows;
    const Cell* cells;
    int64_t count;
  };

  Listed RowsOf(int32_t node) {
    const Grown& grown = tree_[node];
    const int64_t count = grown.last - grown.first;
    if (node == 0 && gradients_.rows == nullptr) return {nullptr, CellsOf(m_.cells), count};
    return {m_.partition.rows() + grown.first, CellsOf(m_.listed) + grown.first, count};
  }

  void Build(const Listed& listed, int64_t tile, Cell* table) const {
    const int64_t width = std::min<int64_t>(kLanes, m_.binned.features() - tile * kLanes);
    for (int64_t lane = 0; lane < width; ++lane) {
      const Cut& cut = m_.cuts[tile * kLanes + lane];
      std::fill_n(table + lane * kBins, cut.bins + 1, Cell{});
    }
    AccumulateTile<Cell>(width, m_.binned.Tile(tile), listed.rows, listed.cells, listed.count, table);
  }

  // The other child's tables, in place of the parent's.
  void Subtract(int64_t tile, const Cell* part, Cell* whole) const {
    const int64_t width = std::min<int64_t>(kLanes, m_.binned.features() - tile * kLanes);
    for (int64_t lane = 0; lane < width; ++lane) {
      const int64_t first = lane * kBins;
      const int64_t last = first + m_.cuts[tile * kLanes + lane].bins + 1;
      for (int64_t cell = first; cell < last; ++cell) whole[cell] -= part[cell];
    }
  }

  // Reads a column out of its table.
  Column ColumnOf(const Cell* table, int64_t feature, std::array<Sums, kBins>& sums) const {
    const int bins = m_.cuts[feature].bins;
    for (int bin = 0; bin <= bins; ++bin) sums[bin] = Kind::SumsOf(table[bin], units_);
    return {sums.data(), bins, sums[bins]};
  }

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
      const Column column = ColumnOf(tile_table + (feature - first) * kBins, feature, sums);
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
    if (gradients_.rows != nullptr) List(node);
    const Listed listed = RowsOf(0);
    node.sums = Kind::SumsOf(total_, units_);
    node.value = m_.rules.Value(node.sums, node.bounds);
    root.searched = SearchedOf(node);
    root.best.assign(tiles_, {});
    const std::vector<uint8_t> allowed = Allowed(0);
    m_.team.Run(tiles_, listed.count * kLanes * tiles_ * kCellNs, [&](int64_t tile, int64_t) {
      Cell* const table = root.table + tile * kTileCells;
      Build(listed, tile, table);
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
    if (!node.split.found() || !MayGrow(node)) return GiveTable(search.table);
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
    const int monotone = split.category ? 0 : Monotone(m_.cuts[split.feature]);
    if (monotone == 0) return;
    const double middle = (lower.value + upper.value) / 2;
    (monotone > 0 ? lower : upper).bounds.high = middle;
    (monotone > 0 ? upper : lower).bounds.low = middle;
  }

  // Gradients of a child in the order of its rows.
  void List(const Grown& node) {
    const Cell* const cells = CellsOf(m_.cells);
    Cell* const listed = CellsOf(m_.listed) + node.first;
    const uint32_t* const rows = m_.partition.rows() + node.first;
    m_.team.RunPieces(node.last - node.first, 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) listed[i] = cells[rows[i]];
    });
  }

  void SplitNode(int32_t at, Cell* table, bool go_on) {
    Divide(at);
    const int32_t left = tree_[at].left;
    const int32_t right = tree_[at].right;
    if (!go_on || (!MayGrow(tree_[left]) && !MayGrow(tree_[right]))) return GiveTable(table);
    const bool left_small = tree_[left].sums.rows <= tree_[right].sums.rows;
    // Both are looked at even where one can't grow: its sibling's tables need those of the smaller one.
    Search small{.node = left_small ? left : right, .table = TakeTable()};
    Search large{.node = left_small ? right : left, .table = table != nullptr ? table : TakeTable()};
    const bool subtract = table != nullptr;
    List(tree_[small.node]);
    if (!subtract) List(tree_[large.node]);
    small.searched = SearchedOf(tree_[small.node]);
    large.searched = SearchedOf(tree_[large.node]);
    small.best.assign(tiles_, {});
    large.best.assign(tiles_, {});
    const std::vector<uint8_t> small_allowed = Allowed(small.node);
    const std::vector<uint8_t> large_allowed = Allowed(large.node);
    const Listed small_rows = RowsOf(small.node);
    const Listed large_rows = RowsOf(large.node);
    const int64_t built = small_rows.count + (subtract ? 0 : large_rows.count);
    const bool small_grows = MayGrow(tree_[small.node]);
    const bool large_grows = MayGrow(tree_[large.node]);
    m_.team.Run(
        tiles_, tiles_ * kLanes * (built * kCellNs + 2 * kBins * kScanNs), [&](int64_t tile, int64_t member) {
          Cell* const scratch = CellsOf(m_.scratch) + member * 2 * kTileCells;
          Cell* const lower = small.table != nullptr ? small.table + tile * kTileCells : scratch;
          Cell* const upper = large.table != nullptr ? large.table + tile * kTileCells : scratch + kTileCells;
          Build(small_rows, tile, lower);
          if (subtract)
            Subtract(tile, lower, upper);
          else
            Build(large_rows, tile, upper);
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
                    Cell* const scratch = CellsOf(m_.scratch) + member * 2 * kTileCells;
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
    for (const int32_t child : {tree_[at].left, tree_[at].right}) {
      Grown& node = tree_[child];
      List(node);
      Cell total{};
      const Cell* const listed = CellsOf(m_.listed);
      for (int64_t i = node.first; i < node.last; ++i) total += listed[i];
      node.sums = Kind::SumsOf(total, units_);
      node.value = node.sums.rows == 0 ? 0 : m_.rules.Value(node.sums, node.bounds);
    }
    const bool left_small = tree_[tree_[at].left].sums.rows <= tree_[tree_[at].right].sums.rows;
    Cell* const small_table = TakeTable();
    return {.small = left_small ? tree_[at].left : tree_[at].right,
            .large = left_small ? tree_[at].right : tree_[at].left,
            .small_table = small_table,
            .large_table = table != nullptr ? table : TakeTable(),
            .subtract = table != nullptr};
  }

  void BuildPair(const Pair& pair, int64_t tile, Cell* scratch, const std::vector<uint8_t>& allowed,
                 std::vector<double>& gains, std::vector<uint8_t>& missing) {
    Cell* const lower = pair.small_table != nullptr ? pair.small_table + tile * kTileCells : scratch;
    Cell* const upper =
        pair.large_table != nullptr ? pair.large_table + tile * kTileCells : scratch + kTileCells;
    Build(RowsOf(pair.small), tile, lower);
    if (pair.subtract)
      Subtract(tile, lower, upper);
    else
      Build(RowsOf(pair.large), tile, upper);
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
      const Column column = ColumnOf(table + (feature - first) * kBins, feature, sums);
      if (column.missing.rows > 0) missing[feature] = 1;
      AddGains(column, searched, m_.rules, gains.data() + feature * kBins * 2);
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
  const int64_t tiles_;
  Units units_;
  Cell total_{};
  std::vector<Cell*> free_;
  int64_t used_ = 0;
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
