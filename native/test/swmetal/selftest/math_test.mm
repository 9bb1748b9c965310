// Functions of numbers: the bits of the C library, and integers of all widths.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "test/check.h"
#include "test/swmetal/selftest/gpu.h"

using swm::test::Gpu;

TEST("functions of floats have the bits of the C library") {
  Gpu gpu("math.metal");
  std::vector<float> in;
  for (int i = 1; i <= 1000; ++i) in.push_back(static_cast<float>(i) * 0.01f);
  id<MTLBuffer> source = gpu.Buffer(in);
  id<MTLBuffer> result = gpu.Buffer(std::vector<float>(24 * in.size()));
  gpu.Run("functions", {source, result}, 1000, 50);
  for (size_t i = 0; i < in.size(); ++i) {
    const float x = in[i];
    const float* y = Gpu::Read<float>(result) + 24 * i;
    const float cut = std::fmin(std::fmax(x, 1.0f), 2.0f);
    const float want[24] = {
        std::exp(x),
        std::log(x),
        std::sin(x),
        std::cos(x),
        std::sqrt(x),
        1.0f / std::sqrt(x),
        std::pow(x, 1.5f),
        std::floor(x) + 10.0f * std::ceil(x) + 100.0f * std::round(x),
        std::fma(x, x, -1.0f),
        std::fabs(1.0f - x) + std::fabs(x - 2.0f),
        std::fmin(x, 1.0f) + std::fmax(x, 2.0f) + cut,
        x < 1.0f   ? 1.0f
        : x > 1.0f ? -1.0f
                   : 0.0f,
        std::exp(x) + std::log(x) + std::sin(x) + std::cos(x),
        std::sqrt(x) + std::pow(x, 0.5f) + 1.0f / std::sqrt(x),
        std::tanh(x),
        std::exp2(x) + std::log2(x),
        std::atan2(x, 2.0f),
        std::fmod(x, 0.75f) + std::trunc(x) + std::rint(x),
        -x + std::ldexp(x, 3),
        x > 1.0f ? 2.0f : 1.0f,
        x / 3.0f,
        std::sin(x),
        std::cos(x),
        std::exp(x),
    };
    for (int at = 0; at < 24; ++at)
      CHECK(y[at] == want[at], "function %d of %g: %g, not %g", at, x, y[at], want[at]);
  }
}

TEST("NaN, infinities and denormals are told apart by their bits") {
  Gpu gpu("math.metal");
  const std::vector<uint32_t> in = {0x7fc00000, 0xffc00001, 0x7f800000, 0xff800000,
                                    0x3f800000, 0x80000000, 0x00000001, 0x00800000};
  const uint32_t want[8] = {1, 17, 2, 18, 12, 20, 4, 12};
  id<MTLBuffer> source = gpu.Buffer(in);
  id<MTLBuffer> result = gpu.Buffer(std::vector<uint32_t>(in.size()));
  gpu.Run("classify", {source, result}, 8, 8);
  for (int i = 0; i < 8; ++i) CHECK(Gpu::Read<uint32_t>(result)[i] == want[i], "at %d", i);
}

TEST("fast math, which a host gets unless it asks for safe math, folds checks for NaN") {
  const std::vector<uint32_t> in = {0x7fc00000};
  for (const MTLMathMode mode : {MTLMathModeSafe, MTLMathModeRelaxed, MTLMathModeFast}) {
    Gpu gpu("math.metal", swm::test::KernelText("math.metal"), mode);
    id<MTLBuffer> source = gpu.Buffer(in);
    id<MTLBuffer> result = gpu.Buffer(std::vector<uint32_t>(1));
    gpu.Run("classify", {source, result}, 1, 1);
    CHECK((Gpu::Read<uint32_t>(result)[0] & 1) == (mode != MTLMathModeFast), "mode %d",
          static_cast<int>(mode));
  }
  MTLCompileOptions* fresh = [MTLCompileOptions new];
  CHECK(fresh.mathMode == MTLMathModeFast);
  [fresh release];
}

TEST("integers of 16 to 64 bits wrap, shift and multiply as in C++") {
  Gpu gpu("math.metal");
  std::mt19937_64 engine(5);
  std::vector<uint64_t> in;
  for (int i = 0; i < 200; ++i) in.push_back(engine() >> (engine() % 60));
  id<MTLBuffer> source = gpu.Buffer(in);
  id<MTLBuffer> result = gpu.Buffer(std::vector<uint64_t>(100 * 16));
  gpu.Run("integers", {source, result}, 100, 100);
  for (int i = 0; i < 100; ++i) {
    const uint64_t x = in[2 * i], y = in[2 * i + 1];
    const auto u = [](uint64_t value) { return static_cast<uint32_t>(value); };
    const auto s = [](uint64_t value) { return static_cast<int32_t>(value); };
    const auto l = [](uint64_t value) { return static_cast<int64_t>(value); };
    const auto wide = [](int64_t value) { return static_cast<uint64_t>(value); };
    uint32_t reversed = 0;
    for (int bit = 0; bit < 32; ++bit) reversed |= (u(y) >> bit & 1) << (31 - bit);
    const uint64_t clamped = std::min<uint64_t>(std::max<uint64_t>(x, 5), 1000);
    const uint64_t want[16] = {
        x * y + 7,
        x / (y | 1) + x % (y | 1),
        wide(l(x) / l(y | 1)),
        static_cast<uint64_t>((static_cast<unsigned __int128>(x) * y) >> 64),
        static_cast<uint64_t>((static_cast<__int128>(l(x)) * l(y)) >> 64),
        (uint64_t{u(x)} * u(y)) >> 32,
        wide(static_cast<int32_t>((int64_t{s(x)} * s(y)) >> 32)),
        static_cast<uint64_t>(std::popcount(u(x))) + 100 * static_cast<uint64_t>(std::popcount(y)),
        static_cast<uint64_t>(std::countl_zero(u(x)) + 100 * std::countr_zero(u(y))),
        std::rotl(u(x), 5) ^ reversed,
        std::min(x, y) ^ std::max(x, y) ^ clamped,
        wide(std::min(s(x), s(y))) + wide(std::abs(s(x) / 2)),
        (x << 7) ^ (x >> 9) ^ wide(l(x) >> 3),
        uint64_t{0x3fc00000} + (x >> 32),
        uint64_t{(u(x) < u(y) ? u(y) - u(x) : u(x) - u(y)) +
                 (u(x) + 0xfffffff0u < u(x) ? ~0u : u(x) + 0xfffffff0u) + (3 < u(y) ? 0 : 3 - u(y))},
        static_cast<uint64_t>(static_cast<float>(x)) + wide(static_cast<int16_t>(x)) +
            static_cast<uint8_t>(y),
    };
    const uint64_t* z = Gpu::Read<uint64_t>(result) + 16 * i;
    for (int at = 0; at < 16; ++at) CHECK(z[at] == want[at], "operation %d of pair %d", at, i);
  }
}

TEST("vectors are made from scalars and vectors, and functions take them lane by lane") {
  Gpu gpu("math.metal");
  const std::vector<float> in = {1.25f, 2.5f, 3.75f, 5.0f};
  id<MTLBuffer> source = gpu.Buffer(in);
  id<MTLBuffer> result = gpu.Buffer(std::vector<float>(10));
  gpu.Run("vectors", {source, result}, 1, 1);
  const float dot = 1.25f * 1.25f + 2.5f * 2.5f + 3.75f * 3.75f + 25.0f;
  const float want[10] = {dot, std::exp(8.5f), 5.0f, 6.0f, 1.0f, 1.0f, 2.5f, 3.5f, 5.0f, 2.5f * 2.5f + 2.5f};
  for (int i = 0; i < 10; ++i) CHECK(Gpu::Read<float>(result)[i] == want[i], "at %d", i);
}
