// What happens to calls that are waited for when the device fails, has no memory, or is asked for odd things.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/kernel_table.h"
#include "core/metal_counts.h"
#include "core/slab.h"
#include "metal/host/device.h"
#include "test/check.h"
#include "test/metal_testing.h"

namespace nautilus {
namespace {

using metal::Device;

constexpr int64_t kSide = 90;

// out = a b / 2 - out / 4: what is read and written must survive a device that fails.
struct Product {
  Product() {
    args.dtype = Dtype::kF32;
    args.m = args.n = args.k = kSide;
    args.alpha = 0.5, args.beta = -0.25;
    args.a = a.data(), args.b = b.data();
  }

  // Runs it from `start`; returns what ran.
  Backend Run(Backend asked, std::vector<float>& result) {
    result = start;
    args.out = result.data();
    Backend ran = asked;
    CHECK(nautilus::Run(ran, args) == Status::kOk);
    return ran;
  }

  std::vector<float> a = test::Normal<float>(kSide * kSide, 1);
  std::vector<float> b = test::Normal<float>(kSide * kSide, 2);
  std::vector<float> start = test::Normal<float>(kSide * kSide, 3);
  GemmArgs args{};
};

std::string From(uint64_t buffers, const std::string& code) {
  return std::to_string(Device::Get().counts().commands + buffers) + ":" + code;
}

TEST("whichever of its command buffers the device fails at, and however, the CPU has the whole result") {
  if (!test::OnSoftDevice()) return;
  const test::Patience patience;
  Product product;
  std::vector<float> on_cpu, result;
  CHECK(product.Run(Backend::kCpu, on_cpu) == Backend::kCpu);
  const test::ShortPieces pieces;
  CHECK(product.Run(Backend::kMetal, result) == Backend::kMetal);
  const uint64_t before = Device::Get().counts().commands;
  CHECK(product.Run(Backend::kMetal, result) == Backend::kMetal);
  const uint64_t buffers = Device::Get().counts().commands - before;
  CHECK(buffers > 3, "%d pieces", int(buffers));
  // A time-out, an address, access revoked, no memory, lost.
  for (const char* code : {"2", "3", "4", "8", "11"}) {
    for (uint64_t at = 1; at <= buffers; ++at) {
      const test::Setting fault("SWM_FAIL_FROM", From(at, code));
      const uint64_t fallbacks = Fallbacks();
      CHECK(product.Run(Backend::kMetal, result) == Backend::kCpu, "code %s at %d", code, int(at));
      CHECK(result == on_cpu, "code %s at %d", code, int(at));
      CHECK(Fallbacks() == fallbacks + 1);
    }
  }
  // And a device that comes back is used again.
  CHECK(product.Run(Backend::kMetal, result) == Backend::kMetal);
}

TEST("a device that holds no piece, however short, is left for the CPU") {
  if (!test::OnSoftDevice()) return;
  const test::Patience patience;
  Product product;
  std::vector<float> on_cpu, result;
  product.Run(Backend::kCpu, on_cpu);
  const test::Setting fault("SWM_FAIL_FROM", From(1, "1"));
  const uint64_t retries = Device::Get().counts().retries;
  CHECK(product.Run(Backend::kMetal, result) == Backend::kCpu && result == on_cpu);
  CHECK(Device::Get().counts().retries == retries + 6);
  CHECK(HealthOfMetal().Describe().last_error.find("0000000e") != std::string::npos);
}

TEST(
    "whichever buffer there is no memory for, the CPU has the whole result, and what is too large counts for "
    "nothing") {
  if (!test::OnSoftDevice()) return;
  const test::Patience patience;
  Product product;
  std::vector<float> on_cpu, result;
  product.Run(Backend::kCpu, on_cpu);
  CHECK(product.Run(Backend::kMetal, result) == Backend::kMetal);
  for (int buffer = 1; buffer <= 3; ++buffer) {
    const uint64_t failures = HealthOfMetal().Describe().failures;
    const test::Setting fault("SWM_OUT_OF_MEMORY", std::to_string(test::SoftBuffersAsked() + buffer));
    CHECK(product.Run(Backend::kMetal, result) == Backend::kCpu && result == on_cpu, "buffer %d", buffer);
    CHECK(HealthOfMetal().Describe().failures == failures + 1, "buffer %d", buffer);
  }
  const uint64_t failures = HealthOfMetal().Describe().failures;
  const test::Setting small("SWM_MAX_BUFFER", "4096");
  CHECK(product.Run(Backend::kMetal, result) == Backend::kCpu && result == on_cpu);
  CHECK(HealthOfMetal().Describe().failures == failures);
}

TEST("each pipeline tells its limits, the groups that it ran in, and what it did") {
  const auto gemm = [] {
    for (const MetalPipeline& pipeline : PipelinesOfMetal()) {
      if (pipeline.kernel == "gemm_f32") return pipeline;
    }
    return MetalPipeline{};
  };
  const MetalPipeline before = gemm();
  Product product;
  std::vector<float> result;
  CHECK(product.Run(Backend::kMetal, result) == Backend::kMetal);
  const MetalPipeline after = gemm();
  CHECK(after.commands > before.commands && after.gpu_seconds > before.gpu_seconds);
  CHECK(after.group_threads == 128 && after.max_threads >= 128 && after.simd_width == 32);
  CHECK(after.threadgroup_bytes > 0 && after.threadgroup_bytes <= 32768, "%d bytes",
        int(after.threadgroup_bytes));
  CHECK(PipelinesOfMetal().size() >= 43);
}

TEST("calls of no elements, and products of no terms, are what they are on the CPU") {
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{0, 5, 4}, {5, 0, 4}, {5, 4, 0}, {0, 0, 0}}) {
    GemmArgs args{};
    args.dtype = Dtype::kF32;
    args.m = m, args.n = n, args.k = k, args.alpha = 1, args.beta = 0.5;
    const std::vector<float> none(32);
    std::vector<float> results[2] = {std::vector<float>(20, 8), std::vector<float>(20, 8)};
    args.a = args.b = none.data();
    for (const Backend backend : {Backend::kCpu, Backend::kMetal}) {
      args.out = results[backend == Backend::kMetal].data();
      CHECK(test::On(backend, args) == Status::kOk);
    }
    CHECK(results[0] == results[1], "%d x %d x %d", int(m), int(n), int(k));
  }
  RollingMeanArgs rolling{};
  rolling.dtype = Dtype::kF32;
  rolling.window = 3, rolling.bars = 0, rolling.series = 4;
  CHECK(test::On(Backend::kMetal, rolling) == Status::kOk);
  rolling.bars = 4, rolling.series = 0;
  CHECK(test::On(Backend::kMetal, rolling) == Status::kOk);
  TriadArgs triad{};
  triad.dtype = Dtype::kF32;
  CHECK(test::On(Backend::kMetal, triad) == Status::kOk);
}

TEST("arrays at any offset, inside a slab and outside, give the same numbers") {
  constexpr int64_t kLength = 1000;
  constexpr size_t kBytes = 4 * kSlabAlignment;
  auto* const slab = static_cast<float*>(MapSlab(kBytes));
  std::vector<float> foreign(4096);
  const auto values = test::Normal<float>(2 * kLength, 9);
  for (const bool inside : {true, false}) {
    float* const base = inside ? slab : foreign.data();
    for (const int offset : {0, 1, 2, 3, 5, 17}) {
      TriadArgs args{};
      args.dtype = Dtype::kF32;
      args.length = kLength, args.scalar = 3;
      float* const b = base + offset;
      float* const c = b + kLength + offset;
      float* const out = c + kLength + offset + 1;
      std::copy(values.begin(), values.begin() + kLength, b);
      std::copy(values.begin() + kLength, values.end(), c);
      args.b = b, args.c = c, args.out = out;
      std::vector<float> expected(kLength);
      args.out = expected.data();
      CHECK(test::On(Backend::kCpu, args) == Status::kOk);
      out[-1] = out[kLength] = -777;
      args.out = out;
      CHECK(test::On(Backend::kMetal, args) == Status::kOk);
      CHECK(std::equal(expected.begin(), expected.end(), out), "offset %d, inside %d", offset, int(inside));
      CHECK(out[-1] == -777 && out[kLength] == -777, "offset %d, inside %d", offset, int(inside));
    }
  }
  UnmapSlab(slab, kBytes);
}

TEST("two threads may use the device while it fails now and then") {
  if (!test::OnSoftDevice()) return;
  const test::Patience patience;
  Product one, other;
  std::vector<float> expected;
  one.Run(Backend::kMetal, expected);
  std::vector<float> on_cpu;
  one.Run(Backend::kCpu, on_cpu);
  const test::ShortPieces pieces;
  const test::Setting fault("SWM_FAIL_BUFFER", From(20, "11"));
  std::atomic<int> wrong{0};
  std::atomic<int> fell_back{0};
  const auto work = [&](Product& product) {
    for (int i = 0; i < 20; ++i) {
      std::vector<float> result = product.start;
      product.args.out = result.data();
      Backend ran = Backend::kMetal;
      if (nautilus::Run(ran, product.args) != Status::kOk) ++wrong;
      if (ran == Backend::kCpu) ++fell_back;
      if (result != (ran == Backend::kCpu ? on_cpu : expected)) ++wrong;
    }
  };
  std::thread thread([&] { work(other); });
  work(one);
  thread.join();
  CHECK(wrong == 0 && fell_back == 1, "%d wrong, %d on the CPU", wrong.load(), fell_back.load());
}

TEST("a forked child leaves the device alone, and says why") {
  TriadArgs args{};
  args.dtype = Dtype::kF32;
  const std::vector<float> ones(8, 1.0F);
  std::vector<float> out(8);
  args.length = 8, args.scalar = 2;
  args.b = args.c = ones.data(), args.out = out.data();
  CHECK(test::On(Backend::kMetal, args) == Status::kOk);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    const KernelRow& row = KernelTable()[static_cast<size_t>(KernelId::kTriad)];
    const bool refused = Pick(row, Dtype::kF32, 8, Backend::kMetal).status == Status::kNoBackend;
    const char* const why = WhyMetalIsOut();
    // What was chosen before the fork.
    Backend ran = Backend::kMetal;
    const bool ran_on_cpu = Run(ran, args) == Status::kOk && ran == Backend::kCpu && out[7] == 3;
    _exit(refused && ran_on_cpu && why != nullptr && std::strstr(why, "forked") != nullptr ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
  CHECK(test::On(Backend::kMetal, args) == Status::kOk);
}

}  // namespace
}  // namespace nautilus
