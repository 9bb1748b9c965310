// Usage of limits against textbook loops: kinds, sizes, gaps, bounds of nothing and of everything.
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/portfolio/reference.h"
#include "test/check.h"
#include "test/limits_testing.h"

namespace nautilus {
namespace {

using test::kNone;
using test::LimitBook;

constexpr double kInfinite = std::numeric_limits<double>::infinity();

template <typename T>
void CheckBook(const LimitBook<T>& book, int64_t shift, const char* what) {
  const auto found = test::UsageOf<T>(cpu::LimitUsage, book.args, shift);
  const auto expected = test::UsageOf<T>(cpu::reference::LimitUsage, book.args, 0);
  const KernelRow& row = KernelTable()[static_cast<size_t>(KernelId::kLimitUsage)];
  const double allowed = sizeof(T) == 8 ? row.tolerance_f64 : row.tolerance_f32;
  const double far = test::Apart(book, found, expected, sizeof(T) == 8 ? 1 : 1e-6);
  CHECK(far <= allowed, "%s: %d scenarios, %d positions, %d limits: %g", what, int(book.args.scenarios),
        int(book.args.positions), int(book.args.limits), far);
}

template <typename T>
void CheckSizes() {
  for (const int64_t positions : {0, 1, 5, 16, 33}) {
    for (const int64_t limits : {0, 1, 3, 20})
      CheckBook(LimitBook<T>(7, positions, limits, 3), limits % 4, "size");
  }
  CheckBook(LimitBook<T>(0, 4, 3, 4), 1, "no scenario");
  CheckBook(LimitBook<T>(700, 300, 70, 5), 1, "many");
}

TEST("limit_usage agrees with the textbook for every size, alignment and element type") {
  CheckSizes<double>();
  CheckSizes<float>();
}

TEST("amounts are gross, net and loss, as they are defined") {
  const double pnl[] = {10, -30, 0, 0};
  const double exposures[] = {100, -50};
  const double weights[] = {1, 1, 1, 1, 1, 1, 0, 2};
  const int32_t kinds[] = {0, 1, 2, 2};
  const double bounds[] = {200, 30, 10, 100};
  LimitUsageArgs args{.scenarios = 2, .positions = 2, .limits = 4};
  args.pnl = pnl, args.exposures = exposures, args.weights = weights, args.kinds = kinds,
  args.bounds = bounds;
  const auto found = test::UsageOf<double>(cpu::LimitUsage, args, 0);
  // Values of 110 and -80: gross 190, net 30, loss 20, and 60 of the second alone twice. Then 150, 50, none.
  CHECK(found.usage == std::vector<double>({0.95, 1, 2, 0.6, 0.75, 50 / 30.0, 0, 0}));
  CHECK(found.worst == std::vector<double>({0.95, 50 / 30.0, 2, 0.6}));
  CHECK(found.worst_scenario == std::vector<int32_t>({0, 1, 0, 0}));
  CHECK(found.breaches == std::vector<uint32_t>({0, 1, 1, 0}));
}

template <typename T>
void CheckGaps() {
  LimitBook<T> book(6, 9, 12, 6);
  book.pnl[9 + 4] = T(kNone);
  book.pnl[27 + 5] = T(kInfinite);
  CheckBook(book, 1, "missing profits");
  const auto found = test::UsageOf<T>(cpu::LimitUsage, book.args, 0);
  uint32_t unknown = 0;
  for (int l = 0; l < 12; ++l) {
    CHECK(std::isnan(found.usage[12 + l]) == (book.weights[l * 9 + 4] != 0), "limit %d", l);
    CHECK(!std::isnan(found.usage[24 + l]), "limit %d", l);
    unknown += found.unknown[l];
  }
  CHECK(unknown > 0);
  book.exposures[2] = T(kNone);
  CheckBook(book, 1, "a missing exposure");
  for (int l = 0; l < 12; ++l) book.weights[l * 9 + 8] = l == 3 ? T(kNone) : T(1);
  CheckBook(book, 1, "a missing weight");
  for (int s = 0; s < 6; ++s) book.pnl[s * 9 + 8] = T(kNone);
  CheckBook(book, 1, "nothing known");
  CHECK(test::UsageOf<T>(cpu::LimitUsage, book.args, 0).worst_scenario[0] == -1);
}

TEST("what is missing takes the usage of limits that depend on it, and is counted") {
  CheckGaps<double>();
  CheckGaps<float>();
}

TEST("a bound of 0 is used without end by anything and not by nothing, and one of infinity never") {
  LimitBook<double> book(4, 3, 6, 7);
  for (int l = 0; l < 6; ++l) book.bounds[l] = l < 3 ? 0 : kInfinite;
  for (int p = 0; p < 3; ++p) book.exposures[p] = 0, book.pnl[3 + p] = 0, book.pnl[6 + p] = -1;
  for (double& weight : book.weights) weight = 1;
  const auto found = test::UsageOf<double>(cpu::LimitUsage, book.args, 0);
  for (int l = 0; l < 6; ++l) {
    CHECK(found.usage[6 + l] == 0 && found.usage[12 + l] == (l < 3 ? kInfinite : 0));
    CHECK(found.worst[l] == (l < 3 ? kInfinite : 0) && (found.breaches[l] > 0) == (l < 3));
  }
  CheckBook(book, 0, "bounds");
}

TEST("limit_usage refuses kinds that are none and bounds below 0, and names the limit") {
  LimitBook<double> book(2, 3, 4, 8);
  for (const int32_t bad : {-1, 3}) {
    book.kinds[2] = bad;
    CHECK(cpu::LimitUsage(book.args) == Status::kInvalidOption && book.args.detail == 2);
  }
  book.kinds[2] = 0;
  for (const double bad : {-1.0, kNone}) {
    book.bounds[3] = bad;
    CHECK(cpu::LimitUsage(book.args) == Status::kInvalidOption && book.args.detail == 3);
  }
}

TEST("limit_usage has the same bits on any number of threads, and stops when it is cancelled") {
  LimitBook<double> book(900, 40, 130, 9);
  const int threads = KernelThreads();
  const auto first = test::UsageOf<double>(cpu::LimitUsage, book.args, 0);
  for (const int count : {1, 2, 5}) {
    SetKernelThreads(count);
    const auto again = test::UsageOf<double>(cpu::LimitUsage, book.args, 0);
    CHECK(again.ran && again.usage == first.usage && again.worst_scenario == first.worst_scenario);
  }
  SetKernelThreads(threads);
  const std::atomic<uint32_t> cancelled{1};
  book.args.cancel = &cancelled;
  CHECK(!test::UsageOf<double>(
             [](LimitUsageArgs& args) {
               const Status status = cpu::LimitUsage(args);
               CHECK(status == Status::kCancelled);
               return status;
             },
             book.args, 0)
             .ran);
}

}  // namespace
}  // namespace nautilus
