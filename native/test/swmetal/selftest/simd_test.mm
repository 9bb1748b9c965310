// Simdgroup operations, matrices of a simdgroup, and their use where not all threads come along.
#include <cmath>

#include "test/check.h"
#include "test/swmetal/selftest/gpu.h"
#include "test/swmetal/selftest/tools.h"

using swm::test::Abort;
using swm::test::Contains;
using swm::test::Environment;
using swm::test::Gpu;

namespace {

// What `together` computes for the thread `at` of 32 values that begin at x.
void CheckTogether(const int* y, const int* x, int at) {
  int sum = 0, sum_mod = 0, exclusive = 0, inclusive_mod = 0, bits = 0;
  int least = x[0], most = x[0], least_mod = 1000, most_mod = -1000;
  bool any = false;
  for (int lane = 0; lane < 32; ++lane) {
    sum += x[lane];
    sum_mod += x[lane] % 1000;
    bits ^= x[lane];
    least = std::min(least, x[lane]);
    most = std::max(most, x[lane]);
    least_mod = std::min(least_mod, x[lane] % 1000);
    most_mod = std::max(most_mod, x[lane] % 1000);
    any |= x[lane] % 50 == 0;
    if (lane < at) exclusive += x[lane];
    if (lane <= at) inclusive_mod += x[lane] % 1000;
  }
  const int want[18] = {sum,
                        least,
                        most,
                        x[at / 2],
                        at < 16 ? x[at] : 0,
                        at < 31 ? x[at + 1] : 0,
                        x[at ^ 1],
                        x[3],
                        exclusive,
                        exclusive + x[at],
                        exclusive,
                        inclusive_mod,
                        sum_mod,
                        sum,
                        any,
                        !any,
                        bits,
                        most_mod + least_mod};
  for (int word = 0; word < 18; ++word) CHECK(y[word] == want[word], "word %d of lane %d", word, at);
}

std::vector<float> Product(const std::vector<float>& a, const std::vector<float>& b, int size,
                           std::vector<float> c) {
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) {
      float sum = c[i * size + j];
      for (int k = 0; k < size; ++k) sum = std::fma(a[i * size + k], b[k * size + j], sum);
      c[i * size + j] = sum;
    }
  }
  return c;
}

std::vector<float> Copy(id<MTLBuffer> buffer) {
  const float* first = Gpu::Read<float>(buffer);
  return {first, first + [buffer length] / sizeof(float)};
}

}  // namespace

TEST("threads of a simdgroup sum, compare, shuffle and scan under each schedule") {
  Gpu gpu("simd.metal");
  std::vector<int> in(96);
  for (int i = 0; i < 96; ++i) in[i] = (i * 7919) % 2003 + 1;
  for (const char* schedule : {"forward", "reverse", "random"}) {
    const Environment set("SWM_SCHEDULE", schedule);
    id<MTLBuffer> source = gpu.Buffer(in);
    id<MTLBuffer> result = gpu.Buffer(std::vector<int>(18 * 96));
    gpu.Run("together", {source, result}, 96, 96);
    for (int i = 0; i < 96; ++i) CheckTogether(Gpu::Read<int>(result) + 18 * i, &in[i / 32 * 32], i % 32);
  }
}

TEST("a simdgroup that is not full takes part with the threads it has") {
  Gpu gpu("simd.metal");
  for (const uint32_t threads : {1u, 31u, 33u, 200u, 1024u}) {
    id<MTLBuffer> source = gpu.Buffer(std::vector<float>(threads, 0.5f));
    id<MTLBuffer> result = gpu.Buffer(std::vector<float>(1));
    gpu.Run("total", {source, result}, threads, threads);
    CHECK(Gpu::Read<float>(result)[0] == 0.5f * static_cast<float>(threads), "%u threads", threads);
  }
}

TEST("matrices of a simdgroup multiply as a chain of fused steps does") {
  Gpu gpu("simd.metal");
  const std::vector<float> a = nautilus::test::Normal<float>(256, 1);
  const std::vector<float> b = nautilus::test::Normal<float>(256, 2);
  const std::vector<float> c = nautilus::test::Normal<float>(256, 3);
  id<MTLBuffer> left = gpu.Buffer(a), right = gpu.Buffer(b), result = gpu.Buffer(c);
  gpu.Run("blocks", {left, right, result}, 128, 128);
  CHECK(Copy(result) == Product(a, b, 16, c));
}

TEST("a product of matrices is an operand of the next, and loads transpose") {
  Gpu gpu("simd.metal");
  const std::vector<float> in = nautilus::test::Normal<float>(64, 4);
  std::vector<float> turned(64);
  for (int i = 0; i < 64; ++i) turned[i] = in[i % 8 * 8 + i / 8];
  id<MTLBuffer> source = gpu.Buffer(in), result = gpu.Buffer(std::vector<float>(64));
  gpu.Run("chain", {source, result}, 32, 32);
  const std::vector<float> zero(64);
  CHECK(Copy(result) == Product(Product(in, turned, 8, zero), in, 8, zero));
}

TEST("threads that do not all come to a barrier or a simdgroup operation end the process") {
  Gpu gpu("simd.metal");
  const auto run = [&gpu](const char* kernel) {
    return Abort([&] { gpu.Run(kernel, {gpu.Buffer(std::vector<float>(64))}, 64, 64); });
  };
  CHECK(Contains(run("barrier_in_a_branch"), "not every thread reaches"));
  CHECK(Contains(run("return_before_barrier"), "not every thread reaches"));
  CHECK(Contains(run("sum_beside_a_barrier"), "wait at a threadgroup_barrier"));
  CHECK(Contains(run("two_sums"), "divergent control flow"));
  // The other lanes have ended when the sum is taken: they are inactive, as on a GPU.
  CHECK(run("sum_in_a_branch") == "");
}
