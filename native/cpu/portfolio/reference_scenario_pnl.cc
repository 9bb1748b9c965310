// Textbook loops of the profit and loss of scenarios: position after position.
#include <cmath>
#include <limits>

#include "cpu/portfolio/reference.h"

namespace nautilus::cpu::reference {
namespace {

template <typename T>
T Finite(double value) {
  const T rounded = static_cast<T>(value);
  return std::isfinite(rounded) ? rounded : std::numeric_limits<T>::quiet_NaN();
}

template <typename T>
Status ScenarioPnlOf(const ScenarioPnlArgs& args) {
  for (int64_t s = 0; s < args.scenarios; ++s) {
    double sum = 0;
    for (int64_t p = 0; p < args.positions; ++p) {
      const int64_t factor = args.factor_of == nullptr ? p : args.factor_of[p];
      const double move = static_cast<const T*>(args.moves)[s * args.factors + factor];
      const double delta = static_cast<const T*>(args.delta)[p];
      const double gamma = args.gamma == nullptr ? 0 : static_cast<const T*>(args.gamma)[p];
      const double gain = delta == 0 && gamma == 0 ? 0 : delta * move + gamma * move * move / 2;
      sum += gain;
      if (args.by_position != nullptr)
        static_cast<T*>(args.by_position)[s * args.positions + p] = Finite<T>(gain);
    }
    static_cast<T*>(args.pnl)[s] = Finite<T>(sum);
  }
  return Status::kOk;
}

}  // namespace

Status ScenarioPnl(ScenarioPnlArgs& args) {
  return args.dtype == Dtype::kF64 ? ScenarioPnlOf<double>(args) : ScenarioPnlOf<float>(args);
}

}  // namespace nautilus::cpu::reference
