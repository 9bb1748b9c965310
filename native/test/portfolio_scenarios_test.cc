// Profit and loss of scenarios against textbook loops: widths, factors, gaps, both element types, every
// target.
#include <atomic>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/portfolio/reference.h"
#include "test/check.h"
#include "test/portfolio_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using test::Book;
using test::BookShape;
using test::kNone;

template <typename T>
void CheckBook(const test::Book<T>& book, int64_t shift, double floor, const char* what) {
  const auto found = test::ProfitsOf<T>(cpu::ScenarioPnl, book.args, shift);
  const auto expected = test::ProfitsOf<T>(cpu::reference::ScenarioPnl, book.args, 0);
  const KernelRow& row = KernelTable()[static_cast<size_t>(KernelId::kScenarioPnl)];
  const double allowed = sizeof(T) == 8 ? row.tolerance_f64 : row.tolerance_f32;
  const double far = test::Apart(found, expected, floor);
  CHECK(far <= allowed, "%s: %d positions, %d factors: %g", what, int(book.args.positions),
        int(book.args.factors), far);
}

template <typename T>
void CheckShapes(const char* target) {
  for (int64_t width = 1; width <= 40; width += 3) {
    for (int form = 0; form < 4; ++form) {
      const bool named = (form & 1) != 0;
      const BookShape shape{3, named ? width + 9 : width, width, (form & 2) != 0, named};
      CheckBook(Book<T>(shape, 5, false), width % 4, 1, target);
      // f32 is summed in f64: a book whose positions cancel keeps its digits.
      if (named) CheckBook(Book<T>(shape, 6, true), width % 4, sizeof(T) == 8 ? 1 : 1e-6, target);
    }
  }
  CheckBook(Book<T>({300, 500, 257, true, true}, 7, false), 1, 1, target);
  CheckBook(Book<T>({2, 0, 5, false, true}, 8, false), 0, 1, target);
  CheckBook(Book<T>({2, 0, 0, false, false}, 8, false), 0, 1, target);
}

TEST("scenario_pnl agrees with the textbook for every width, factor, alignment and SIMD target") {
  test::OnEachTarget([](const char* target) {
    CheckShapes<double>(target);
    CheckShapes<float>(target);
  });
}

template <typename T>
void CheckGaps() {
  Book<T> book({4, 3, 20, true, true}, 9, false);
  book.factor_of = {2, 17, 2};
  book.args.factor_of = book.factor_of.data();
  book.moves[5] = T(kNone);                                  // a factor that moves nobody
  book.moves[20 + 2] = T(kNone);                             // positions 0 and 2
  book.moves[40 + 17] = std::numeric_limits<T>::infinity();  // position 1
  const auto found = test::ProfitsOf<T>(cpu::ScenarioPnl, book.args, 1);
  const bool expected[] = {false, true, true, false};
  for (int s = 0; s < 4; ++s) CHECK(std::isnan(found.pnl[s]) == expected[s], "scenario %d", s);
  for (int i = 0; i < 12; ++i)
    CHECK(std::isnan(found.by_position[i]) == (i == 3 || i == 5 || i == 7), "element %d", i);
  CheckBook(book, 1, 1, "gaps");
  // Positions that have nothing do not look at their moves.
  for (const int64_t p : {0, 2}) book.delta[p] = book.gamma[p] = 0;
  CHECK(!std::isnan(test::ProfitsOf<T>(cpu::ScenarioPnl, book.args, 1).pnl[1]));
  CheckBook(book, 1, 1, "nothing held");
  book.gamma[0] = T(kNone);
  const auto without = test::ProfitsOf<T>(cpu::ScenarioPnl, book.args, 1);
  for (int s = 0; s < 4; ++s) CHECK(std::isnan(without.pnl[s]));
}

TEST("a missing move takes the scenario from those that depend on it, and no others") {
  test::OnEachTarget([](const char*) {
    CheckGaps<double>();
    CheckGaps<float>();
  });
}

TEST("scenario_pnl refuses factors that are none, and positions without one") {
  Book<double> book({2, 3, 4, false, true}, 10, false);
  std::vector<double> pnl(2);
  book.args.pnl = pnl.data();
  for (const int32_t bad : {-1, 4}) {
    book.factor_of = {0, 3, bad};
    book.args.factor_of = book.factor_of.data();
    CHECK(cpu::ScenarioPnl(book.args) == Status::kInvalidOption && book.args.detail == 2);
  }
  book.args.factor_of = nullptr;
  CHECK(cpu::ScenarioPnl(book.args) == Status::kShape && book.args.detail == 4);
}

TEST("scenario_pnl stops when it is cancelled") {
  const std::atomic<uint32_t> cancelled{1};
  Book<double> book({50, 10, 10, false, false}, 11, false);
  std::vector<double> pnl(50);
  book.args.pnl = pnl.data();
  book.args.cancel = &cancelled;
  CHECK(cpu::ScenarioPnl(book.args) == Status::kCancelled);
}

}  // namespace
}  // namespace nautilus
