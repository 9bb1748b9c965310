// Profit and loss of scenarios on Metal against the CPU in f32.
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "metal/host/device.h"
#include "test/check.h"
#include "test/metal_testing.h"
#include "test/portfolio_testing.h"

namespace nautilus {
namespace {

using test::Book;
using test::BookShape;

auto On(Backend backend) {
  return [backend](ScenarioPnlArgs& args) { return test::On(backend, args); };
}

void CheckBook(const Book<float>& book, double floor, const char* what) {
  const auto found = test::ProfitsOf<float>(On(Backend::kMetal), book.args, 1);
  const auto expected = test::ProfitsOf<float>(On(Backend::kCpu), book.args, 0);
  const double far = test::Apart(found, expected, floor);
  CHECK(!expected.pnl.empty() && test::Within(KernelId::kScenarioPnl, far),
        "%s: %d positions, %d factors: %g", what, int(book.args.positions), int(book.args.factors), far);
}

TEST("scenario_pnl on Metal is the CPU's, also where positions cancel, for every width and factor") {
  for (const int64_t width : {1, 7, 32, 33, 90}) {
    for (int form = 0; form < 4; ++form) {
      const bool named = (form & 1) != 0;
      const BookShape shape{11, named ? width + 9 : width, width, (form & 2) != 0, named};
      CheckBook(Book<float>(shape, 5, false), 1e-6, "book");
      if (named) CheckBook(Book<float>(shape, 6, true), 1e-6, "hedged");
    }
  }
  CheckBook(Book<float>({600, 300, 5, true, true}, 7, false), 1e-6, "many");
  CheckBook(Book<float>({2, 0, 5, false, true}, 8, false), 1, "nobody");
}

TEST("missing moves and exposures are missing on Metal where they are on the CPU") {
  constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  for (int form = 0; form < 4; ++form) {
    Book<float> book({4, 3, 20, form % 2 != 0, true}, 9, false);
    book.factor_of = {2, 17, 2};
    book.args.factor_of = book.factor_of.data();
    book.moves[5] = book.moves[20 + 2] = kMissing;
    book.moves[40 + 17] = kInfinite;
    CheckBook(book, 1e-6, "gaps");
    for (const int64_t p : {0, 2}) book.delta[p] = book.gamma[p] = 0;
    CheckBook(book, 1e-6, "nothing held");
    book.delta[2] = -(book.delta[0] = 100);
    CheckBook(book, 1e-6, "nothing held in all");
    book.delta[0] = form < 2 ? kMissing : kInfinite;
    CheckBook(book, 1e-6, "no delta");
  }
  // Money of any size: the units keep both halves of an exposure in the range of f32.
  for (const float size : {1e-25F, 1e25F}) {
    Book<float> book({5, 40, 40, true, true}, 10, true);
    for (float& one : book.delta) one *= size;
    for (float& one : book.gamma) one *= size;
    CheckBook(book, 1e-6, "size");
  }
}

TEST("scenario_pnl in many pieces has the same bits") {
  const Book<float> book({500, 60, 45, true, true}, 12, false);
  const auto whole = test::ProfitsOf<float>(On(Backend::kMetal), book.args, 0);
  const test::ShortPieces pieces;
  for (int round = 0; round < 3; ++round) {
    const auto cut = test::ProfitsOf<float>(On(Backend::kMetal), book.args, 0);
    CHECK(cut.pnl == whole.pnl && cut.by_position == whole.by_position);
  }
  CHECK(pieces.MoreThan(20));
}

TEST("scenario_pnl on Metal refuses what that of the CPU refuses") {
  Book<float> book({2, 3, 4, false, true}, 10, false);
  float pnl[2];
  book.args.pnl = pnl;
  book.factor_of[1] = 4;
  Backend backend = Backend::kMetal;
  CHECK(Run(backend, book.args) == Status::kInvalidOption && book.args.detail == 1);
}

}  // namespace
}  // namespace nautilus
