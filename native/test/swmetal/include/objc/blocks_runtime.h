// GNUstep includes this when blocks are enabled; the Objective-C runtime of GCC does not ship it.
#ifndef NAUTILUS_TEST_SWMETAL_BLOCKS_RUNTIME_H_
#define NAUTILUS_TEST_SWMETAL_BLOCKS_RUNTIME_H_

#ifdef __cplusplus
extern "C" {
#endif
void* _Block_copy(const void* block);
void _Block_release(const void* block);
#ifdef __cplusplus
}
#endif

#endif  // NAUTILUS_TEST_SWMETAL_BLOCKS_RUNTIME_H_
