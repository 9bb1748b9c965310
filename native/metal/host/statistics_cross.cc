// Ranks, scores and orders of rows on the GPU; see native/metal/kernels/statistics_cross.metal and
// statistics_select.metal.
#include <bit>

#include "metal/host/statistics.h"
#include "metal/host/statistics_panel.h"

namespace nautilus::metal {
namespace {

// As in statistics_cross.metal.
struct CrossParams {
  uint32_t columns;
  uint32_t first = 0;
  uint32_t ties = 0;
  uint32_t percent = 0;
  uint32_t descending = 0;
};
struct ScoreParams {
  uint32_t series;
  uint32_t first = 0;
  uint32_t bars = 0;
  uint32_t ddof;
};
// As in statistics_select.metal.
struct ClipParams {
  uint32_t series;
  uint32_t first = 0;
  uint32_t bars = 0;
  uint32_t lower_low, lower_high;
  uint32_t upper_low, upper_high;
};
constexpr uint64_t kGroup = 256;
constexpr uint64_t kLanes = 32;
// Each value of a row is compared with all others: a longer one is sorted by the CPU.
constexpr int64_t kMostCompared = 16384;
// One simdgroup goes through a row.
constexpr int64_t kMostColumns = int64_t{1} << 21;

// Places in rows of `columns` values.
Work PlacesWork(const char* kernel, int64_t rows, CrossParams& p, std::span<const Binding> bindings,
                CancelFlag cancel) {
  const uint64_t parts = (p.columns + kGroup - 1) / kGroup;
  return {.kernel = kernel,
          .bindings = bindings,
          .items = static_cast<uint64_t>(rows),
          .weight = parts * kGroup * (1 + p.columns / 16),
          .piece =
              [&p, parts](uint64_t first, uint64_t count) {
                p.first = static_cast<uint32_t>(first);
                return Launch{
                    .width = parts * kGroup, .height = count, .group_width = kGroup, .group_height = 1};
              },
          .cancel = cancel};
}

// A simdgroup for each bar.
template <class Args, class Params>
Task RunBars(const char* kernel, const Args& args, Params p, uint64_t weight) {
  const size_t each = BytesOf(args.bars * args.series);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)), Binding::Input(args.values, each),
                              Binding::Output(args.out, each)};
  const Work work{.kernel = kernel,
                  .bindings = bindings,
                  .items = static_cast<uint64_t>(args.bars),
                  .weight = kLanes + static_cast<uint64_t>(args.series) * weight,
                  .piece =
                      [&p](uint64_t first, uint64_t count) {
                        p.first = static_cast<uint32_t>(first);
                        p.bars = static_cast<uint32_t>(first + count);
                        return Launch{.width = count * kLanes, .group_width = kGroup, .group_height = 1};
                      },
                  .cancel = args.cancel};
  co_return co_await Device::Get().Later(work);
}

}  // namespace

Task CrossRank(CrossRankArgs& args) {
  if (args.bars == 0 || args.series == 0) co_return Status::kOk;
  if (!Fits(args.bars, args.series) || args.series > kMostCompared) co_return Status::kNoBackend;
  CrossParams p{.columns = static_cast<uint32_t>(args.series),
                .ties = static_cast<uint32_t>(args.ties),
                .percent = args.percent};
  const size_t each = BytesOf(args.bars * args.series);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)), Binding::Input(args.values, each),
                              Binding::Output(args.out, each)};
  const Work work = PlacesWork("cross_rank_f32", args.bars, p, bindings, args.cancel);
  co_return co_await Device::Get().Later(work);
}

Task Argsort(ArgsortArgs& args) {
  if (args.rows == 0 || args.count == 0) co_return Status::kOk;
  if (!Fits(args.rows, args.count) || args.count > kMostCompared) co_return Status::kNoBackend;
  CrossParams p{.columns = static_cast<uint32_t>(args.count), .descending = args.descending};
  const size_t each = BytesOf(args.rows * args.count);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)), Binding::Input(args.values, each),
                              Binding::Output(args.out, each)};
  const Work work = PlacesWork("argsort_f32", args.rows, p, bindings, args.cancel);
  co_return co_await Device::Get().Later(work);
}

Task CrossZscore(CrossZscoreArgs& args) {
  if (args.bars == 0 || args.series == 0) co_return Status::kOk;
  if (!Fits(args.bars, args.series) || args.series > kMostColumns) co_return Status::kNoBackend;
  ScoreParams p{.series = static_cast<uint32_t>(args.series), .ddof = static_cast<uint32_t>(args.ddof)};
  co_return co_await RunBars("cross_zscore_f32", args, p, 4);
}

Task CrossWinsorise(CrossWinsoriseArgs& args) {
  if (args.lower > args.upper) co_return Status::kInvalidOption;
  if (args.bars == 0 || args.series == 0) co_return Status::kOk;
  if (!Fits(args.bars, args.series) || args.series > kMostColumns) co_return Status::kNoBackend;
  const auto lower = std::bit_cast<uint64_t>(args.lower);
  const auto upper = std::bit_cast<uint64_t>(args.upper);
  ClipParams p{.series = static_cast<uint32_t>(args.series),
               .lower_low = static_cast<uint32_t>(lower),
               .lower_high = static_cast<uint32_t>(lower >> 32),
               .upper_low = static_cast<uint32_t>(upper),
               .upper_high = static_cast<uint32_t>(upper >> 32)};
  co_return co_await RunBars("cross_winsorise_f32", args, p, 16);
}

}  // namespace nautilus::metal
