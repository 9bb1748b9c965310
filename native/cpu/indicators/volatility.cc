// The indicators of the group 'volatility'.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/indicators/volatility.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include "cpu/generated/indicators_volatility.inc"
#include "cpu/indicators/group-inl.h"
