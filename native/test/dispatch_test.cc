// The kernel table, the choice of a backend and the names of the status codes.
#include <cstring>
#include <set>
#include <string>

#include "core/build_info.h"
#include "core/kernel_table.h"
#include "test/check.h"

namespace nautilus {
namespace {

KernelRow Row(bool has_metal, int64_t metal_from) {
  return {"row", "", kMaskF32 | kMaskF64, "blas", has_metal, metal_from, 0, 0};
}

TEST("takes Metal for f32 from the threshold on when asked for auto") {
  const KernelRow row = Row(true, 1000);
  CHECK(Pick(row, Dtype::kF32, 999, Backend::kAuto).backend == Backend::kCpu);
  CHECK(Pick(row, Dtype::kF32, 1000, Backend::kAuto).backend == Backend::kMetal);
}

TEST("the threshold of a row changes at run time, and 0 means never") {
  const size_t place = static_cast<size_t>(KernelId::kGemm);
  const int64_t before = KernelTable()[place].metal_from;
  for (const int64_t elements : {int64_t{1}, int64_t{1} << 40, int64_t{0}}) {
    SetMetalFrom(place, elements);
    CHECK(KernelTable()[place].metal_from == elements);
  }
  SetMetalFrom(place, before);
  const KernelRow row = Row(true, 0);
  CHECK(Pick(row, Dtype::kF32, 1 << 30, Backend::kAuto).backend == Backend::kCpu);
}

TEST("takes no Metal that is switched off, and refuses it to those who ask for it") {
  const KernelRow row = Row(true, 1000);
  SwitchMetal(false);
  CHECK(Pick(row, Dtype::kF32, 1000, Backend::kAuto).backend == Backend::kCpu);
  CHECK(Pick(row, Dtype::kF32, 1000, Backend::kMetal).status == Status::kNoBackend);
  CHECK(Pick(row, Dtype::kF32, 1000, Backend::kCpu).status == Status::kOk);
  SwitchMetal(true);
  CHECK(Pick(row, Dtype::kF32, 1000, Backend::kAuto).backend == Backend::kMetal);
}

TEST("never sends f64 to Metal") {
  const KernelRow row = Row(true, 1);
  CHECK(Pick(row, Dtype::kF64, 1000, Backend::kAuto).backend == Backend::kCpu);
  CHECK(Pick(row, Dtype::kF64, 1000, Backend::kMetal).status == Status::kNoBackend);
}

TEST("follows the asked backend below the threshold, and refuses Metal where it is absent") {
  CHECK(Pick(Row(true, 1000), Dtype::kF32, 1, Backend::kMetal).backend == Backend::kMetal);
  CHECK(Pick(Row(true, 1), Dtype::kF32, 1000, Backend::kCpu).backend == Backend::kCpu);
  CHECK(Pick(Row(false, 0), Dtype::kF32, 1000, Backend::kMetal).status == Status::kNoBackend);
  CHECK(Pick(Row(true, 0), Dtype::kF32, 1000, Backend::kAuto).backend == Backend::kCpu);
}

TEST("has one complete table row for each kernel, with distinct ids") {
  std::set<std::string> ids;
  for (const KernelRow& row : KernelTable()) {
    ids.insert(row.id);
    CHECK(row.dtypes != 0);
    CHECK(row.has_metal == Metal().available || !row.has_metal);
    CHECK(row.metal_from == 0 || row.has_metal, "%s", row.id);
  }
  CHECK(ids.size() == KernelTable().size());
}

TEST("has one row for each indicator, with the shapes of its definition") {
  for (const auto& indicator : cpu::indicators::IndicatorTable()) {
    const KernelRow& row = RowOf(indicator);
    CHECK(std::strcmp(row.id, indicator.name) == 0, "%s %s", row.id, indicator.name);
    const std::string shape = row.shape;
    size_t panels = 0;
    for (size_t at = shape.find('['); at != std::string::npos; at = shape.find('[', at + 1)) ++panels;
    CHECK(panels == indicator.inputs.size() + indicator.outputs.size(), "%s", row.id);
  }
}

TEST("says why Metal is absent") { CHECK(Metal().available == (std::strlen(Metal().reason) == 0)); }

TEST("names every status code after its enumerator") {
  CHECK(std::strcmp(StatusName(Status::kOk), "kOk") == 0);
  CHECK(std::strcmp(StatusName(Status::kShape), "kShape") == 0);
}

TEST("chooses a SIMD target that this build holds") {
  const BuildInfo info = DescribeBuild();
  bool found = false;
  for (const std::string& target : info.simd_targets) found = found || target == info.simd_target;
  CHECK(found, "%s", info.simd_target.c_str());
  CHECK(!info.blas.empty());
}

}  // namespace
}  // namespace nautilus
