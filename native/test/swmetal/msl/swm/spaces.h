// Address spaces, attributes and predefined names of MSL. `kernel` is a keyword of OpenCL already.
#ifndef SWM_SPACES_H_
#define SWM_SPACES_H_

#ifndef __METAL_VERSION__
#define __METAL_VERSION__ 310
#endif
#define __METAL__ 1
#define __SWMETAL__ 1
#define METAL_FUNC inline __attribute__((__always_inline__))

// What the double does not have must not pass as an ordinary name.
#pragma GCC poison vertex fragment sampler texture2d ray_data object_data mesh visible stitchable

// Keywords of OpenCL that are ordinary names in MSL.
#define local swm_name_local
#define global swm_name_global
#define generic swm_name_generic
#define pipe swm_name_pipe
#define read_only swm_name_read_only
#define write_only swm_name_write_only
#define read_write swm_name_read_write

#define device __global
#define constant __constant
#define threadgroup __local
#define thread __private

// [[buffer(0)]] reads [[clang::annotate("buffer", 0)]] after preprocessing.
#define buffer(n) clang::annotate("buffer", n)
#define max_total_threads_per_threadgroup(n) clang::annotate("max_total_threads_per_threadgroup", n)
#define thread_position_in_grid clang::annotate("thread_position_in_grid")
#define threads_per_grid clang::annotate("threads_per_grid")
#define threadgroup_position_in_grid clang::annotate("threadgroup_position_in_grid")
#define threadgroups_per_grid clang::annotate("threadgroups_per_grid")
#define thread_position_in_threadgroup clang::annotate("thread_position_in_threadgroup")
#define threads_per_threadgroup clang::annotate("threads_per_threadgroup")
#define dispatch_threads_per_threadgroup clang::annotate("dispatch_threads_per_threadgroup")
#define thread_index_in_threadgroup clang::annotate("thread_index_in_threadgroup")
#define thread_index_in_simdgroup clang::annotate("thread_index_in_simdgroup")
#define threads_per_simdgroup clang::annotate("threads_per_simdgroup")
#define thread_execution_width clang::annotate("threads_per_simdgroup")
#define simdgroup_index_in_threadgroup clang::annotate("simdgroup_index_in_threadgroup")
#define simdgroups_per_threadgroup clang::annotate("simdgroups_per_threadgroup")

#endif  // SWM_SPACES_H_
