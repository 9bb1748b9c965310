// The bits of the matrix kernels do not depend on the number of threads, at sizes where the work is cut.
#include <cstring>
#include <vector>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/matrix/reference.h"
#include "test/check.h"
#include "test/matrix_testing.h"

namespace nautilus {
namespace {

// Runs `body`, which fills the array it is given, with each number of threads.
template <class Body>
void SameForAnyThreads(const char* name, int64_t count, const Body& body) {
  const int before = KernelThreads();
  std::vector<double> first(count);
  for (const int threads : {1, 2, 3, 8}) {
    SetKernelThreads(threads);
    std::vector<double> out(count, -7.0);
    CHECK(body(out.data()) == Status::kOk, "%s", name);
    if (threads == 1) first = out;
    CHECK(std::memcmp(first.data(), out.data(), count * sizeof(double)) == 0, "%s on %d threads", name,
          threads);
  }
  SetKernelThreads(before);
}

TEST("products, Cholesky and moments have the same bits for any number of threads") {
  const auto a = test::Normal<double>(300 * 700, 1);
  const auto b = test::Normal<double>(700 * 300, 2);
  SameForAnyThreads("gemm", 300 * 300, [&](double* out) {
    GemmArgs args{};
    args.m = args.n = 300;
    args.k = 700;
    args.alpha = 1;
    args.a = a.data();
    args.b = b.data();
    args.out = out;
    return cpu::Gemm(args);
  });
  for (const bool trans_a : {false, true}) {
    SameForAnyThreads("gemv", trans_a ? 300 : 700, [&](double* out) {
      GemvArgs args{};
      args.m = trans_a ? 300 : 700;
      args.n = trans_a ? 700 : 300;
      args.trans_a = trans_a;
      args.alpha = 1;
      args.a = a.data();
      args.x = b.data();
      args.out = out;
      return cpu::Gemv(args);
    });
    SameForAnyThreads("syrk", 300 * 300, [&](double* out) {
      SyrkArgs args{};
      args.n = 300;
      args.k = 700;
      args.trans_a = trans_a;
      args.alpha = 1;
      args.a = a.data();
      args.out = out;
      return cpu::Syrk(args);
    });
  }
  const auto spd = test::Spd<double>(400, 3);
  SameForAnyThreads("solve_spd", 400 * 100, [&](double* out) {
    SolveSpdArgs args{};
    args.n = 400;
    args.nrhs = 100;
    args.a = spd.data();
    args.b = a.data();
    args.x = out;
    return cpu::SolveSpd(args);
  });
  SameForAnyThreads("eigen_symmetric", 400 * 401, [&](double* out) {
    EigenSymmetricArgs args{};
    args.n = 400;
    args.a = spd.data();
    args.values = out;
    args.vectors = out + 400;
    return cpu::EigenSymmetric(args);
  });
  SameForAnyThreads("svd", 2100 * 100 + 100 + 100 * 100, [&](double* out) {
    SvdArgs args{};
    args.rows = 2100;
    args.columns = args.components = 100;
    args.a = a.data();
    args.u = out;
    args.values = out + 2100 * 100;
    args.vt = out + 2100 * 100 + 100;
    return cpu::Svd(args);
  });
  for (const int64_t columns : {30, 300}) {
    const auto panel = test::Returns<double>(3000, columns, 4);
    SameForAnyThreads("covariance", columns * columns, [&](double* out) {
      CovarianceArgs args{};
      args.observations = 3000;
      args.assets = columns;
      args.ddof = args.min_pairs = 1;
      args.values = panel.data();
      args.out = out;
      return cpu::Covariance(args);
    });
    SameForAnyThreads("ledoit_wolf", columns * columns + 1, [&](double* out) {
      LedoitWolfArgs args{};
      args.observations = 3000;
      args.assets = columns;
      args.values = panel.data();
      args.out = out;
      args.shrinkage = out + columns * columns;
      return cpu::LedoitWolf(args);
    });
  }
}

TEST("what is cut into pieces agrees with the textbook") {
  constexpr int64_t kOrder = 333;
  const auto a = test::Spd<double>(kOrder, 5);
  std::vector<double> fast(kOrder * kOrder);
  std::vector<double> plain(kOrder * kOrder);
  CholeskyArgs factor{};
  factor.n = kOrder;
  factor.a = a.data();
  factor.l = fast.data();
  CHECK(cpu::Cholesky(factor) == Status::kOk);
  factor.l = plain.data();
  cpu::reference::Cholesky(factor);
  CHECK(test::Distance(fast, plain, kOrder * kOrder, 2) <= 1e-12);
  std::vector<double> broken = a;
  broken[299 * (kOrder + 1)] = -1;
  factor.a = broken.data();
  CHECK(cpu::Cholesky(factor) == Status::kNotPositiveDefinite && factor.detail == 300);
  for (const bool trans_a : {false, true}) {
    SyrkArgs args{};
    args.n = kOrder;
    args.k = 60;
    args.trans_a = trans_a;
    args.alpha = 1;
    args.beta = 0.5;
    args.a = a.data();
    fast = plain = test::Spd<double>(kOrder, 6);
    args.out = fast.data();
    CHECK(cpu::Syrk(args) == Status::kOk);
    args.out = plain.data();
    cpu::reference::Syrk(args);
    CHECK(test::Distance(fast, plain, kOrder * kOrder, 60) <= 1e-14);
  }
  GemmArgs wide{};
  wide.m = 20;
  wide.n = kOrder;
  wide.k = kOrder;
  wide.alpha = 1;
  wide.a = wide.b = a.data();
  for (const bool trans_b : {false, true}) {
    wide.trans_b = trans_b;
    wide.out = fast.data();
    CHECK(cpu::Gemm(wide) == Status::kOk);
    wide.out = plain.data();
    cpu::reference::Gemm(wide);
    CHECK(test::Distance(fast, plain, wide.m * wide.n, 60) <= 1e-14);
  }
}

}  // namespace
}  // namespace nautilus
