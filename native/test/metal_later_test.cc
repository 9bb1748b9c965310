// Calls on the GPU that hold no thread: many at once, in many pieces, cancelled, and while the device fails.
#include "core/metal_later.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/kernel_table.h"
#include "core/slab.h"
#include "metal/host/device.h"
#include "metal/host/executor.h"
#include "test/check.h"
#include "test/indicators_testing.h"
#include "test/metal_testing.h"

namespace nautilus {
namespace {

using metal::Device;

// Counts calls that ended.
class Ends {
 public:
  void Add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  void WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t count_ = 0;
};

// A product, what it should be, and what became of it.
struct Call {
  Call(int64_t m, int64_t n, int64_t k, uint32_t seed)
      : a(test::Normal<float>(m * k, seed)),
        b(test::Normal<float>(k * n, seed + 1)),
        out(static_cast<size_t>(m * n)) {
    args.dtype = Dtype::kF32;
    args.m = m, args.n = n, args.k = k, args.alpha = 1;
    args.a = a.data(), args.b = b.data(), args.out = out.data();
    args.cancel = &cancel;
  }

  // What the thread that waits gets: the same kernel on the same device has the same bits.
  std::vector<float> Expected() {
    std::vector<float> expected(out.size());
    GemmArgs now = args;
    now.cancel = nullptr;
    now.out = expected.data();
    CHECK(test::On(Backend::kMetal, now) == Status::kOk);
    return expected;
  }

  void Start(Ends& ends) {
    LaterOfMetal().start(LaterOfMetal().Gemm(args), [this, &ends](Status ended, std::exception_ptr error) {
      status = ended;
      threw = error != nullptr;
      thread = std::this_thread::get_id();
      ends.Add();
    });
  }

  GemmArgs args{};
  std::vector<float> a, b, out;
  std::atomic<uint32_t> cancel{0};
  Status status = Status::kInvariant;
  bool threw = false;
  std::thread::id thread;
};

std::vector<std::unique_ptr<Call>> Calls(size_t count) {
  std::vector<std::unique_ptr<Call>> calls;
  for (size_t i = 0; i < count; ++i) {
    const auto side = static_cast<int64_t>(i % 7);
    calls.push_back(std::make_unique<Call>(40 + side, 33 + 2 * side, 17, static_cast<uint32_t>(i)));
  }
  return calls;
}

std::string From(int buffers, const char* code) {
  return std::to_string(Device::Get().counts().commands + static_cast<uint64_t>(buffers)) + ":" + code;
}

TEST("hundreds of calls at once, each in many pieces, have the bits of one that is waited for") {
  auto calls = Calls(300);
  std::vector<std::vector<float>> expected;
  for (const auto& call : calls) expected.push_back(call->Expected());
  const test::ShortPieces pieces;
  Ends ends;
  for (const auto& call : calls) call->Start(ends);
  ends.WaitFor(calls.size());
  for (size_t i = 0; i < calls.size(); ++i) {
    CHECK(calls[i]->status == Status::kOk && !calls[i]->threw, "call %zu", i);
    CHECK(calls[i]->out == expected[i], "call %zu", i);
    // One thread goes on with all of them, and it is none of those that started them.
    CHECK(calls[i]->thread == calls[0]->thread && calls[i]->thread != std::this_thread::get_id());
  }
  CHECK(pieces.MoreThan(2 * calls.size()));
}

TEST("calls that are waited for and calls that are not share the device") {
  auto calls = Calls(60);
  std::vector<std::vector<float>> expected;
  for (const auto& call : calls) expected.push_back(call->Expected());
  const test::ShortPieces pieces;
  Ends ends;
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = static_cast<size_t>(t); i < calls.size(); i += 2) {
        std::vector<float> out(calls[i]->out.size());
        GemmArgs args = calls[i]->args;
        args.out = out.data();
        Backend ran = Backend::kMetal;
        if (Run(ran, args) != Status::kOk || ran != Backend::kMetal || out != expected[i]) ++wrong;
      }
    });
  }
  for (const auto& call : calls) call->Start(ends);
  for (std::thread& thread : threads) thread.join();
  ends.WaitFor(calls.size());
  CHECK(wrong == 0, "%d", wrong.load());
  for (size_t i = 0; i < calls.size(); ++i) CHECK(calls[i]->out == expected[i], "call %zu", i);
}

TEST(
    "of calls that are cancelled while others run, each ends, cancelled or whole, and the others are whole") {
  auto calls = Calls(100);
  std::vector<std::vector<float>> expected;
  for (const auto& call : calls) expected.push_back(call->Expected());
  const test::ShortPieces pieces;
  Ends ends;
  calls[1]->cancel = 1;
  for (const auto& call : calls) call->Start(ends);
  for (size_t i = 3; i < calls.size(); i += 2) calls[i]->cancel = 1;
  ends.WaitFor(calls.size());
  CHECK(calls[1]->status == Status::kCancelled);
  for (size_t i = 0; i < calls.size(); ++i) {
    const Status status = calls[i]->status;
    CHECK(status == Status::kOk || (i % 2 == 1 && status == Status::kCancelled), "call %zu", i);
    if (status == Status::kOk) CHECK(calls[i]->out == expected[i], "call %zu", i);
  }
}

TEST("a piece that held the device for too long is done again, and a lost device is told, without a thread") {
  if (!test::OnSoftDevice()) return;
  const test::Patience patience;
  for (const int at : {1, 2, 3}) {
    Call call(90, 90, 17, 5);
    const test::ShortPieces pieces;
    // The pieces are short from the third run on.
    std::vector<float> expected;
    for (int i = 0; i < 3; ++i) expected = call.Expected();
    Ends ends;
    {
      const uint64_t retries = Device::Get().counts().retries;
      const test::Setting fault("SWM_FAIL_BUFFER", From(at, "1"));
      call.Start(ends);
      ends.WaitFor(1);
      CHECK(call.status == Status::kOk && call.out == expected, "buffer %d", at);
      CHECK(Device::Get().counts().retries == retries + 1, "buffer %d", at);
    }
    std::fill(call.out.begin(), call.out.end(), -777.0F);
    const test::Setting fault("SWM_FAIL_FROM", From(at, "11"));
    call.Start(ends);
    ends.WaitFor(2);
    CHECK(call.status == Status::kDeviceFailed, "buffer %d", at);
    // Nothing is written before all is done.
    CHECK(std::count(call.out.begin(), call.out.end(), -777.0F) == 90 * 90, "buffer %d", at);
  }
  Call call(90, 90, 17, 5);
  const test::Setting fault("SWM_OUT_OF_MEMORY", "1");
  Ends ends;
  call.Start(ends);
  ends.WaitFor(1);
  CHECK(call.status == Status::kDeviceFailed);
}

TEST("an indicator without a thread has the bits of the CPU") {
  constexpr int64_t kBars = 90;
  constexpr int64_t kSeries = 33;
  const auto columns = test::Bars<float>(kBars, kSeries, 3);
  for (const auto& row : cpu::indicators::IndicatorTable()) {
    const std::vector<double> options = test::ShortOptions(row);
    std::vector<float> state(cpu::indicators::StateLength(row, options.data(), Dtype::kF32, kSeries));
    cpu::indicators::IndicatorCall call{};
    call.dtype = Dtype::kF32;
    call.series = kSeries;
    call.bars = kBars;
    call.options = options.data();
    call.state = state.data();
    for (size_t i = 0; i < row.inputs.size(); ++i)
      call.inputs[i] = columns.data() + static_cast<int64_t>(row.inputs[i]) * kBars * kSeries;
    std::vector<float> found(row.outputs.size() * kBars * kSeries), expected(found.size());
    const auto into = [&](std::vector<float>& out) {
      for (size_t i = 0; i < row.outputs.size(); ++i) call.outputs[i] = out.data() + i * kBars * kSeries;
    };
    into(expected);
    CHECK(cpu::indicators::RunIndicator(row, call) == Status::kOk, "%s", row.name);
    into(found);
    Ends ends;
    Status status = Status::kInvariant;
    LaterOfMetal().start(LaterSlot(row)(call), [&](Status ended, std::exception_ptr) {
      status = ended;
      ends.Add();
    });
    ends.WaitFor(1);
    CHECK(status == Status::kOk && test::Same(found, expected), "%s", row.name);
  }
}

}  // namespace
}  // namespace nautilus
