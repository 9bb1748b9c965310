// Machine learning on the GPU, in f32: slots of the kernel table.
#ifndef NAUTILUS_METAL_HOST_LEARNING_H_
#define NAUTILUS_METAL_HOST_LEARNING_H_

#include "core/kernel_args.h"
#include "core/status.h"

// Slots with the Metal kernels that each needs.
#define NAUTILUS_METAL_LEARNING(X) X(TreeHistograms, "tree_histograms_f32")

namespace nautilus::metal {

Status TreeHistograms(TreeHistogramsArgs& args);

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_LEARNING_H_
