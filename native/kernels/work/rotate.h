#pragma once
#include "vec.h"

namespace {

// One head of one token, rotated: x cos + swap(x) sin, where sin carries the sign of rotate_half. `sign` −1 turns back.
INLINE void rotate(float* x, const float* cos, const float* sin, int64_t D, float sign) {
  const int64_t half = D / 2;
  for (int64_t j = 0; j < half; j += LANES) {
    const int64_t left = half - j;
    Vec low = load(x + j, left), high = load(x + half + j, left);
    store(x + j, low * load(cos + j, left) + high * load(sin + j, left) * sign, left);
    store(x + half + j, high * load(cos + half + j, left) + low * load(sin + half + j, left) * sign, left);
  }
}

}  // namespace
