// A grid whose cells are so small that all rows of one are within eps of each other. For up to three columns.
#ifndef NAUTILUS_CPU_LEARNING_GRID_H_
#define NAUTILUS_CPU_LEARNING_GRID_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/kernel_call.h"
#include "core/parallel.h"
#include "cpu/learning/neighbours.h"

namespace nautilus::cpu {

class Grid {
 public:
  static constexpr int64_t kMaxColumns = 3;
  using Runs = std::vector<std::pair<int64_t, int64_t>>;

  // Whether a grid has room for rows that reach this far (the largest extent of a column).
  static bool Fits(int64_t columns, double extent, double eps) {
    return columns >= 1 && columns <= kMaxColumns && eps > 0 && extent / Side(columns, eps) < 0x1p18;
  }

  // Puts the rows of `places` into the order of their cells.
  Grid(Places& places, double eps) : places_(places), square_(eps * eps) {
    const int64_t columns = places.columns;
    const int64_t count = places.count;
    const double side = Side(columns, eps);
    std::vector<double> least(places[0], places[0] + columns);
    for (int64_t p = 0; p < count; ++p) {
      for (int64_t j = 0; j < columns; ++j) least[j] = std::min(least[j], places[p][j]);
    }
    std::vector<std::pair<uint64_t, int32_t>> keyed(count);
    ParallelRanges(count, 8192, [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; ++p) {
        uint64_t key = 0;
        for (int64_t j = 0; j < columns; ++j) {
          key = key << kBits | (static_cast<uint64_t>((places[p][j] - least[j]) / side) + kReach);
        }
        keyed[p] = {key, static_cast<int32_t>(p)};
      }
    });
    std::sort(keyed.begin(), keyed.end());
    Places sorted{count, columns, std::vector<int32_t>(count), std::vector<double>(count * columns),
                  std::vector<double>(count)};
    for (int64_t p = 0; p < count; ++p) {
      const int32_t from = keyed[p].second;
      sorted.order[p] = places.order[from];
      sorted.weights[p] = places.weights[from];
      std::copy_n(places[from], columns, sorted.values.data() + p * columns);
      if (p == 0 || keyed[p].first != keyed[p - 1].first) {
        keys_.push_back(keyed[p].first);
        firsts_.push_back(static_cast<int32_t>(p));
      }
    }
    firsts_.push_back(static_cast<int32_t>(count));
    places = std::move(sorted);
    // The last column runs through a range of keys; the others are added up.
    const int64_t others = columns - 1;
    const int64_t width = 2 * kReach + 1;
    offsets_.push_back(0);
    for (int64_t j = 0; j < others; ++j) {
      std::vector<int64_t> wider;
      for (const int64_t offset : offsets_) {
        for (int64_t step = 0; step < width; ++step) wider.push_back((offset << kBits) + step - kReach);
      }
      offsets_ = std::move(wider);
    }
    for (int64_t& offset : offsets_) offset = offset * (int64_t{1} << kBits);
  }

  int64_t cells() const { return static_cast<int64_t>(keys_.size()); }

  // Calls body(cell, runs) for each cell; `runs` are the ranges of cells that may
  // hold places within eps of its own. Bodies of several cells run at once.
  template <class Body>
  void ForCells(CancelFlag cancel, const Body& body) const {
    ParallelRanges(cells(), 256, [&](int64_t begin, int64_t end) {
      std::vector<int64_t> at(offsets_.size());
      for (size_t i = 0; i < offsets_.size(); ++i) at[i] = LowerBound(keys_[begin] + offsets_[i] - kReach);
      Runs runs;
      for (int64_t cell = begin; cell < end; ++cell) {
        if (cell % 64 == 0 && IsCancelled(cancel)) return;
        runs.clear();
        for (size_t i = 0; i < offsets_.size(); ++i) {
          // Keys rise from cell to cell, and so do the places where their neighbours begin.
          const uint64_t low = keys_[cell] + offsets_[i] - kReach;
          while (at[i] < cells() && keys_[at[i]] < low) ++at[i];
          int64_t stop = at[i];
          while (stop < cells() && keys_[stop] <= low + 2 * kReach) ++stop;
          if (stop > at[i]) runs.emplace_back(at[i], stop);
        }
        body(cell, runs);
      }
    });
  }

  int64_t First(int64_t cell) const { return firsts_[cell]; }
  int64_t Last(int64_t cell) const { return firsts_[cell + 1]; }

  // Writes which places are core.
  void FindCore(double least, CancelFlag cancel, uint8_t* core) const {
    ForCells(cancel, [&](int64_t cell, const Runs& runs) {
      double own = 0;
      for (int64_t p = First(cell); p < Last(cell); ++p) own += places_.weights[p];
      for (int64_t p = First(cell); p < Last(cell); ++p) {
        double sum = own;
        for (const auto& [begin, end] : runs) {
          for (int64_t other = begin; other < end && sum < least; ++other) {
            if (other == cell) continue;
            for (int64_t q = First(other); q < Last(other); ++q) {
              if (Near(p, q)) sum += places_.weights[q];
            }
          }
        }
        core[p] = sum >= least ? 1 : 0;
      }
    });
  }

  // Joins core places within eps of each other.
  void JoinCore(const uint8_t* core, CancelFlag cancel, Sets& sets) const {
    ForCells(cancel, [&](int64_t cell, const Runs& runs) {
      int32_t one = -1;
      for (int64_t p = First(cell); p < Last(cell); ++p) {
        if (core[p] == 0) continue;
        if (one >= 0) sets.Join(one, static_cast<int32_t>(p));
        one = static_cast<int32_t>(p);
      }
      if (one < 0) return;
      for (const auto& [begin, end] : runs) {
        // The other half of the pairs is seen from the other cell. All core places of a cell are in one set.
        for (int64_t other = std::max(begin, cell + 1); other < end; ++other)
          JoinCells(cell, other, core, sets);
      }
    });
  }

  // Calls found(place, core place) for each core place within eps of one that is none.
  template <class Found>
  void ForBorders(const uint8_t* core, CancelFlag cancel, const Found& found) const {
    ForCells(cancel, [&](int64_t cell, const Runs& runs) {
      for (int64_t p = First(cell); p < Last(cell); ++p) {
        if (core[p] != 0) continue;
        for (const auto& [begin, end] : runs) {
          for (int64_t q = First(begin); q < First(end); ++q) {
            if (core[q] != 0 && Near(p, q)) found(p, q);
          }
        }
      }
    });
  }

 private:
  static constexpr int kBits = 20;
  static constexpr int64_t kReach = 2;

  // A little below eps / sqrt(columns): what rounding makes of cells must not reach beyond eps.
  static double Side(int64_t columns, double eps) {
    return eps / std::sqrt(static_cast<double>(columns)) * (1 - 1e-9);
  }

  bool Near(int64_t p, int64_t q) const {
    return SquaredDistance(places_[p], places_[q], places_.columns) <= square_;
  }

  int64_t LowerBound(uint64_t key) const {
    return std::lower_bound(keys_.begin(), keys_.end(), key) - keys_.begin();
  }

  void JoinCells(int64_t cell, int64_t other, const uint8_t* core, Sets& sets) const {
    const int64_t columns = places_.columns;
    int32_t theirs = -1;
    std::array<double, kMaxColumns> low{};
    std::array<double, kMaxColumns> high{};
    for (int64_t q = First(other); q < Last(other); ++q) {
      if (core[q] == 0) continue;
      for (int64_t j = 0; j < columns; ++j) {
        const double value = places_[q][j];
        low[j] = theirs < 0 ? value : std::min(low[j], value);
        high[j] = theirs < 0 ? value : std::max(high[j], value);
      }
      theirs = static_cast<int32_t>(q);
    }
    if (theirs < 0) return;
    for (int64_t p = First(cell); p < Last(cell); ++p) {
      if (core[p] == 0) continue;
      if (sets.Find(static_cast<int32_t>(p)) == sets.Find(theirs)) return;
      double gap = 0;  // to the box of the others: most pairs of full cells need no more
      for (int64_t j = 0; j < columns; ++j) {
        const double far = std::max({low[j] - places_[p][j], places_[p][j] - high[j], 0.0});
        gap += far * far;
      }
      for (int64_t q = First(other); gap <= square_ && q < Last(other); ++q) {
        if (core[q] == 0 || !Near(p, q)) continue;
        sets.Join(static_cast<int32_t>(p), static_cast<int32_t>(q));
        return;
      }
    }
  }

  const Places& places_;
  const double square_;
  std::vector<uint64_t> keys_;    // of the cells, ascending
  std::vector<int32_t> firsts_;   // the first place of each cell, then the number of places
  std::vector<int64_t> offsets_;  // of neighbouring keys, but for the last column
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_LEARNING_GRID_H_
