// The kernels that measure the machine against their textbook loops, on every SIMD target of this machine.
#include <cmath>
#include <cstring>
#include <vector>

#include "core/kernel_table.h"
#include "test/check.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using test::OnEachTarget;

template <typename T>
bool TriadAgrees(int64_t length, int64_t shift) {
  const T guard{-777};
  const auto b = test::Normal<T>(length + shift, 1);
  const auto c = test::Normal<T>(length + shift, 2);
  std::vector<T> out(length + shift + 16, guard);
  TriadArgs args{.dtype = sizeof(T) == 8 ? Dtype::kF64 : Dtype::kF32,
                 .length = length,
                 .scalar = 3,
                 .b = b.data() + shift,
                 .c = c.data() + shift,
                 .out = out.data() + shift};
  if (cpu::Triad(args) != Status::kOk) return false;
  for (int64_t i = 0; i < length + shift + 16; ++i) {
    const bool inside = i >= shift && i < shift + length;
    const T expected = inside ? b[i] + T{3} * c[i] : guard;
    if (out[i] != expected) return false;
  }
  return true;
}

TEST("the triad has the bits of its loop for every length, alignment and SIMD target") {
  OnEachTarget([](const char* target) {
    for (const int64_t length :
         {0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1000, 65535, 65536, 65537, 140000}) {
      for (const int64_t shift : {0, 1, 3, 5}) {
        CHECK(TriadAgrees<double>(length, shift), "%s f64 length %d", target, static_cast<int>(length));
        CHECK(TriadAgrees<float>(length, shift), "%s f32 length %d", target, static_cast<int>(length));
      }
    }
  });
}

TEST("the triad has those bits where it writes past the caches too") {
  OnEachTarget([](const char* target) {
    CHECK(TriadAgrees<double>((int64_t{1} << 22) + 3, 1), "%s", target);
    CHECK(TriadAgrees<float>((int64_t{1} << 23) + 3, 1), "%s", target);
  });
}

template <typename T>
bool FixedPoint(double scale, double shift) {
  std::vector<T> out(3);
  FmaChainsArgs args{.dtype = sizeof(T) == 8 ? Dtype::kF64 : Dtype::kF32,
                     .rounds = 3,
                     .scale = scale,
                     .shift = shift,
                     .out = out.data()};
  if (cpu::FmaChains(args) != Status::kOk) return false;
  T x = 1;
  for (int step = 0; step < 2000; ++step) x = x * static_cast<T>(scale) + static_cast<T>(shift);
  const double allowed = sizeof(T) == 8 ? 1e-15 : 1e-6;
  for (const T value : out) {
    if (!(std::fabs(value - x) <= allowed)) return false;
  }
  return true;
}

TEST("the chains end in the fixed point of their step on every SIMD target") {
  OnEachTarget([](const char* target) {
    CHECK((FixedPoint<double>(0.5, 0.5)), "%s", target);
    CHECK((FixedPoint<float>(0.5, 0.5)), "%s", target);
    CHECK((FixedPoint<double>(-0.3, 0.7)), "%s", target);
    CHECK((FixedPoint<float>(0.1, -1)), "%s", target);
    CHECK((FixedPoint<double>(0.5, 0)), "%s", target);
  });
}

TEST("a call that was given up says so") {
  std::atomic<uint32_t> cancel{1};
  double out[2];
  FmaChainsArgs chains{.rounds = 2, .scale = 0.5, .shift = 0.5, .out = out, .cancel = &cancel};
  CHECK(cpu::FmaChains(chains) == Status::kCancelled);
  const double in[2] = {1, 2};
  TriadArgs triad{.length = 2, .scalar = 1, .b = in, .c = in, .out = out, .cancel = &cancel};
  CHECK(cpu::Triad(triad) == Status::kCancelled);
}

}  // namespace
}  // namespace nautilus
