// Products of quadratic programs on Metal against the CPU in f32.
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "metal/host/device.h"
#include "test/check.h"
#include "test/metal_testing.h"
#include "test/quadratic_testing.h"

namespace nautilus {
namespace {

using test::Quadratic;

auto On(Backend backend) {
  return [backend](QpProductsArgs& args) { return test::On(backend, args); };
}

void CheckProblem(const Quadratic<float>& problem, const char* what) {
  for (const bool wants : {true, false}) {
    const auto found = test::ResidualsOf<float>(On(Backend::kMetal), problem.args, 1, wants);
    const auto expected = test::ResidualsOf<float>(On(Backend::kCpu), problem.args, 0, wants);
    const auto sides = static_cast<double>(problem.args.variables + problem.args.constraints);
    const double far = test::Apart(found, expected, sides, 1e-6);
    CHECK(!expected.dual_norm.empty() && test::Within(KernelId::kQpProducts, far), "%s: %d of %d by %d: %g",
          what, int(problem.args.batch), int(problem.args.variables), int(problem.args.constraints), far);
  }
}

TEST("qp_products on Metal are the CPU's for every size, with their digits where residuals are small") {
  for (const int64_t n : {1, 7, 31, 32, 33, 70}) {
    for (const int64_t m : {0, 1, 8, 25}) {
      CheckProblem(Quadratic<float>(2, n, m, 1, 3), "size");
      CheckProblem(Quadratic<float>(2, n, m, 1e5, 4), "small residuals");
    }
  }
  CheckProblem(Quadratic<float>(40, 5, 3, 1, 5), "many");
  CheckProblem(Quadratic<float>(2, 0, 4, 1, 6), "no variables");
}

TEST("what is missing on the CPU is missing on Metal") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (int form = 0; form < 6; ++form) {
      Quadratic<float> problem(2, 40, 9, 1, 7);
      std::vector<float>* const arrays[] = {&problem.p, &problem.a, &problem.x,
                                            &problem.y, &problem.z, &problem.q};
      (*arrays[form])[3] = bad;
      CheckProblem(problem, "missing");
    }
  }
}

TEST("qp_products in many pieces have the same bits") {
  const Quadratic<float> problem(9, 90, 70, 1, 8);
  const auto whole = test::ResidualsOf<float>(On(Backend::kMetal), problem.args, 0);
  const test::ShortPieces pieces;
  for (int round = 0; round < 3; ++round) {
    const auto cut = test::ResidualsOf<float>(On(Backend::kMetal), problem.args, 0);
    CHECK(cut.primal == whole.primal && cut.dual == whole.dual && cut.aty == whole.aty && cut.px == whole.px);
  }
  CHECK(pieces.MoreThan(20));
}

}  // namespace
}  // namespace nautilus
