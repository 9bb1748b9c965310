// Faults that a test can cause by environment variables, read at each use:
//
//   SWM_NO_DEVICE=1          there is no GPU
//   SWM_FAMILY=n             newest family of the GPU, Apple1 to Apple10 (default 9); below 7 without Metal 3
//   SWM_FAIL_COMPILE=1       libraries do not compile
//   SWM_FAIL_KERNEL=name     the pipeline of that kernel cannot be made
//   SWM_MAX_THREADS=n        maxTotalThreadsPerThreadgroup of pipelines (default 1024)
//   SWM_MAX_BUFFER=bytes     maxBufferLength
//   SWM_OUT_OF_MEMORY=n      newBuffer... returns nil from the n-th on that the process asks for; 1: always
//   SWM_FAIL_BUFFER=n:code   the n-th command buffer that the process commits, from 1, does nothing and ends
//                            in an error with that MTLCommandBufferError
//   SWM_FAIL_FROM=n:code     so do all from the n-th on, as those of a lost device do
//   SWM_GPU_MS=x             GPU time that each command buffer reports (default: what it took)
//
// And no fault:
//
//   SWM_TRACE=1              standard output says `runs <kernel>` when another kernel is encoded than before
#ifndef NAUTILUS_TEST_SWMETAL_FAULTS_H_
#define NAUTILUS_TEST_SWMETAL_FAULTS_H_

#include <cstdint>
#include <optional>
#include <string>

namespace swm {

// Ends the process with a message, as the validation layer of Metal does when its API is misused.
[[noreturn]] void Misuse(const char* format, ...) __attribute__((format(printf, 1, 2)));

namespace faults {

bool NoDevice();
int Family();
bool FailCompile();
bool FailKernel(const std::string& name);
uint32_t MaxThreads();
uint64_t MaxBuffer();
// Counts a buffer that is asked for, and returns whether there is no memory for it.
bool OutOfMemory();
// Buffers asked for so far.
uint64_t Asked();
std::optional<double> GpuMs();
// Says on standard output, if asked to, that a kernel was encoded.
void Trace(const char* kernel);
// Counts a command buffer that is being committed, and returns the error that it shall end with, or 0.
int CommitError();
// Command buffers committed so far: a test in the same process adds to it what it sets the variables to.
uint64_t Committed();

}  // namespace faults
}  // namespace swm

#endif  // NAUTILUS_TEST_SWMETAL_FAULTS_H_
