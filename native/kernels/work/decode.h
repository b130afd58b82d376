// Attention of one more token of each completion: bias, rotary embedding, cache and softmax in one pass.
#pragma once
#include "rotate.h"
#include "shuffle.h"

namespace {

constexpr int PAIR = 2 * LANES;
// Keys of a column that are asked for early.
constexpr int AHEAD = 64;
// Keys whose values stay in the first cache while all queries take them.
constexpr int64_t KEYS = 64;

// The RMS norm of a head, as it would be written in T.
template <class T>
INLINE void norm_head(float* head, const float* weight, int64_t width, float epsilon) {
  Vec squares = {};
  for (int64_t j = 0; j < width; j += LANES) {
    Vec value = load(head + j, width - j);
    if (width - j < LANES)
      for (int i = width - j; i < LANES; i++) value[i] = 0;
    squares += value * value;
  }
  const float rstd = 1.0f / __builtin_sqrtf(sum(squares) * (1.0f / width) + epsilon);
  T rounded[MAX_HEAD];
  for (int64_t j = 0; j < width; j += LANES)
    store(rounded + j, load(head + j, width - j) * rstd * load(weight + j, width - j), width - j);
  for (int64_t j = 0; j < width; j += LANES) store(head + j, load(rounded + j, width - j), width - j);
}

// heads · D numbers of a row, with bias, norm and rotation, given one head at a time to `take(head, values)`.
template <class T, class Take>
INLINE void each_head(const Decode& d, const void* x, const float* bias, const float* norm, bool rotated, int64_t row,
                      int64_t heads, const Take& take) {
  float head[MAX_HEAD];
  for (int64_t h = 0; h < heads; h++) {
    const T* from = static_cast<const T*>(x) + (row * heads + h) * d.D;
    for (int64_t j = 0; j < d.D; j += LANES) {
      Vec value = load(from + j, d.D - j);
      if (bias != nullptr) value += load(bias + h * d.D + j, d.D - j);
      store(head + j, value, d.D - j);
    }
    if (norm != nullptr) norm_head<T>(head, norm, d.D, d.epsilon);
    if (rotated) rotate(head, d.cos + row * d.D, d.sin + row * d.D, d.D, 1);
    take(h, head);
  }
}

// Queries into `queries`, keys and values into place t of the caches.
template <class T>
void enter(const Decode& d) {
  for (int64_t row = 0; row < d.M; row++) {
    const int64_t b = row / d.G, g = row % d.G;
    each_head<T>(d, d.q, d.q_bias, d.q_norm, true, row, d.KV * d.R, [&](int64_t h, const float* head) {
      const int64_t kv = h / d.R, r = h % d.R;
      float* to = d.queries + ((b * d.KV + kv) * d.G * d.R + g * d.R + r) * d.D;
      for (int64_t j = 0; j < d.D; j += LANES) store(to + j, load(head + j, d.D - j) * d.scale, d.D - j);
    });
    const auto put = [&](void* cache, int64_t kv, const float* head) {
      T* to = static_cast<T*>(cache) + (((b * d.KV + kv) * d.G + g) * d.capacity + d.t) * d.D;
      for (int64_t j = 0; j < d.D; j += LANES) store(to + j, load(head + j, d.D - j), d.D - j);
    };
    each_head<T>(d, d.k, d.k_bias, d.k_norm, true, row, d.KV, [&](int64_t h, const float* head) { put(d.own_k, h, head); });
    each_head<T>(d, d.v, d.v_bias, nullptr, false, row, d.KV, [&](int64_t h, const float* head) { put(d.own_v, h, head); });
  }
}

// What a head's queries first … first + count have in common. Prompts' keys and values are read once for all of them.
struct Attending {
  int64_t head, first, count, length, own, stride, width;
  float *scores, *y;  // [tiles of ROWS, stride], [the same, width]

  int64_t rows() const { return (count + ROWS - 1) / ROWS * ROWS; }
};

INLINE Attending attending(const Decode& d, int64_t head, int64_t first, int64_t count, float* buffer) {
  Attending a = {head, first, count, 0, d.t + 1, d.P + d.t + 1, (d.D + PAIR - 1) / PAIR * PAIR, buffer, nullptr};
  a.y = buffer + a.rows() * a.stride;
  return a;
}

int64_t attend_room(const Decode& d, int64_t count) {
  const Attending a = attending(d, 0, 0, count, nullptr);
  return a.rows() * (a.stride + a.width);
}

INLINE const float* query_of(const Decode& d, const Attending& a, int64_t r) {
  return d.queries + (a.head * d.G * d.R + a.first + smaller(r, a.count - 1)) * d.D;
}

// scores[r][j] = Σ_d q[r][d] · k[d][j] for a pair of vectors of keys and a tile of rows.
template <class T, bool is_first>
INLINE void tile_of_scores(const Decode& d, const Attending& a, const T* k, int64_t j, int64_t row) {
  const float* q[ROWS];
  for (int r = 0; r < ROWS; r++) q[r] = query_of(d, a, row + r);
  Vec total[ROWS][2] = {};
  for (int64_t i = 0; i < d.D; i++) {
    Vec k0, k1;
    load_pair(k + i * d.P + j, d.P - j, k0, k1);
    if (is_first) __builtin_prefetch(k + i * d.P + j + AHEAD);
    for (int r = 0; r < ROWS; r++) {
      total[r][0] += q[r][i] * k0;
      total[r][1] += q[r][i] * k1;
    }
  }
  for (int r = 0; r < ROWS; r++) {
    float* to = a.scores + (row + r) * a.stride + j;
    unpair(k, total[r][0], total[r][1]);
    store(to, total[r][0], a.length - j);
    if (a.length - j > LANES) store(to + LANES, total[r][1], a.length - j - LANES);
  }
}

template <class T>
INLINE void prompt_scores(const Decode& d, const Attending& a) {
  const T* k = static_cast<const T*>(d.prompt_k) + a.head * d.D * d.P;
  for (int64_t j = 0; j < a.length; j += PAIR) {
    tile_of_scores<T, true>(d, a, k, j, 0);
    for (int64_t row = ROWS; row < a.count; row += ROWS) tile_of_scores<T, false>(d, a, k, j, row);
  }
}

// y[r][i] += Σ_j p[r][j] · v[j][i] for keys begin … end, a pair of vectors of columns, and a tile of rows.
template <class T>
INLINE void tile_of_values(const Decode& d, const Attending& a, const T* v, int64_t begin, int64_t end, int64_t column,
                           int64_t row) {
  const float* p = a.scores + row * a.stride;
  float* y = a.y + row * a.width + column;
  Vec total[ROWS][2] = {};
  if (begin > 0)
    for (int r = 0; r < ROWS; r++) load_pair(y + r * a.width, total[r][0], total[r][1]);
  for (int64_t j = begin; j < end; j++) {
    Vec v0, v1;
    load_pair(v + j * d.D + column, d.D - column, v0, v1);
    for (int r = 0; r < ROWS; r++) {
      const float weight = p[r * a.stride + j];
      total[r][0] += weight * v0;
      total[r][1] += weight * v1;
    }
  }
  for (int r = 0; r < ROWS; r++) {
    store(y + r * a.width, total[r][0]);
    store(y + r * a.width + LANES, total[r][1]);
  }
}

template <class T>
INLINE void prompt_values(const Decode& d, const Attending& a) {
  const T* v = static_cast<const T*>(d.prompt_v) + a.head * d.P * d.D;
  if (a.length == 0) fill(a.y, a.y + a.rows() * a.width, 0.0f);
  for (int64_t begin = 0; begin < a.length; begin += KEYS)
    for (int64_t column = 0; column < d.D; column += PAIR)
      for (int64_t row = 0; row < a.count; row += ROWS)
        tile_of_values(d, a, v, begin, smaller(begin + KEYS, a.length), column, row);
  for (int64_t row = 0; row < a.count; row++)
    for (int64_t column = 0; column < d.D; column += PAIR) {
      float* y = a.y + row * a.width + column;
      Vec low = load(y), high = load(y + LANES);
      unpair(v, low, high);
      store(y, low);
      store(y + LANES, high);
    }
}

// exp(score − largest) in place; returns one over their sum.
INLINE float weights_of(float* scores, int64_t count) {
  Vec best = splat(-3.0e38f);
  int64_t j = 0;
  for (; j + LANES <= count; j += LANES) best = maximum(best, load(scores + j));
  float shift = largest(best);
  for (; j < count; j++) shift = larger(shift, scores[j]);
  Vec total = {};
  for (j = 0; j < count; j += LANES) {
    Vec weight = exp(load(scores + j, count - j) - shift);
    if (count - j < LANES)
      for (int i = count - j; i < LANES; i++) weight[i] = 0;
    store(scores + j, weight, count - j);
    total += weight;
  }
  return 1.0f / sum(total);
}

template <class T>
INLINE const T* own_rows(const Decode& d, const Attending& a, const void* cache, int64_t r) {
  return static_cast<const T*>(cache) + (a.head * d.G + (a.first + r) / d.R) * d.capacity * d.D;
}

template <class T>
INLINE void own_scores(const Decode& d, const Attending& a, int64_t r) {
  const float* q = query_of(d, a, r);
  const T* k = own_rows<T>(d, a, d.own_k, r);
  for (int64_t s = 0; s < a.own; s++) {
    Vec dot = {};
    for (int64_t j = 0; j < d.D; j += LANES) dot += load(q + j, d.D - j) * load(k + s * d.D + j, d.D - j);
    a.scores[r * a.stride + a.length + s] = sum(dot);
  }
}

template <class T>
INLINE void put_row(const Decode& d, const Attending& a, int64_t r, float factor) {
  const T* v = own_rows<T>(d, a, d.own_v, r);
  const float* p = a.scores + r * a.stride + a.length;
  const int64_t m = a.head / d.KV * d.G + (a.first + r) / d.R, h = a.head % d.KV * d.R + (a.first + r) % d.R;
  T* to = static_cast<T*>(d.y) + (m * d.KV * d.R + h) * d.D;
  for (int64_t j = 0; j < d.D; j += LANES) {
    Vec total = load(a.y + r * a.width + j);
    for (int64_t s = 0; s < a.own; s++) total += p[s] * load(v + s * d.D + j, d.D - j);
    store(to + j, total * factor, d.D - j);
  }
}

template <class T>
void attend(const Decode& d, int64_t head, int64_t first, int64_t count, float* buffer) {
  Attending a = attending(d, head, first, count, buffer);
  a.length = d.lengths[head / d.KV];
  prompt_scores<T>(d, a);
  // The rows that fill a tile up are copies of the last one; only what is ours is looked at.
  float factors[MANY_QUERIES];
  for (int64_t r = 0; r < count; r++) {
    own_scores<T>(d, a, r);
    factors[r] = weights_of(a.scores + r * a.stride, a.length + a.own);
  }
  for (int64_t r = count; r < a.rows(); r++) fill(a.scores + r * a.stride, a.scores + r * a.stride + a.length, 0.0f);
  prompt_values<T>(d, a);
  for (int64_t r = 0; r < count; r++) put_row<T>(d, a, r, factors[r]);
}

}  // namespace
