// Affinity through sched_setaffinity(2), urgency through the quality-of-service classes of Darwin.
#include "core/placement.h"

#include <atomic>

#if defined(__APPLE__)
#include <pthread.h>
#elif defined(__linux__)
#include <sched.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#endif

namespace nautilus {
namespace {

std::atomic<Urgency> urgency_of_kernels{Urgency::kThroughput};

void Apply([[maybe_unused]] Urgency urgency) {
#if defined(__APPLE__)
  // Neither utility nor background: the system may keep those on the efficient cores.
  const qos_class_t qos =
      urgency == Urgency::kLatency ? QOS_CLASS_USER_INTERACTIVE : QOS_CLASS_USER_INITIATED;
  pthread_set_qos_class_self_np(qos, 0);
#endif
}

}  // namespace

void SetUrgency(Urgency urgency) {
  urgency_of_kernels.store(urgency, std::memory_order_relaxed);
  Apply(urgency);
}

Urgency UrgencyOfKernels() { return urgency_of_kernels.load(std::memory_order_relaxed); }

void TakeUrgency() {
#if defined(__APPLE__)
  thread_local bool taken = false;
  if (taken) return;
  taken = true;
  Apply(UrgencyOfKernels());
#endif
}

#if defined(__linux__)

namespace {

// A set of any number of CPUs: the plain cpu_set_t ends at 1,024.
class CpuSet {
 public:
  static constexpr int kMost = 8192;

  CpuSet() : set_(CPU_ALLOC(kMost)) { CPU_ZERO_S(bytes(), set_.get()); }

  static size_t bytes() { return CPU_ALLOC_SIZE(kMost); }
  cpu_set_t* get() const { return set_.get(); }
  void Add(int cpu) { CPU_SET_S(cpu, bytes(), set_.get()); }
  bool Has(int cpu) const { return CPU_ISSET_S(cpu, bytes(), set_.get()); }

 private:
  struct Free {
    void operator()(cpu_set_t* set) const { CPU_FREE(set); }
  };
  std::unique_ptr<cpu_set_t, Free> set_;
};

}  // namespace

std::vector<int> AllowedCpus() {
  const CpuSet set;
  if (sched_getaffinity(0, CpuSet::bytes(), set.get()) != 0) return {};
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CpuSet::kMost; ++cpu) {
    if (set.Has(cpu)) cpus.push_back(cpu);
  }
  return cpus;
}

Bound BindThreads(std::span<const int> cpus) {
  CpuSet set;
  for (const int cpu : cpus) {
    if (cpu < 0 || cpu >= CpuSet::kMost) return {.threads = 0, .error = "no CPU has such a number"};
    set.Add(cpu);
  }
  std::set<pid_t> bound;
  // A thread that is not bound yet may start another one meanwhile: look until nothing is new.
  for (size_t before = 1; before != bound.size();) {
    before = bound.size();
    std::error_code failed;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", failed)) {
      const std::string name = task.path().filename();
      pid_t id = 0;
      std::from_chars(name.data(), name.data() + name.size(), id);
      if (bound.contains(id)) continue;
      if (sched_setaffinity(id, CpuSet::bytes(), set.get()) == 0) {
        bound.insert(id);
      } else if (errno != ESRCH) {  // it may have ended meanwhile
        return {.threads = static_cast<int>(bound.size()), .error = std::strerror(errno)};
      }
    }
    if (failed) return {.threads = static_cast<int>(bound.size()), .error = failed.message()};
  }
  return {.threads = static_cast<int>(bound.size()), .error = ""};
}

#else

std::vector<int> AllowedCpus() { return {}; }

Bound BindThreads(std::span<const int>) {
  return {.threads = 0, .error = "this system binds no thread to a core"};
}

#endif

}  // namespace nautilus
