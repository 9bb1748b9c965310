// Products and residuals of quadratic programs on the GPU; see native/metal/kernels/quadratic.metal. The
// norms are taken on the CPU, from residuals that are there.
#include "core/matrix_call.h"
#include "metal/host/matrix.h"
#include "metal/host/statistics_panel.h"

namespace nautilus::metal {
namespace {

// As in quadratic.metal.
struct QuadraticParams {
  uint32_t variables;
  uint32_t constraints;
  uint32_t first = 0;
  uint32_t end = 0;
  uint32_t parts;
  uint32_t wants_ax, wants_px, wants_aty;
};
static_assert(sizeof(QuadraticParams) == 8 * 4);
constexpr uint64_t kGroup = 256;
constexpr uint64_t kLanes = 32;
constexpr int64_t kColumns = 32;
constexpr int64_t kMost = int64_t{1} << 31;

Status RunPrimal(const QpProductsArgs& args, QuadraticParams& p) {
  const int64_t rows = args.batch * args.constraints;
  if (rows == 0) return Status::kOk;
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)),
                              Binding::Input(args.a, BytesOf(rows * args.variables)),
                              Binding::Input(args.x, BytesOf(args.batch * args.variables)),
                              Binding::Input(args.z, BytesOf(rows)),
                              Binding::Output(args.primal, BytesOf(rows)),
                              OutputOf(args.ax, BytesOf(rows))};
  return Device::Get().Run({.kernel = "qp_primal_f32",
                            .bindings = bindings,
                            .items = static_cast<uint64_t>(rows),
                            .weight = kLanes + p.variables,
                            .piece =
                                [&p](uint64_t first, uint64_t count) {
                                  p.first = static_cast<uint32_t>(first);
                                  p.end = static_cast<uint32_t>(first + count);
                                  return Launch{
                                      .width = count * kLanes, .group_width = kGroup, .group_height = 1};
                                },
                            .cancel = args.cancel});
}

Status RunDual(const QpProductsArgs& args, QuadraticParams& p) {
  const int64_t all = args.batch * args.variables;
  if (all == 0) return Status::kOk;
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)),
                              Binding::Input(args.p, BytesOf(all * args.variables)),
                              Binding::Input(args.q, BytesOf(all)),
                              Binding::Input(args.a, BytesOf(all * args.constraints)),
                              Binding::Input(args.x, BytesOf(all)),
                              Binding::Input(args.y, BytesOf(args.batch * args.constraints)),
                              Binding::Output(args.dual, BytesOf(all)),
                              OutputOf(args.px, BytesOf(all)),
                              OutputOf(args.aty, BytesOf(all))};
  return Device::Get().Run(
      {.kernel = "qp_dual_f32",
       .bindings = bindings,
       .items = static_cast<uint64_t>(args.batch) * p.parts,
       .weight = kGroup + static_cast<uint64_t>(kColumns) * (p.variables + p.constraints),
       .piece =
           [&p](uint64_t first, uint64_t count) {
             p.first = static_cast<uint32_t>(first);
             return Launch{.width = count * kGroup, .group_width = kGroup, .group_height = 1};
           },
       .cancel = args.cancel});
}

}  // namespace

Status QpProducts(QpProductsArgs& args) {
  if (args.batch == 0) return Status::kOk;
  const int64_t parts = (args.variables + kColumns - 1) / kColumns;
  if (args.batch * args.constraints >= kMost || args.batch * parts >= kMost) return Status::kNoBackend;
  QuadraticParams p{.variables = static_cast<uint32_t>(args.variables),
                    .constraints = static_cast<uint32_t>(args.constraints),
                    .parts = static_cast<uint32_t>(parts),
                    .wants_ax = args.ax != nullptr,
                    .wants_px = args.px != nullptr,
                    .wants_aty = args.aty != nullptr};
  Status status = RunPrimal(args, p);
  if (status == Status::kOk) status = RunDual(args, p);
  if (status == Status::kOk) cpu::QpNorms(args);
  return status;
}

}  // namespace nautilus::metal
