// The gradients of one tree as integers, and the tables of their sums: what nodes are compared by.
#ifndef NAUTILUS_CPU_TREES_TABLES_H_
#define NAUTILUS_CPU_TREES_TABLES_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "cpu/trees/cells.h"
#include "cpu/trees/draws.h"
#include "cpu/trees/grower.h"
#include "cpu/trees/partition.h"

namespace nautilus::trees {

// Tables that wait for their node to be split take at most this much memory; what has none builds them again.
inline constexpr int64_t kTableBytes = int64_t{512} << 20;

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

// Integers of one kind of cells. A table is [tiles][lanes of a tile][bins].
template <class Kind>
class Tables {
 public:
  using Cell = typename Kind::Cell;

  Tables(Grower::Memory& memory, const Gradients& gradients)
      : m_(memory), gradients_(gradients), tiles_(memory.binned.tiles()) {}

  int64_t tiles() const { return tiles_; }
  // What all rows add up to.
  Sums Total() const { return Kind::SumsOf(total_, units_); }

  // Turns gradients into integers; false where one is not finite. Comes before everything else.
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

  // Returns a table to fill, null where there is no memory for one more.
  Cell* TakeTable() {
    if (!free_.empty()) {
      Cell* const table = free_.back();
      free_.pop_back();
      return table;
    }
    const int64_t bytes = tiles_ * kTileCells * static_cast<int64_t>(sizeof(Cell));
    if ((used_ + 1) * bytes > kTableBytes && used_ > 0) return nullptr;
    if (used_ == static_cast<int64_t>(m_.tables.size()))
      m_.tables.push_back(
          std::make_unique_for_overwrite<Wide::Cell[]>(tiles_ * kTileCells));  // room for both kinds
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

  Listed RowsOf(const Grown& node) {
    const int64_t count = node.last - node.first;
    if (node.depth == 0 && gradients_.rows == nullptr) return {nullptr, CellsOf(m_.cells), count};
    return {m_.partition.rows() + node.first, CellsOf(m_.listed) + node.first, count};
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

  // What the listed rows of a node add up to.
  Sums SumsOf(const Grown& node) {
    Cell total{};
    const Cell* const listed = CellsOf(m_.listed);
    for (int64_t i = node.first; i < node.last; ++i) total += listed[i];
    return Kind::SumsOf(total, units_);
  }

  // Two tiles of its own for each member of the team.
  Cell* Scratch(int64_t member) { return CellsOf(m_.scratch) + member * 2 * kTileCells; }

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

 private:
  Cell* CellsOf(std::vector<Wide::Cell>& memory) { return reinterpret_cast<Cell*>(memory.data()); }

  Grower::Memory& m_;
  const Gradients& gradients_;
  const int64_t tiles_;
  Units units_;
  Cell total_{};
  std::vector<Cell*> free_;
  int64_t used_ = 0;
};

}  // namespace nautilus::trees

#endif  // NAUTILUS_CPU_TREES_TABLES_H_
