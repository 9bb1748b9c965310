// The rows of each node as one stretch of a list, and their gradients in the same order.
#ifndef NAUTILUS_CPU_TREES_PARTITION_H_
#define NAUTILUS_CPU_TREES_PARTITION_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cpu/trees/cells.h"
#include "cpu/trees/split.h"
#include "cpu/trees/team.h"

namespace nautilus::trees {

class Partition {
 public:
  void Start(const uint32_t* rows, int64_t count, const Team& team) {
    rows_.resize(count);
    lefts_.resize(count);
    rights_.resize(count);
    team.RunPieces(count, 1, [&](int64_t first, int64_t last) {
      if (rows != nullptr)
        return static_cast<void>(std::copy(rows + first, rows + last, rows_.data() + first));
      for (int64_t i = first; i < last; ++i) rows_[i] = static_cast<uint32_t>(i);
    });
  }

  const uint32_t* rows() const { return rows_.data(); }

  // Puts the rows that go left first, in their order, and returns where those that go right begin. `column`
  // is the bins of the split's feature, kLanes apart.
  int64_t Divide(int64_t first, int64_t last, const Split& split, int bins, const uint8_t* column,
                 const Team& team) {
    std::array<uint8_t, kBins> goes_left;
    for (int bin = 0; bin < kBins; ++bin) goes_left[bin] = split.GoesLeft(bin, bins) ? 1 : 0;
    const int64_t pieces = (last - first + Team::kPiece - 1) / Team::kPiece;
    counts_.resize(pieces + 1);
    const auto each = [&](auto body) {
      team.Run(pieces, (last - first) * 2, [&](int64_t piece, int64_t) {
        const int64_t from = first + piece * Team::kPiece;
        body(piece, from, std::min(last, from + Team::kPiece));
      });
    };
    each([&](int64_t piece, int64_t from, int64_t to) {
      uint32_t* left = lefts_.data() + from;
      uint32_t* right = rights_.data() + from;
      for (int64_t i = from; i < to; ++i) {
        const uint32_t row = rows_[i];
        const uint8_t goes = goes_left[column[static_cast<int64_t>(row) * kLanes]];
        *left = row;
        *right = row;
        left += goes;
        right += 1 - goes;
      }
      counts_[piece] = left - (lefts_.data() + from);
    });
    int64_t left_end = first;
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const int64_t count = counts_[piece];
      counts_[piece] = left_end;
      left_end += count;
    }
    counts_[pieces] = left_end;
    each([&](int64_t piece, int64_t from, int64_t to) {
      const int64_t left = counts_[piece + 1] - counts_[piece];
      const int64_t right = to - from - left;
      const int64_t rights_before = (from - first) - (counts_[piece] - first);
      std::memcpy(rows_.data() + counts_[piece], lefts_.data() + from, left * sizeof(uint32_t));
      std::memcpy(rows_.data() + left_end + rights_before, rights_.data() + from, right * sizeof(uint32_t));
    });
    return left_end;
  }

 private:
  std::vector<uint32_t> rows_;
  std::vector<uint32_t> lefts_;
  std::vector<uint32_t> rights_;
  std::vector<int64_t> counts_;
};

}  // namespace nautilus::trees

#endif  // NAUTILUS_CPU_TREES_PARTITION_H_
