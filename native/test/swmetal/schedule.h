// The order in which threads and threadgroups run: a correct kernel gives the same results under each.
#ifndef NAUTILUS_TEST_SWMETAL_SCHEDULE_H_
#define NAUTILUS_TEST_SWMETAL_SCHEDULE_H_

#include <cstdint>
#include <random>
#include <vector>

namespace swm {

// SWM_SCHEDULE is forward (default), reverse or random; SWM_SEED (default 1) starts the random one.
class Schedule {
 public:
  // Reads the environment. Schedules of a process draw different numbers, the same in each of its runs.
  Schedule();

  bool Forward() const { return kind_ == Kind::kForward; }
  bool Random() const { return kind_ == Kind::kRandom; }
  // Makes `order` the numbers from 0 to count - 1 in the next order of this schedule.
  void Fill(std::vector<uint32_t>* order, uint32_t count);
  // True once in `of` calls on average.
  bool Chance(uint32_t of) { return engine_() % of == 0; }

 private:
  enum class Kind { kForward, kReverse, kRandom };

  Kind kind_;
  std::mt19937 engine_;
};

}  // namespace swm

#endif  // NAUTILUS_TEST_SWMETAL_SCHEDULE_H_
