// Attention of one more token of each completion: bias, rotary embedding, cache and softmax in one pass.
#include <algorithm>
#include <memory>

#include "decode_layer.h"
#include "op.h"
#include "parallel.h"
#include "rotate.h"

namespace {

// Query rows that are attended together: each key that is loaded serves all of them.
constexpr int ROWS = 8;
// Keys of a column that are asked for early.
constexpr int AHEAD = 4 * LANES;

// heads · D numbers of a row, with bias and rotation, given one head at a time to `take(head, values)`.
template <class T, class Take>
INLINE void each_head(const Decode& d, const void* x, const float* bias, bool rotated, int64_t row, int64_t heads,
                      const Take& take) {
  float head[MAX_HEAD];
  for (int64_t h = 0; h < heads; h++) {
    const T* from = static_cast<const T*>(x) + (row * heads + h) * d.D;
    for (int64_t j = 0; j < d.D; j += LANES) {
      Vec value = load(from + j, d.D - j);
      if (bias != nullptr) value += load(bias + h * d.D + j, d.D - j);
      store(head + j, value, d.D - j);
    }
    if (rotated) rotate(head, d.cos + row * d.D, d.sin + row * d.D, d.D, 1);
    take(h, head);
  }
}

// Queries into `queries`, keys and values into place t of the caches.
template <class T>
INLINE void enter_rows(const Decode& d) {
  for (int64_t row = 0; row < d.M; row++) {
    const int64_t b = row / d.G, g = row % d.G;
    each_head<T>(d, d.q, d.q_bias, true, row, d.KV * d.R, [&](int64_t h, const float* head) {
      const int64_t kv = h / d.R, r = h % d.R;
      float* to = d.queries + ((b * d.KV + kv) * d.G * d.R + g * d.R + r) * d.D;
      for (int64_t j = 0; j < d.D; j += LANES) store(to + j, load(head + j, d.D - j) * d.scale, d.D - j);
    });
    const auto enter = [&](void* cache, int64_t kv, const float* head) {
      T* to = static_cast<T*>(cache) + (((b * d.KV + kv) * d.G + g) * d.capacity + d.t) * d.D;
      for (int64_t j = 0; j < d.D; j += LANES) store(to + j, load(head + j, d.D - j), d.D - j);
    };
    each_head<T>(d, d.k, d.k_bias, true, row, d.KV, [&](int64_t h, const float* head) { enter(d.own_k, h, head); });
    each_head<T>(d, d.v, d.v_bias, false, row, d.KV, [&](int64_t h, const float* head) { enter(d.own_v, h, head); });
  }
}
CLONES void enter_of(float, const Decode& d) { enter_rows<float>(d); }
CLONES void enter_of(bfloat16, const Decode& d) { enter_rows<bfloat16>(d); }

// scores[r][j] = Σ_d q[r][d] · k[d][j] for the first `length` keys.
template <class T>
INLINE void prompt_scores(const Decode& d, const T* k, const float* const* q, float* scores, int64_t stride,
                          int64_t length) {
  for (int64_t j = 0; j < length; j += 2 * LANES) {
    Vec total[ROWS][2] = {};
    for (int64_t i = 0; i < d.D; i++) {
      Vec k0, k1;
      load_pair(k + i * d.P + j, d.P - j, k0, k1);
      __builtin_prefetch(k + i * d.P + j + AHEAD);
      for (int r = 0; r < ROWS; r++) {
        total[r][0] += q[r][i] * k0;
        total[r][1] += q[r][i] * k1;
      }
    }
    for (int r = 0; r < ROWS; r++) {
      unpair(k, total[r][0], total[r][1]);
      store(scores + r * stride + j, total[r][0], length - j);
      if (length - j > LANES) store(scores + r * stride + j + LANES, total[r][1], length - j - LANES);
    }
  }
}

// y[r][i] = Σ_j p[r][j] · v[j][i] for the 32 columns i of v's rows that begin at `left` before their end.
template <class T>
INLINE void weighted_values(const T* v, int64_t width, int64_t left, const float* p, int64_t stride, int64_t length,
                            float* y) {
  Vec total[ROWS][2] = {};
  for (int64_t j = 0; j < length; j++) {
    Vec v0, v1;
    load_pair(v + j * width, left, v0, v1);
    for (int r = 0; r < ROWS; r++) {
      const float weight = p[r * stride + j];
      total[r][0] += weight * v0;
      total[r][1] += weight * v1;
    }
  }
  for (int r = 0; r < ROWS; r++) {
    unpair(v, total[r][0], total[r][1]);
    store(y + r * width, total[r][0], left);
    if (left > LANES) store(y + r * width + LANES, total[r][1], left - LANES);
  }
}

template <class T>
INLINE void attend_some(const Decode& d, int64_t task, float* buffer) {
  const int64_t queries = d.G * d.R, pieces = (queries + ROWS - 1) / ROWS;
  const int64_t head = task / pieces, first = task % pieces * ROWS, count = std::min<int64_t>(ROWS, queries - first);
  const int64_t b = head / d.KV, kv = head % d.KV, length = d.lengths[b], own = d.t + 1, stride = d.P + own;
  float *scores = buffer, *y = buffer + ROWS * stride;
  const float* q[ROWS];
  for (int r = 0; r < ROWS; r++) q[r] = d.queries + (head * queries + first + std::min<int64_t>(r, count - 1)) * d.D;
  prompt_scores(d, static_cast<const T*>(d.prompt_k) + head * d.D * d.P, q, scores, stride, length);

  const auto own_row = [&](const void* cache, int64_t r) {
    return static_cast<const T*>(cache) + (head * d.G + (first + r) / d.R) * d.capacity * d.D;
  };
  float factors[ROWS];
  for (int64_t r = 0; r < count; r++) {
    float* row = scores + r * stride;
    const T* k = own_row(d.own_k, r);
    for (int64_t s = 0; s < own; s++) {
      Vec dot = {};
      for (int64_t j = 0; j < d.D; j += LANES) dot += load(q[r] + j, d.D - j) * load(k + s * d.D + j, d.D - j);
      row[length + s] = sum(dot);
    }
    const int64_t seen = length + own;
    Vec best = splat(-3.0e38f);
    for (int64_t j = 0; j < seen; j += LANES)
      best = maximum(best, j + LANES <= seen ? load(row + j) : splat(*std::max_element(row + j, row + seen)));
    const float shift = largest(best);
    Vec total = {};
    for (int64_t j = 0; j < seen; j += LANES) {
      Vec weight = exp(load(row + j, seen - j) - shift);
      if (seen - j < LANES)
        for (int i = seen - j; i < LANES; i++) weight[i] = 0;
      store(row + j, weight, seen - j);
      total += weight;
    }
    factors[r] = 1.0f / sum(total);
  }
  for (int64_t r = count; r < ROWS; r++) std::fill(scores + r * stride, scores + r * stride + length, 0.0f);

  const T* v = static_cast<const T*>(d.prompt_v) + head * d.P * d.D;
  for (int64_t column = 0; column < d.D; column += 2 * LANES)
    weighted_values(v + column, d.D, d.D - column, scores, stride, length, y + column);
  for (int64_t r = 0; r < count; r++) {
    const T* own_v = own_row(d.own_v, r);
    const int64_t m = b * d.G + (first + r) / d.R, h = kv * d.R + (first + r) % d.R;
    T* to = static_cast<T*>(d.y) + (m * d.KV * d.R + h) * d.D;
    for (int64_t j = 0; j < d.D; j += LANES) {
      Vec total = load(y + r * d.D + j, d.D - j);
      for (int64_t s = 0; s < own; s++)
        total += scores[r * stride + length + s] * load(own_v + s * d.D + j, d.D - j);
      store(to + j, total * factors[r], d.D - j);
    }
  }
}
CLONES void attend_of(float, const Decode& d, int64_t task, float* buffer) { attend_some<float>(d, task, buffer); }
CLONES void attend_of(bfloat16, const Decode& d, int64_t task, float* buffer) {
  attend_some<bfloat16>(d, task, buffer);
}

template <class T>
void run_attention(Decode d) {
  std::vector<float> queries(d.M * d.KV * d.R * d.D);
  d.queries = queries.data();
  enter_of(T{}, d);
  const int64_t pieces = (d.G * d.R + ROWS - 1) / ROWS, tasks = d.M / d.G * d.KV * pieces;
  parallel_for(tasks, 1, [&](int64_t begin, int64_t end) {
    std::unique_ptr<float[]> buffer(new float[ROWS * (d.P + d.t + 1 + d.D)]);
    for (int64_t task = begin; task < end; task++) attend_of(T{}, d, task, buffer.get());
  });
}

}  // namespace

void run_decode_attention(float, const Decode& d) { run_attention<float>(d); }
void run_decode_attention(bfloat16, const Decode& d) { run_attention<bfloat16>(d); }

Decode decode_of(Context& context, int64_t M, int biases, int rotary, int scale) {
  enum { SCALE, PROMPT_K, PROMPT_V, OWN_K, OWN_V, LENGTHS, OPTIONS };
  Numbers options = context.numbers(scale + OPTIONS);
  Decode d = {};
  d.M = M, d.KV = options.next(1), d.R = options.next(1), d.G = options.next(1), d.t = options.next();
  options.end();
  const int64_t B = M / d.G, groups = times({B, d.KV});
  check(B * d.G == M, "the rows are not whole groups of completions");

  const Array& prompt_v = context.input(scale + PROMPT_V, {groups, ANY, SOME});
  d.P = prompt_v.shape[1], d.D = prompt_v.shape[2];
  check(d.D <= MAX_HEAD && d.D % 2 == 0, "heads of more than 1024 or an odd number of dimensions");
  d.prompt_k = context.input(scale + PROMPT_K, {groups, d.D, d.P}).as<void>(), d.prompt_v = prompt_v.as<void>();
  const Array& own_k = context.input(scale + OWN_K, {times({groups, d.G}), ANY, d.D});
  d.own_k = own_k.as<void>(), d.own_v = context.input(scale + OWN_V, own_k.shape).as<void>();
  d.capacity = own_k.shape[1];
  check(d.t < d.capacity, "the cache of the completions is full");
  const Array& lengths = context.input(scale + LENGTHS, {B});
  d.lengths = lengths.as<int32_t>();
  for (int64_t b = 0; b < B; b++)
    check(d.lengths[b] >= 0 && d.lengths[b] <= d.P, "lengths has more keys than the prompts");

  const int64_t keys = times({d.KV, d.D}), heads = times({keys, d.R});
  d.q_bias = context.optional(biases, {heads}).as<float>();
  d.k_bias = context.optional(biases + 1, {keys}).as<float>();
  d.v_bias = context.optional(biases + 2, {keys}).as<float>();
  d.cos = context.input(rotary, {M, d.D}).as<float>(), d.sin = context.input(rotary + 1, {M, d.D}).as<float>();
  d.scale = context.scalar(scale);
  return d;
}

namespace {

enum { Q, K, V, Q_BIAS, COS = 6, SCALE = 8 };

template <class T>
void decode_attention(Context& context) {
  const int64_t M = context.input(Q, {ANY, ANY}).shape[0];
  Decode d = decode_of(context, M, Q_BIAS, COS, SCALE);
  const int64_t keys = d.KV * d.D, heads = keys * d.R;
  d.q = context.input(Q, {M, heads}).as<void>();
  d.k = context.input(K, {M, keys}).as<void>(), d.v = context.input(V, {M, keys}).as<void>();
  d.y = context.output<T>(0, {M, heads}).template as<void>();
  run_decode_attention(T{}, d);
}

}  // namespace

void register_decode() {
  register_op<decode_attention<float>, decode_attention<bfloat16>>(
      {"VauDecodeAttention",
       {},
       {"q: T", "k: T", "v: T", "q_bias: float", "k_bias: float", "v_bias: float", "cos: float", "sin: float",
        "scale: float", "prompt_k: T", "prompt_v: T", "own_k: T", "own_v: T", "lengths: int32", "options: int32"},
       {"y: T"}});
}
