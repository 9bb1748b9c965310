// Rows in tiles whose columns lie apart, so that the rows of a tile are the lanes of vectors.
#ifndef NAUTILUS_CPU_LEARNING_TILES_H_
#define NAUTILUS_CPU_LEARNING_TILES_H_

#include <algorithm>
#include <cstdint>

#include "core/parallel.h"
#include "cpu/statistics/scratch.h"

namespace nautilus::cpu {

inline constexpr int64_t kTileRows = 16;

// A copy of row-major values[rows, columns]: tile after tile, in each column after column. The rows that the
// last tile lacks are 0.
template <typename T>
class Tiles {
 public:
  Tiles(const T* values, int64_t rows, int64_t columns)
      : columns_(columns), tiles_((rows + kTileRows - 1) / kTileRows), memory_(tiles_ * kTileRows * columns) {
    if (!memory_) return;
    ParallelRanges(tiles_, 256, [&](int64_t first, int64_t last) {
      for (int64_t tile = first; tile < last; ++tile) {
        T* out = memory_.get() + tile * kTileRows * columns;
        const int64_t count = std::min(kTileRows, rows - tile * kTileRows);
        const T* from = values + tile * kTileRows * columns;
        for (int64_t j = 0; j < columns; ++j) {
          for (int64_t i = 0; i < count; ++i) out[j * kTileRows + i] = from[i * columns + j];
          std::fill(out + j * kTileRows + count, out + (j + 1) * kTileRows, T{0});
        }
      }
    });
  }

  // Whether there was memory.
  explicit operator bool() const { return static_cast<bool>(memory_); }
  int64_t size() const { return tiles_; }
  const T* operator[](int64_t tile) const { return memory_.get() + tile * kTileRows * columns_; }

 private:
  int64_t columns_;
  int64_t tiles_;
  Scratch<T> memory_;
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_LEARNING_TILES_H_
