// The indicators of the group 'oscillator'.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/indicators/oscillator.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include "cpu/generated/indicators_oscillator.inc"
#include "cpu/indicators/group-inl.h"
