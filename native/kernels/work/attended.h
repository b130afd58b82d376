// Attention of a block of queries in one pass: its scores stay in the second cache, from the product with keys to that
// with values (Dao et al. 2022, without the tiling of keys: a row's scores are all there before its softmax).
#pragma once
#include "attention.h"
#include "matmul.h"

namespace {

INLINE int64_t seen_of_own(const Attended& a, int64_t head, int64_t row) {
  return a.starts == nullptr ? a.K : smaller(a.K, a.starts[head / a.KV] + row / a.R + 1);
}

// Floats of a row of scores: those of the prompt, then those of its own.
INLINE int64_t scores_stride(const Attended& a) { return padded(a.P) + padded(a.K); }

int64_t attended_room(const Attended& a) { return BLOCK_ROWS * (scores_stride(a) + a.D + padded(a.D)); }

INLINE void block_scores(const Attended& a, const float* q, int64_t rows, const float* keys, int64_t count, float* to) {
  const int64_t stride = scores_stride(a);
  for (int64_t j = 0; j < count; j += TILE_COLUMNS)
    for (int64_t r = 0; r < rows; r += TILE_ROWS)
      multiply_tile(q + r * a.D, a.D, 1, keys + j * a.D, a.D, false, to + r * stride + j, stride, TILE_ROWS,
                    TILE_COLUMNS);
}

// y += weights · values; `all` is how many values a panel has.
INLINE void block_values(const Attended& a, const float* weights, int64_t rows, const float* values, int64_t count,
                         int64_t all, float* y) {
  const int64_t stride = scores_stride(a), width = padded(a.D);
  for (int64_t from = 0; from < count; from += DEPTH)
    for (int64_t j = 0; j < width; j += TILE_COLUMNS)
      for (int64_t r = 0; r < rows; r += TILE_ROWS)
        multiply_tile(weights + r * stride + from, stride, 1, values + j * all + from * TILE_COLUMNS,
                      smaller(DEPTH, count - from), true, y + r * width + j, width, TILE_ROWS, TILE_COLUMNS);
}

// A block of rows of a sequence of a head, and the keys that it sees.
struct Rows {
  int64_t head, row, count, tiles, at, own, length, most;
};

INLINE Rows rows_of(const Attended& a, int64_t head, int64_t sequence, int64_t row, int64_t count) {
  const int64_t of_sequence = a.C * a.R;
  return {head,
          row,
          count,
          (count + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS,
          (head * a.n + sequence * of_sequence + row) * a.D,
          head * (a.n / of_sequence) + sequence,
          a.P == 0 ? 0 : a.lengths[head / a.KV],
          seen_of_own(a, head, row + count - 1)};
}

// Rows as float32; those that fill a tile up are zero.
template <class T>
INLINE void copy_rows(const Attended& a, const Rows& b, const void* x, float* to) {
  const T* from = static_cast<const T*>(x) + b.at;
  const int64_t count = b.count * a.D;
  for (int64_t i = 0; i < count; i += LANES) store(to + i, load(from + i, count - i), count - i);
  fill(to + count, to + b.tiles * a.D, 0.0f);
}

INLINE void all_scores(const Attended& a, const Rows& b, const float* q, const float* prompt, const float* own,
                       float* to) {
  if (b.length > 0) block_scores(a, q, b.tiles, prompt + b.head * padded(a.P) * a.D, b.length, to);
  block_scores(a, q, b.tiles, own + b.own * padded(a.K) * a.D, b.most, to + padded(a.P));
}

// Into `sums` [tiles, padded(D)], which are put into y as T, times a factor each where there are some.
template <class T>
INLINE void all_values(const Attended& a, const Rows& b, const float* weights, const float* prompt, const float* own,
                       float* sums, const float* factors, void* y) {
  const int64_t width = padded(a.D);
  fill(sums, sums + b.tiles * width, 0.0f);
  if (b.length > 0) block_values(a, weights, b.tiles, prompt + b.head * a.P * width, b.length, a.P, sums);
  block_values(a, weights + padded(a.P), b.tiles, own + b.own * a.K * width, b.most, a.K, sums);
  for (int64_t r = 0; r < b.count; r++)
    for (int64_t j = 0; j < a.D; j += LANES)
      store(static_cast<T*>(y) + b.at + r * a.D + j, load(sums + r * width + j) * (factors == nullptr ? 1 : factors[r]),
            a.D - j);
}

// Keys of its own that row r of a block sees; those that fill a tile up see what the last one does.
INLINE int64_t seen_by(const Attended& a, const Rows& b, int64_t r) {
  return seen_of_own(a, b.head, b.row + smaller(r, b.count - 1));
}

template <class T>
void attend_rows(const Attended& a, int64_t head, int64_t sequence, int64_t row, int64_t rows, float* q) {
  const Rows b = rows_of(a, head, sequence, row, rows);
  float *const sums = q + BLOCK_ROWS * a.D, *const weights = sums + BLOCK_ROWS * padded(a.D);
  copy_rows<T>(a, b, a.q, q);
  all_scores(a, b, q, a.prompt_k, a.own_k, weights);
  float factors[BLOCK_ROWS];
  for (int64_t r = 0; r < b.tiles; r++) {
    float *const p = weights + r * scores_stride(a), *const o = p + padded(a.P);
    const int64_t seen = seen_by(a, b, r);
    factors[r] = joint_weights(p, b.length, o, seen, p, o);
    fill(o + seen, o + b.most, 0.0f);
  }
  all_values<T>(a, b, weights, a.prompt_v, a.own_v, sums, factors, a.y);
}

int64_t attended_gradient_room(const Attended& a) {
  const int64_t width = padded(a.D);
  return BLOCK_ROWS * (2 * a.D + 3 * width + 2 * scores_stride(a) + BLOCK_ROWS);
}

// y[key] += Σ of rows, weights[row][key] · x[row], of keys 0 … count; x as panels.
INLINE void add_to_keys(const Attended& a, const Rows& b, const float* weights, int64_t count, const float* x,
                        float* packed, float* y) {
  const Matmul turned = {weights, nullptr, nullptr, scores_stride(a), a.D, b.count, true, false};
  for (int64_t first = 0; first < count; first += BLOCK_ROWS) {
    const int64_t keys = smaller(BLOCK_ROWS, count - first);
    pack_rows<float>(turned, first, keys, 0, b.count, packed);
    for (int64_t j = 0; j < a.D; j += TILE_COLUMNS)
      for (int64_t k = 0; k < keys; k += TILE_ROWS)
        multiply_tile(packed + k * b.count, 1, TILE_ROWS, x + j * b.count, b.count, true, y + (first + k) * a.D + j,
                      a.D, keys - k, a.D - j);
  }
}

template <class T>
void attend_rows_gradient(const AttendedGradient& g, int64_t head, int64_t sequence, int64_t row, int64_t rows,
                          float* d_prompt, float* d_own, float* q) {
  const Attended& a = g.of;
  const Rows b = rows_of(a, head, sequence, row, rows);
  const int64_t width = padded(a.D), stride = scores_stride(a), beside = padded(a.P);
  float *const dy = q + BLOCK_ROWS * a.D, *const sums = dy + BLOCK_ROWS * a.D,
               *const q_panels = sums + BLOCK_ROWS * width, *const dy_panels = q_panels + BLOCK_ROWS * width,
               *const weights = dy_panels + BLOCK_ROWS * width, *const d = weights + BLOCK_ROWS * stride,
               *const packed = d + BLOCK_ROWS * stride;
  copy_rows<T>(a, b, a.q, q);
  copy_rows<T>(a, b, g.dy, dy);
  all_scores(a, b, q, a.prompt_k, a.own_k, weights);
  all_scores(a, b, dy, a.prompt_v, a.own_v, d);
  for (int64_t r = 0; r < b.tiles; r++) {
    float *const p = weights + r * stride, *const o = p + beside, *const dp = d + r * stride, *const d_o = dp + beside;
    const int64_t seen = seen_by(a, b, r);
    const float factor = joint_weights(p, b.length, o, seen, p, o);
    const float delta = sum(dot(p, dp, b.length) + dot(o, d_o, seen)) * factor;
    score_gradient(p, dp, p, dp, b.length, b.length, factor, delta);
    score_gradient(o, d_o, o, d_o, seen, b.most, factor, delta);
  }
  all_values<T>(a, b, d, g.prompt_straight_k, g.own_straight_k, sums, nullptr, g.dq);
  const auto as_panels = [&](const float* x, float* to) {
    pack_panels<float>({nullptr, x, nullptr, 0, a.D, b.count, false, false}, {0, 0, 0, a.D}, 0, b.count, to);
  };
  as_panels(q, q_panels);
  as_panels(dy, dy_panels);
  add_to_keys(a, b, d, b.length, q_panels, packed, d_prompt);
  add_to_keys(a, b, weights, b.length, dy_panels, packed, d_prompt + a.P * a.D);
  add_to_keys(a, b, d + beside, b.most, q_panels, packed, d_own);
  add_to_keys(a, b, weights + beside, b.most, dy_panels, packed, d_own + a.K * a.D);
}

template <class T>
void sum_arrays(const float* arrays, int64_t count, int64_t size, void* y, int64_t begin, int64_t end) {
  for (int64_t j = begin; j < end; j += LANES) {
    Vec total = load(arrays + j, end - j);
    for (int64_t i = 1; i < count; i++) total += load(arrays + i * size + j, end - j);
    store(static_cast<T*>(y) + j, total, end - j);
  }
}

}  // namespace
