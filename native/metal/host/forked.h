// What a child process that was forked hears: the compiler of kernels and the queue are its parent's.
#ifndef NAUTILUS_METAL_HOST_FORKED_H_
#define NAUTILUS_METAL_HOST_FORKED_H_

namespace nautilus::metal {

inline constexpr char kForked[] =
    "this process was forked from another one, and only that may use the device";

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_FORKED_H_
