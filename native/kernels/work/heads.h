#pragma once
#include "rotate.h"

namespace {

// Rows start … start + B · T of x `[N, width]` → y `[B · KV, T · R, D]`.
template <class T>
void to_heads(const ToHeads& h, int64_t begin, int64_t end) {
  float head[MAX_HEAD];
  for (int64_t i = begin; i < end; i++) {
    const int64_t b = i / h.T, t = i % h.T, row = h.start + i;
    for (int64_t k = 0; k < h.KV; k++) {
      for (int64_t r = 0; r < h.R; r++) {
        const int64_t column = h.column + (k * h.R + r) * h.D;
        const T* x = static_cast<const T*>(h.x) + row * h.width + column;
        T* y = static_cast<T*>(h.y) + (((b * h.KV + k) * h.T + t) * h.R + r) * h.D;
        for (int64_t j = 0; j < h.D; j += LANES) {
          Vec value = load(x + j, h.D - j);
          if (h.bias != nullptr) value += load(h.bias + column + j, h.D - j);
          store(head + j, value * h.scale, h.D - j);
        }
        if (h.cos != nullptr) rotate(head, h.cos + row * h.D, h.sin + row * h.D, h.D, 1);
        for (int64_t j = 0; j < h.D; j += LANES) store(y + j, load(head + j, h.D - j), h.D - j);
      }
    }
  }
}

// y[row, column] = Σ parts there; then the rotation turned back in the first columns, and a scale in the first columns.
template <class T>
void from_heads(const FromHeads& h, int64_t begin, int64_t end, float* sums) {
  const Segment* segment = h.segments;
  for (int64_t row = begin; row < end; row++) {
    while (segment + 1 < h.segments + h.count && row >= segment[1].start) segment++;
    const int64_t b = (row - segment->start) / segment->T, t = (row - segment->start) % segment->T;
    for (int64_t j = 0; j < h.width; j += LANES) store(sums + j, Vec{}, h.width - j);
    for (const Part* at_part = segment->parts; at_part < segment->end; at_part++) {
      const Part& part = *at_part;
      const int64_t at = t - part.offset;
      if (at < 0 || at >= part.length) continue;
      for (int64_t k = 0; k < part.KV; k++) {
        for (int64_t r = 0; r < part.R; r++) {
          const T* x = static_cast<const T*>(part.x) + (((b * part.KV + k) * part.length + at) * part.R + r) * h.D;
          float* to = sums + part.column + (k * part.R + r) * h.D;
          for (int64_t j = 0; j < h.D; j += LANES) store(to + j, load(to + j, h.D - j) + load(x + j, h.D - j), h.D - j);
        }
      }
    }
    for (int64_t column = 0; column < h.rotated; column += h.D)
      rotate(sums + column, h.cos + row * h.D, h.sin + row * h.D, h.D, -1);
    T* y = static_cast<T*>(h.y) + row * h.width;
    for (int64_t j = 0; j < h.scaled; j += LANES) store(y + j, load(sums + j, h.scaled - j) * h.scale, h.scaled - j);
    for (int64_t j = h.scaled; j < h.width; j += LANES) store(y + j, load(sums + j, h.width - j), h.width - j);
  }
}

}  // namespace
