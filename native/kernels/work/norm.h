#pragma once
#include "shuffle.h"

namespace {

template <class T>
void norm(const Norm& n, int64_t begin, int64_t end) {
  const int64_t width = n.width;
  const float scale = 1.0f / width;
  for (int64_t row = begin; row < end; row++) {
    const float* x = n.x + row * width;
    if (n.delta != nullptr) {
      const T* delta = static_cast<const T*>(n.delta) + row * width;
      float* sum_row = n.sum + row * width;
      for (int64_t j = 0; j < width; j += LANES) {
        Vec value = load(x + j, width - j) + load(delta + j, width - j);
        if (n.bias != nullptr) value += load(n.bias + j, width - j);
        store(sum_row + j, value, width - j);
      }
      x = sum_row;
    }
    float mean = 0;
    if (n.centered) {
      Vec total = {};
      for (int64_t j = 0; j < width; j += LANES) total += load(x + j, width - j);
      mean = sum(total) * scale;
    }
    Vec squares = {};
    for (int64_t j = 0; j < width; j += LANES) {
      Vec value = load(x + j, width - j) - mean;
      if (width - j < LANES)
        for (int i = width - j; i < LANES; i++) value[i] = 0;
      squares += value * value;
    }
    const float rstd = 1.0f / __builtin_sqrtf(sum(squares) * scale + n.epsilon);
    T* y = static_cast<T*>(n.y) + row * width;
    for (int64_t j = 0; j < width; j += LANES) {
      Vec value = (load(x + j, width - j) - mean) * rstd * load(n.weight + j, width - j);
      if (n.shift != nullptr) value += load(n.shift + j, width - j);
      store(y + j, value, width - j);
    }
    n.stats[2 * row] = mean;
    n.stats[2 * row + 1] = rstd;
  }
}

template <class T>
INLINE Vec total_dy(const NormGradient& n, int64_t at, int64_t left) {
  Vec dy = load(static_cast<const T*>(n.dys[0]) + at, left);
  for (int64_t i = 1; i < n.count; i++) dy += load(static_cast<const T*>(n.dys[i]) + at, left);
  return dy;
}

// dx = rstd · (g − mean(g) − x̂ · mean(g x̂)) with g = dy · w; without mean(g) where rows are not centred.
template <class T>
void norm_gradient(const NormGradient& n, int64_t begin, int64_t end) {
  const int64_t width = n.width;
  const float scale = 1.0f / width;
  for (int64_t row = begin; row < end; row++) {
    const float mean = n.stats[2 * row], rstd = n.stats[2 * row + 1];
    const float* x = n.x + row * width;
    Vec along = {}, level = {};
    for (int64_t j = 0; j < width; j += LANES) {
      Vec g = total_dy<T>(n, row * width + j, width - j) * load(n.weight + j, width - j);
      along += g * (load(x + j, width - j) - mean);
      level += g;
    }
    const float slope = sum(along) * scale * rstd * rstd;
    const float offset = n.centered ? sum(level) * scale : 0;
    for (int64_t j = 0; j < width; j += LANES) {
      Vec g = total_dy<T>(n, row * width + j, width - j) * load(n.weight + j, width - j);
      Vec dx = (g - offset - (load(x + j, width - j) - mean) * slope) * rstd;
      if (n.residual != nullptr) dx += load(n.residual + row * width + j, width - j);
      store(n.dx + row * width + j, dx, width - j);
      if (n.dx_cast != nullptr) store(static_cast<T*>(n.dx_cast) + row * width + j, dx, width - j);
    }
  }
}

// dw = Σ dy x̂ and db = Σ dy over the rows, a strip of columns at a time.
template <class T>
void norm_gradient_columns(const NormGradient& n, int64_t begin, int64_t end) {
  for (int64_t j = begin; j < end; j += LANES) {
    const int64_t left = n.width - j;
    Vec d_weight = {}, d_shift = {};
    for (int64_t row = 0; row < n.rows; row++) {
      const float mean = n.stats[2 * row], rstd = n.stats[2 * row + 1];
      Vec dy = total_dy<T>(n, row * n.width + j, left);
      d_weight += dy * (load(n.x + row * n.width + j, left) - mean) * rstd;
      d_shift += dy;
    }
    store(n.d_weight + j, d_weight, left);
    if (n.d_shift != nullptr) store(n.d_shift + j, d_shift, left);
  }
}

}  // namespace
