// Sums of squares, and AdamW in place with the gradient's scale in it.
#include <algorithm>
#include <cmath>

#include "op.h"
#include "parallel.h"

namespace {

constexpr int64_t PIECE = 32768;

template <class T>
INLINE double squares_of(const T* x, int64_t count) {
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += 4096) {
    Vec some = {};
    for (int64_t i = begin; i < std::min(count, begin + 4096); i += LANES) {
      const Vec value = load(x + i, count - i);
      some += value * value;
    }
    total += sum(some);
  }
  return total;
}
CLONES double squares(const float* x, int64_t count) { return squares_of(x, count); }
CLONES double squares(const bfloat16* x, int64_t count) { return squares_of(x, count); }

template <class T>
void squared_norm(Context& context) {
  const Array& x = context.any(0);
  const Array& y = context.output<float>(0, {1});
  std::vector<double> parts((x.size + PIECE - 1) / PIECE);
  const T* from = x.as<const T>();
  parallel_for(x.size, PIECE, [&](int64_t begin, int64_t end) { parts[begin / PIECE] = squares(from + begin, end - begin); });
  double total = 0;
  for (double part : parts) total += part;
  *y.as<float>() = static_cast<float>(total);
}

struct AdamW {
  float *value, *m, *v;
  const void* gradient;
  float beta1, beta2, step_size, epsilon, decay, gradient_scale;
};

// PyTorch's order: decay, moments, update.
template <class T>
INLINE void adamw_some(const AdamW& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += LANES) {
    const int64_t left = end - i;
    const Vec g = load(static_cast<const T*>(a.gradient) + i, left) * a.gradient_scale;
    const Vec m = load(a.m + i, left) * a.beta1 + g * (1 - a.beta1);
    const Vec v = load(a.v + i, left) * a.beta2 + g * g * (1 - a.beta2);
    Vec root;
    for (int j = 0; j < LANES; j++) root[j] = std::sqrt(v[j]);
    store(a.m + i, m, left);
    store(a.v + i, v, left);
    store(a.value + i, load(a.value + i, left) * a.decay - m * a.step_size / (root + a.epsilon), left);
  }
}
CLONES void adamw_of(float, const AdamW& a, int64_t b, int64_t e) { adamw_some<float>(a, b, e); }
CLONES void adamw_of(bfloat16, const AdamW& a, int64_t b, int64_t e) { adamw_some<bfloat16>(a, b, e); }

// The first three are written in place: they are the memory of variables.
template <class T>
void adamw(Context& context) {
  const Array& value = context.any(0);
  const Array &m = context.input(1, value.shape), &v = context.input(2, value.shape),
              &gradient = context.input(3, value.shape);
  float c[6];
  for (int i = 0; i < 6; i++) c[i] = context.scalar(4 + i);
  const AdamW job = {value.as<float>(), m.as<float>(), v.as<float>(), gradient.as<void>(), c[0], c[1], c[2], c[3], c[4], c[5]};
  parallel_for(value.size, PIECE, [&](int64_t b, int64_t e) { adamw_of(T{}, job, b, e); });
  context.output<float>(0, {0});
}

}  // namespace

void register_optimizer() {
  register_op<squared_norm<float>, squared_norm<bfloat16>>({"VauSquaredNorm", {}, {"x: T"}, {"y: float"}});
  register_op<adamw<float>, adamw<bfloat16>>(
      {"VauAdamW",
       {},
       {"value: float", "m: float", "v: float", "gradient: T", "beta1: float", "beta2: float", "step_size: float",
        "epsilon: float", "decay: float", "gradient_scale: float"},
       {"nothing: float"}});
}
