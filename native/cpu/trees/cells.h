// Gradients in fixed point, and the tables of their sums: integers, so that any order of rows, any cut of the
// work and the difference of two tables give the same bits.
#ifndef NAUTILUS_CPU_TREES_CELLS_H_
#define NAUTILUS_CPU_TREES_CELLS_H_

#include <bit>
#include <cmath>
#include <cstdint>

#include "cpu/trees/binning.h"

namespace nautilus::trees {

// A table of a tile: the sums of each bin of each lane. Lanes lie a fixed distance apart, so that their
// places are part of the instruction.
inline constexpr int64_t kBins = 256;
inline constexpr int64_t kTileCells = kLanes * kBins;

// What the rows of a bin or a node add up to.
struct Sums {
  double gradient;
  double hessian;
  int64_t rows;
};

// How many bits the number of rows takes, and what one unit of the integers is worth.
struct Units {
  int row_bits = 0;
  double gradient = 1;
  double hessian = 1;

  uint64_t row_mask() const { return (uint64_t{1} << row_bits) - 1; }
};

// The power of 2 that brings sizes up to `largest` to at most 2^bits.
inline int ExponentFor(double largest, int bits) { return largest > 0 ? bits - 1 - std::ilogb(largest) : 0; }

// Where all hessians are 1: the gradient above, the row count below, in one integer.
struct Narrow {
  using Cell = int64_t;

  // Sums of all rows fit in 63 - row_bits bits with the sign.
  static Units UnitsFor(double gradient, double, int64_t rows) {
    const int row_bits = std::bit_width(static_cast<uint64_t>(rows));
    return {.row_bits = row_bits,
            .gradient = std::ldexp(1.0, -ExponentFor(gradient, std::min(30, 62 - 2 * row_bits))),
            .hessian = 1};
  }
  static Cell CellOf(double gradient, double, const Units& units) {
    return std::llrint(gradient / units.gradient) * (int64_t{1} << units.row_bits) + 1;
  }
  static Sums SumsOf(Cell cell, const Units& units) {
    const auto rows = static_cast<int64_t>(static_cast<uint64_t>(cell) & units.row_mask());
    return {static_cast<double>(cell >> units.row_bits) * units.gradient, static_cast<double>(rows), rows};
  }
  static int64_t RowsOf(Cell cell, const Units& units) {
    return static_cast<int64_t>(static_cast<uint64_t>(cell) & units.row_mask());
  }
};

// Elsewhere: the gradient in one integer, hessian and row count in another.
struct Wide {
  using Cell = int64_t __attribute__((vector_size(16)));

  static Units UnitsFor(double gradient, double hessian, int64_t rows) {
    const int row_bits = std::bit_width(static_cast<uint64_t>(rows));
    return {.row_bits = row_bits,
            .gradient = std::ldexp(1.0, -ExponentFor(gradient, std::min(40, 62 - row_bits))),
            .hessian = std::ldexp(1.0, -ExponentFor(hessian, std::min(40, 62 - 2 * row_bits)))};
  }
  // A hessian that is not 0 stays above 0.
  static Cell CellOf(double gradient, double hessian, const Units& units) {
    const int64_t h = hessian > 0 ? std::max<int64_t>(1, std::llrint(hessian / units.hessian)) : 0;
    return Cell{std::llrint(gradient / units.gradient), h * (int64_t{1} << units.row_bits) + 1};
  }
  static Sums SumsOf(Cell cell, const Units& units) {
    const auto low = static_cast<uint64_t>(cell[1]);
    return {static_cast<double>(cell[0]) * units.gradient,
            static_cast<double>(low >> units.row_bits) * units.hessian,
            static_cast<int64_t>(low & units.row_mask())};
  }
  static int64_t RowsOf(Cell cell, const Units& units) {
    return static_cast<int64_t>(static_cast<uint64_t>(cell[1]) & units.row_mask());
  }
};

// Adds rows to the table of a tile of `kWidth` lanes. `rows` says which, null for the first `count`; `cells`
// are their gradients in the same order.
template <class Cell, int kWidth>
void Accumulate(const uint8_t* tile, const uint32_t* rows, const Cell* cells, int64_t count, Cell* table) {
  constexpr int64_t kAhead = 16;
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* bins;
    if (rows != nullptr) {
      if (i + kAhead < count) __builtin_prefetch(tile + static_cast<int64_t>(rows[i + kAhead]) * kLanes);
      bins = tile + static_cast<int64_t>(rows[i]) * kLanes;
    } else {
      bins = tile + i * kLanes;
    }
    const Cell cell = cells[i];
#pragma GCC unroll 8
    for (int lane = 0; lane < kWidth; ++lane) table[lane * kBins + bins[lane]] += cell;
  }
}

// The same for a width that is known when it runs.
template <class Cell>
void AccumulateTile(int64_t width, const uint8_t* tile, const uint32_t* rows, const Cell* cells,
                    int64_t count, Cell* table) {
  using Run = void (*)(const uint8_t*, const uint32_t*, const Cell*, int64_t, Cell*);
  static constexpr Run kRuns[kLanes] = {Accumulate<Cell, 1>, Accumulate<Cell, 2>, Accumulate<Cell, 3>,
                                        Accumulate<Cell, 4>, Accumulate<Cell, 5>, Accumulate<Cell, 6>,
                                        Accumulate<Cell, 7>, Accumulate<Cell, 8>};
  kRuns[width - 1](tile, rows, cells, count, table);
}

}  // namespace nautilus::trees

#endif  // NAUTILUS_CPU_TREES_CELLS_H_
