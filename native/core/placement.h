// Where the threads of this process run: on Linux the CPUs that they may use, on macOS how urgent their work
// is, from which the system chooses between fast and efficient cores.
#ifndef NAUTILUS_CORE_PLACEMENT_H_
#define NAUTILUS_CORE_PLACEMENT_H_

#include <span>
#include <string>
#include <vector>

namespace nautilus {

// Latency: somebody waits for each answer. Throughput: much work, as fast as it goes. Both prefer fast cores,
// and the first wins where they compete. No class is bound to the efficient cores: such a thread could not be
// moved away from them when its work becomes urgent.
enum class Urgency { kLatency, kThroughput };

// Sets the urgency of the calling thread, and from now on of the threads that kernels use. Only macOS has
// such classes: elsewhere it is remembered and has no effect.
void SetUrgency(Urgency urgency);
Urgency UrgencyOfKernels();

// Gives the calling thread the urgency of kernels, once; for threads that others started.
void TakeUrgency();

// The outcome of BindThreads: how many threads it bound, or why none.
struct Bound {
  int threads = 0;
  std::string error;
};

// Lets every thread of this process run on these logical CPUs only; those that start later inherit it. Linux
// only: macOS binds no thread to a core.
Bound BindThreads(std::span<const int> cpus);

// Returns the logical CPUs that the calling thread may run on, ascending; empty where the system does not
// tell.
std::vector<int> AllowedCpus();

}  // namespace nautilus

#endif  // NAUTILUS_CORE_PLACEMENT_H_
