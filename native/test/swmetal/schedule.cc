// Orders of threads and threadgroups.
#include "test/swmetal/schedule.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <numeric>
#include <string>

#include "test/swmetal/faults.h"

namespace swm {
namespace {

std::atomic<uint32_t> schedules_made{0};

}  // namespace

Schedule::Schedule() {
  const char* text = std::getenv("SWM_SCHEDULE");
  const std::string name = text ? text : "forward";
  if (name == "forward") {
    kind_ = Kind::kForward;
  } else if (name == "reverse") {
    kind_ = Kind::kReverse;
  } else if (name == "random") {
    kind_ = Kind::kRandom;
    const char* seed = std::getenv("SWM_SEED");
    const auto number = static_cast<uint32_t>(seed ? std::strtoul(seed, nullptr, 10) : 1);
    std::seed_seq sequence{number, ++schedules_made};
    engine_.seed(sequence);
  } else {
    Misuse("Expected forward, reverse or random for SWM_SCHEDULE, was %s", text);
  }
}

void Schedule::Fill(std::vector<uint32_t>* order, uint32_t count) {
  order->resize(count);
  std::iota(order->begin(), order->end(), 0u);
  if (kind_ == Kind::kReverse) std::reverse(order->begin(), order->end());
  if (kind_ == Kind::kRandom) std::shuffle(order->begin(), order->end(), engine_);
}

}  // namespace swm
