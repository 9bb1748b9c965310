// Principal components of a panel: eigenvectors of its covariance, or singular vectors where there are fewer
// observations than assets.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/matrix/columns.h"

namespace nautilus::cpu {
namespace {

using matrix::Panel;

// The centred (and scaled) panel's components in `vectors` [count, assets], the sums of squares along them in
// descending order in `squares`, and the sum of all squares.
template <typename T>
struct Axes {
  std::vector<T> vectors;
  std::vector<double> squares;
  double total = 0;
};

// Divides rows and columns of the lower triangle by the deviation of their assets.
template <typename T>
void ScaleGram(T* gram, const std::vector<double>& scale, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j)
      gram[i * n + j] = static_cast<T>(gram[i * n + j] / (scale[i] * scale[j]));
  }
}

// Returns the deviation of each asset, and 1 for one that does not vary.
template <typename T>
std::vector<double> Deviations(const std::vector<T>& squares, double divisor) {
  std::vector<double> scale(squares.size());
  for (size_t j = 0; j < scale.size(); ++j) scale[j] = squares[j] > 0 ? std::sqrt(squares[j] / divisor) : 1.0;
  return scale;
}

template <typename T>
Status FromGram(const Panel<T>& panel, const double* mean, PcaArgs& args, Axes<T>& axes,
                std::vector<double>& scale) {
  const int64_t n = panel.columns;
  std::vector<T> gram(n * n);
  const Status status = CentredGram(panel, mean, args.cancel, gram.data());
  if (status != Status::kOk) return status;
  if (args.scale) {
    std::vector<T> squares(n);
    for (int64_t j = 0; j < n; ++j) squares[j] = gram[j * (n + 1)];
    scale = Deviations(squares, static_cast<double>(args.observations - args.ddof));
    ScaleGram(gram.data(), scale, n);
  }
  for (int64_t j = 0; j < n; ++j) axes.total += gram[j * (n + 1)];
  if (!std::isfinite(axes.total)) return Status::kNonFinite;
  matrix::MirrorLower(gram.data(), n);
  std::vector<T> values(n);
  if (LapackSyevd(true, n, gram.data(), values.data()) != 0) return Status::kInvariant;
  axes.vectors.resize(args.components * n);
  for (int64_t i = 0; i < args.components; ++i) {
    const int64_t from = n - 1 - i;
    std::copy_n(gram.data() + from * n, n, axes.vectors.data() + i * n);
    axes.squares.push_back(std::max(0.0, static_cast<double>(values[from])));
  }
  return Status::kOk;
}

template <typename T>
Status FromPanel(const Panel<T>& panel, const double* mean, PcaArgs& args, Axes<T>& axes,
                 std::vector<double>& scale) {
  const auto [values, rows, columns] = panel;
  std::vector<T> centred(rows * columns);
  Centre(panel, mean, 0, rows, centred.data());
  std::vector<double> squares(columns, 0.0);
  for (int64_t i = 0; i < rows * columns; ++i)
    squares[i % columns] += static_cast<double>(centred[i]) * centred[i];
  if (args.scale) {
    scale = Deviations(squares, static_cast<double>(args.observations - args.ddof));
    for (int64_t i = 0; i < rows * columns; ++i) centred[i] = static_cast<T>(centred[i] / scale[i % columns]);
    for (int64_t j = 0; j < columns; ++j) squares[j] /= scale[j] * scale[j];
  }
  for (const double value : squares) axes.total += value;
  if (!std::isfinite(axes.total)) return Status::kNonFinite;
  std::vector<T> singular(rows);
  std::vector<T> u(rows * rows);
  axes.vectors.resize(rows * columns);
  if (LapackGesdd(columns, rows, centred.data(), singular.data(), axes.vectors.data(), u.data()) != 0) {
    return Status::kInvariant;
  }
  for (int64_t i = 0; i < args.components; ++i) {
    axes.squares.push_back(static_cast<double>(singular[i]) * singular[i]);
  }
  return Status::kOk;
}

// scores = centred (and scaled) panel times the components, block of rows by block of rows.
template <typename T>
Status Project(const Panel<T>& panel, const double* mean, const std::vector<double>& scale,
               const T* components, int64_t count, CancelFlag cancel, T* scores) {
  const int64_t columns = panel.columns;
  const int64_t block = BlockRows(panel);
  std::vector<T> centred(block * columns);
  std::vector<T> axes(components, components + count * columns);
  for (int64_t i = 0; i < count * columns && !scale.empty(); ++i) {
    axes[i] = static_cast<T>(axes[i] / scale[i % columns]);
  }
  for (int64_t first = 0; first < panel.rows; first += block) {
    if (IsCancelled(cancel)) return Status::kCancelled;
    const int64_t rows = std::min(block, panel.rows - first);
    Centre(panel, mean, first, rows, centred.data());
    matrix::ParallelGemm<T>(false, true, rows, count, columns, T{1}, centred.data(), columns, axes.data(),
                            columns, T{0}, scores + first * count, count);
  }
  return Status::kOk;
}

template <typename T>
Status PcaOf(PcaArgs& args) {
  const Panel<T> panel{static_cast<const T*>(args.values), args.observations, args.assets};
  const int64_t count = args.components;
  args.detail = std::min(args.observations, args.assets);
  if (count > args.detail || args.observations <= args.ddof) return Status::kShape;
  args.detail = matrix::FirstNonFinite(panel.values, panel.rows * panel.columns);
  if (args.detail >= 0) return Status::kNonFinite;
  if (count == 0) return Status::kOk;
  const std::vector<double> mean = ColumnMeans(panel);
  std::vector<double> scale;
  Axes<T> axes;
  const Status status = args.observations >= args.assets ? FromGram(panel, mean.data(), args, axes, scale)
                                                         : FromPanel(panel, mean.data(), args, axes, scale);
  if (status != Status::kOk) return status;
  auto* components = static_cast<T*>(args.axes);
  std::copy_n(axes.vectors.begin(), count * args.assets, components);
  matrix::FixSigns(components, count, args.assets);
  for (int64_t i = 0; i < count; ++i) {
    const double variance = axes.squares[i] / static_cast<double>(args.observations - args.ddof);
    static_cast<T*>(args.variance)[i] = static_cast<T>(variance);
    static_cast<T*>(args.share)[i] = static_cast<T>(axes.total > 0 ? axes.squares[i] / axes.total : 0);
  }
  for (int64_t j = 0; j < args.assets; ++j) static_cast<T*>(args.mean)[j] = static_cast<T>(mean[j]);
  if (args.scores == nullptr) return Status::kOk;
  return Project(panel, mean.data(), scale, components, count, args.cancel, static_cast<T*>(args.scores));
}

}  // namespace

Status Pca(PcaArgs& args) {
  if (args.assets == 0) return Status::kOk;
  return matrix::WithType(args.dtype, [&](auto type) { return PcaOf<decltype(type)>(args); });
}

}  // namespace nautilus::cpu
