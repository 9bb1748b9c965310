// Usage of limits on Metal against the CPU in f32.
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "metal/host/device.h"
#include "test/check.h"
#include "test/limits_testing.h"
#include "test/metal_testing.h"

namespace nautilus {
namespace {

using test::LimitBook;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinite = std::numeric_limits<float>::infinity();

auto On(Backend backend) {
  return [backend](LimitUsageArgs& args) { return test::On(backend, args); };
}

void CheckBook(const LimitBook<float>& book, const char* what) {
  const auto found = test::UsageOf<float>(On(Backend::kMetal), book.args, 1);
  const auto expected = test::UsageOf<float>(On(Backend::kCpu), book.args, 0);
  const double far = test::Apart(book, found, expected, 1e-6);
  CHECK(test::Within(KernelId::kLimitUsage, far), "%s: %d scenarios, %d positions, %d limits: %g", what,
        int(book.args.scenarios), int(book.args.positions), int(book.args.limits), far);
}

TEST("limit_usage on Metal is the CPU's for every size and kind") {
  for (const int64_t scenarios : {1, 16, 21}) {
    for (const int64_t positions : {0, 1, 16, 17, 40}) {
      for (const int64_t limits : {1, 16, 35})
        CheckBook(LimitBook<float>(scenarios, positions, limits, 3), "size");
    }
  }
}

TEST("positions that cancel keep their digits on Metal") {
  LimitBook<float> book(5, 20, 9, 4);
  for (int64_t p = 1; p < 20; p += 2) {
    book.exposures[p] = -book.exposures[p - 1] * (1 + 1e-6F);
    for (int64_t s = 0; s < 5; ++s) book.pnl[s * 20 + p] = -book.pnl[s * 20 + p - 1] * (1 + 1e-6F);
    for (int64_t l = 0; l < 9; ++l) book.weights[l * 20 + p] = book.weights[l * 20 + p - 1];
  }
  CheckBook(book, "hedged");
}

TEST("what is missing or has no bound on the CPU has none on Metal") {
  LimitBook<float> book(6, 9, 12, 6);
  book.pnl[9 + 4] = kMissing;
  book.pnl[27 + 5] = kInfinite;
  CheckBook(book, "missing profits");
  book.exposures[2] = kMissing;
  CheckBook(book, "a missing exposure");
  for (int l = 0; l < 12; ++l) book.weights[l * 9 + 8] = l == 3 ? kMissing : 1.0F;
  CheckBook(book, "a missing weight");
  LimitBook<float> bounds(4, 3, 9, 7);
  for (int l = 0; l < 9; ++l) bounds.bounds[l] = l < 3 ? 0 : l < 6 ? kInfinite : 1e-38F;
  for (int p = 0; p < 3; ++p) bounds.exposures[p] = 0, bounds.pnl[3 + p] = 0;
  for (float& weight : bounds.weights) weight = 1;
  CheckBook(bounds, "bounds");
}

TEST("limit_usage in many pieces has the same bits") {
  const LimitBook<float> book(200, 40, 50, 8);
  const auto whole = test::UsageOf<float>(On(Backend::kMetal), book.args, 0);
  const test::ShortPieces pieces;
  for (int round = 0; round < 3; ++round) {
    const auto cut = test::UsageOf<float>(On(Backend::kMetal), book.args, 0);
    CHECK(cut.ran && cut.usage == whole.usage && cut.worst == whole.worst);
  }
  CHECK(pieces.MoreThan(20));
}

TEST("limit_usage on Metal refuses what that of the CPU refuses") {
  LimitBook<float> book(2, 3, 4, 8);
  book.bounds[1] = -1;
  Backend backend = Backend::kMetal;
  CHECK(Run(backend, book.args) == Status::kInvalidOption && book.args.detail == 1);
}

}  // namespace
}  // namespace nautilus
