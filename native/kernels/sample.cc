// Drawing a token from each row of logits, by inverting the cumulative distribution.
#include <algorithm>
#include <cmath>

#include "op.h"
#include "parallel.h"

namespace {

struct Draw {
  const void* logits;
  const float* uniforms;
  const int32_t* forbidden;
  int64_t count, V;  // of forbidden tokens, of the vocabulary
  float scale;
  int32_t* tokens;
  float* logprobs;
};

template <class T>
INLINE Vec weights(const T* z, int64_t j, int64_t V, float scale, float shift) {
  Vec weight = exp(load(z + j, V - j) * scale - shift);
  for (int64_t i = V - j; i < LANES; i++) weight[i] = 0;
  return weight;
}

template <class T>
INLINE void draw_row(const Draw& d, int64_t row, float* p) {
  const T* z = static_cast<const T*>(d.logits) + row * d.V;
  Vec best = splat(-INFINITY);
  for (int64_t j = 0; j < d.V; j += LANES) {
    Vec value = load(z + j, d.V - j) * d.scale;
    for (int64_t i = d.V - j; i < LANES; i++) value[i] = -INFINITY;
    best = maximum(best, value);
  }
  const float shift = largest(best);
  Vec all = {};
  for (int64_t j = 0; j < d.V; j += LANES) {
    const Vec weight = weights(z, j, d.V, d.scale, shift);
    store(p + j, weight, d.V - j);
    all += weight;
  }
  for (int64_t i = 0; i < d.count; i++) p[d.forbidden[i]] = 0;
  double total = 0;
  for (int64_t j = 0; j < d.V; j += LANES) total += sum(load(p + j, d.V - j));
  const double threshold = d.uniforms[row] * total;
  double before = 0;
  int64_t token = -1;
  for (int64_t j = 0; j < d.V; j += LANES) {
    const double here = sum(load(p + j, d.V - j));
    if (before + here > threshold) {
      for (int64_t i = j; i < std::min(d.V, j + LANES); i++) {
        if (p[i] > 0) token = i;
        before += p[i];
        if (before > threshold) break;
      }
      break;
    }
    before += here;
  }
  // Rounding can leave the threshold at the very end, and NaN compares with nothing: the last token that has a chance.
  for (int64_t i = d.V - 1; token < 0 && i >= 0; i--)
    if (p[i] > 0 || i == 0) token = i;
  d.tokens[row] = static_cast<int32_t>(token);
  d.logprobs[row] = load(z + token, 1)[0] * d.scale - shift - std::log(sum(all));
}
CLONES void draw_row_of(float, const Draw& d, int64_t row, float* buffer) { draw_row<float>(d, row, buffer); }
CLONES void draw_row_of(bfloat16, const Draw& d, int64_t row, float* buffer) { draw_row<bfloat16>(d, row, buffer); }

template <class T>
void draw(Context& context) {
  const Array& logits = context.input(0, {ANY, SOME});
  const int64_t M = logits.shape[0], V = logits.shape[1];
  const Array& uniforms = context.input(1, {M});
  const float scale = context.scalar(2);
  const Array& forbidden = context.input(3, {ANY});
  const Array &tokens = context.output<int32_t>(0, {M}), &logprobs = context.output<float>(1, {M});
  const Draw job = {logits.as<void>(), uniforms.as<float>(), forbidden.as<int32_t>(), forbidden.size, V,
                    scale,             tokens.as<int32_t>(), logprobs.as<float>()};
  for (int64_t i = 0; i < forbidden.size; i++)
    check(job.forbidden[i] >= 0 && job.forbidden[i] < V, "forbidden has a token that is not in the vocabulary");
  parallel_for(M, 1 + 16384 / V, [&](int64_t begin, int64_t end) {
    std::vector<float> buffer(V);
    for (int64_t row = begin; row < end; row++) draw_row_of(T{}, job, row, buffer.data());
  });
}

}  // namespace

void register_sample() {
  register_op<draw<float>, draw<bfloat16>>({"VauDraw",
                                            {},
                                            {"logits: T", "uniforms: float", "scale: float", "forbidden: int32"},
                                            {"tokens: int32", "logprobs: float"}});
}
