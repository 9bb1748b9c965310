// Where threads run: all of a process, those that come later too, and nothing half done for a CPU that is
// none.
#include "core/placement.h"

#include <thread>
#include <vector>

#include "test/check.h"

namespace nautilus::test {
namespace {

#if defined(__linux__)

std::vector<int> AllowedElsewhere() {
  std::vector<int> cpus;
  std::thread([&] { cpus = AllowedCpus(); }).join();
  return cpus;
}

TEST("threads bound to one CPU stay there, and so do those that start later") {
  const std::vector<int> before = AllowedCpus();
  CHECK(!before.empty());
  const std::vector<int> last{before.back()};
  const Bound bound = BindThreads(last);
  CHECK(bound.error.empty() && bound.threads >= 1);
  CHECK(AllowedCpus() == last);
  CHECK(AllowedElsewhere() == last);
  CHECK(BindThreads(before).error.empty());
  CHECK(AllowedCpus() == before);
}

TEST("a CPU that the machine does not have is refused, and the threads stay where they were") {
  const std::vector<int> before = AllowedCpus();
  CHECK(!BindThreads(std::vector<int>{8191}).error.empty());
  CHECK(!BindThreads(std::vector<int>{-1}).error.empty());
  CHECK(!BindThreads(std::vector<int>{1 << 20}).error.empty());
  CHECK(AllowedCpus() == before);
}

#else

TEST("no thread is bound where the system cannot, and the reason is said") {
  CHECK(!BindThreads(std::vector<int>{0}).error.empty());
}

#endif

TEST("the urgency of kernels is what was set last") {
  const Urgency before = UrgencyOfKernels();
  SetUrgency(Urgency::kLatency);
  TakeUrgency();
  CHECK(UrgencyOfKernels() == Urgency::kLatency);
  SetUrgency(before);
  CHECK(UrgencyOfKernels() == before);
}

}  // namespace
}  // namespace nautilus::test
