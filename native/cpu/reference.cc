// Textbook loops, one operation after the other, in the order that the kernel documentation states.
#include "cpu/reference.h"

#include <limits>

namespace nautilus::cpu::reference {
namespace {

template <typename T>
T RsiValue(T gain, T loss) {
  const T total = gain + loss;
  return total == T{0} ? T{50} : T{100} * (gain / total);
}

template <typename T>
void RsiLoop(const RsiArgs& args) {
  const T* close = static_cast<const T*>(args.close);
  T* out = static_cast<T*>(args.out);
  const T period = static_cast<T>(args.period);
  const T less_one = static_cast<T>(args.period - 1);
  for (int64_t series = 0; series < args.series; ++series) {
    T gains{0};
    T losses{0};
    for (int64_t bar = 0; bar < args.bars; ++bar) {
      const int64_t at = bar * args.series + series;
      out[at] = std::numeric_limits<T>::quiet_NaN();
      if (bar == 0) continue;
      const T change = close[at] - close[at - args.series];
      const T gain = change <= T{0} ? T{0} : change;
      const T loss = change >= T{0} ? T{0} : -change;
      if (bar <= args.period) {
        gains += gain;
        losses += loss;
        if (bar < args.period) continue;
        gains /= period;
        losses /= period;
      } else {
        gains = (gains * less_one + gain) / period;
        losses = (losses * less_one + loss) / period;
      }
      out[at] = RsiValue(gains, losses);
    }
  }
}

}  // namespace

Status Rsi(RsiArgs& args) {
  args.dtype == Dtype::kF64 ? RsiLoop<double>(args) : RsiLoop<float>(args);
  return Status::kOk;
}

}  // namespace nautilus::cpu::reference
