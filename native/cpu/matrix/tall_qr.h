// The QR factorization of a tall matrix in blocks of rows, one for each chunk of threads, whose triangles are
// factored once more together (Demmel, Grigori, Hoemmen and Langou 2012: as stable as Householder's on the
// whole).
#ifndef NAUTILUS_CPU_MATRIX_TALL_QR_H_
#define NAUTILUS_CPU_MATRIX_TALL_QR_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "core/parallel.h"
#include "cpu/blas.h"
#include "cpu/matrix/support.h"

namespace nautilus::cpu::matrix {

template <typename T>
class TallQr {
 public:
  // Factors row-major a[rows, columns]; rows >= columns >= 1.
  TallQr(const T* a, int64_t rows, int64_t columns)
      : rows_(rows),
        n_(columns),
        panel_(std::min<int64_t>(columns, 32)),
        blocks_(std::clamp<int64_t>(rows / std::max<int64_t>(4 * columns, 512), 1, 16)),
        packed_(rows * columns),
        triangles_(blocks_ * panel_ * columns) {
    ParallelFor(blocks_, [&](int64_t block) {
      T* q = packed_.data() + First(block) * n_;
      Transpose(a + First(block) * n_, Count(block), n_, q);
      Check(LapackGeqrt(Count(block), n_, panel_, q, triangles_.data() + block * panel_ * n_));
    });
    if (blocks_ == 1) return;
    top_.assign(blocks_ * n_ * n_, T{0});
    top_triangle_.resize(panel_ * n_);
    for (int64_t block = 0; block < blocks_; ++block) {
      const T* q = packed_.data() + First(block) * n_;
      for (int64_t j = 0; j < n_; ++j) {
        std::copy_n(q + j * Count(block), j + 1, top_.data() + j * blocks_ * n_ + block * n_);
      }
    }
    Check(LapackGeqrt(blocks_ * n_, n_, panel_, top_.data(), top_triangle_.data()));
  }

  // Returns whether every step was carried out.
  bool ok() const { return ok_; }

  // Returns r, column-major [columns, columns] with zeros below the diagonal.
  std::vector<T> Triangle() const {
    const T* from = blocks_ == 1 ? packed_.data() : top_.data();
    const int64_t distance = blocks_ == 1 ? rows_ : blocks_ * n_;
    std::vector<T> r(n_ * n_, T{0});
    for (int64_t j = 0; j < n_; ++j) std::copy_n(from + j * distance, j + 1, r.data() + j * n_);
    return r;
  }

  // Writes q c, row-major [rows, count], for column-major c[columns, count].
  void Expand(const T* c, int64_t count, T* out) {
    std::vector<T> top(blocks_ * n_ * count, T{0});
    for (int64_t j = 0; j < count; ++j) std::copy_n(c + j * n_, n_, top.data() + j * blocks_ * n_);
    if (blocks_ > 1) {
      Check(LapackGemqrt(false, blocks_ * n_, count, n_, panel_, top_.data(), top_triangle_.data(),
                         top.data()));
    }
    ParallelFor(blocks_, [&](int64_t block) {
      const int64_t rows = Count(block);
      std::vector<T> part(rows * count, T{0});
      for (int64_t j = 0; j < count; ++j) {
        std::copy_n(top.data() + j * blocks_ * n_ + block * n_, n_, part.data() + j * rows);
      }
      Check(LapackGemqrt(false, rows, count, n_, panel_, packed_.data() + First(block) * n_,
                         triangles_.data() + block * panel_ * n_, part.data()));
      Transpose(part.data(), count, rows, out + First(block) * count);
    });
  }

  // Returns the first `columns` rows of q' b, column-major [columns, count], for row-major b[rows, count].
  std::vector<T> Reduce(const T* b, int64_t count) {
    std::vector<T> top(blocks_ * n_ * count);
    ParallelFor(blocks_, [&](int64_t block) {
      const int64_t rows = Count(block);
      std::vector<T> part(rows * count);
      Transpose(b + First(block) * count, rows, count, part.data());
      Check(LapackGemqrt(true, rows, count, n_, panel_, packed_.data() + First(block) * n_,
                         triangles_.data() + block * panel_ * n_, part.data()));
      for (int64_t j = 0; j < count; ++j) {
        std::copy_n(part.data() + j * rows, n_, top.data() + j * blocks_ * n_ + block * n_);
      }
    });
    if (blocks_ > 1) {
      Check(
          LapackGemqrt(true, blocks_ * n_, count, n_, panel_, top_.data(), top_triangle_.data(), top.data()));
    }
    std::vector<T> out(n_ * count);
    for (int64_t j = 0; j < count; ++j) std::copy_n(top.data() + j * blocks_ * n_, n_, out.data() + j * n_);
    return out;
  }

 private:
  int64_t First(int64_t block) const { return rows_ / blocks_ * block + std::min(block, rows_ % blocks_); }
  int64_t Count(int64_t block) const { return First(block + 1) - First(block); }
  void Check(int64_t info) {
    if (info != 0) ok_ = false;
  }

  int64_t rows_;
  int64_t n_;
  int64_t panel_;
  int64_t blocks_;
  std::vector<T> packed_;  // block after block, each column-major
  std::vector<T> triangles_;
  std::vector<T> top_;  // the triangles of the blocks, one above the other, and what factoring them left
  std::vector<T> top_triangle_;
  std::atomic<bool> ok_ = true;
};

}  // namespace nautilus::cpu::matrix

#endif  // NAUTILUS_CPU_MATRIX_TALL_QR_H_
