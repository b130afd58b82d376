// RMS and layer norm with the addition before them, and their gradients.
#include <cmath>

#include "decode_layer.h"
#include "op.h"
#include "parallel.h"

namespace {

template <class T>
INLINE void norm_rows(const Norm& n, int64_t begin, int64_t end) {
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
    const float rstd = 1.0f / std::sqrt(sum(squares) * scale + n.epsilon);
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

}  // namespace

CLONES void norm_rows_of(float, const Norm& n, int64_t b, int64_t e) { norm_rows<float>(n, b, e); }
CLONES void norm_rows_of(bfloat16, const Norm& n, int64_t b, int64_t e) { norm_rows<bfloat16>(n, b, e); }

namespace {

template <class T>
void norm(Context& context) {
  const Array& x = context.input(0, {ANY, SOME});
  const int64_t rows = x.shape[0], width = x.shape[1];
  const Array &delta = context.optional(1, x.shape), &bias = context.optional(2, {width}),
              &weight = context.input(3, {width}), &shift = context.optional(4, {width});
  const float epsilon = context.scalar(5);
  Numbers options = context.numbers(6);
  const bool centered = options.flag();
  options.end();
  const Array& sum = context.output<float>(0, delta.size > 0 ? x.shape : Shape{0});
  const Array& y = context.output<T>(1, x.shape);
  const Array& stats = context.output<float>(2, {rows, 2});
  const Norm job = {x.as<float>(),   bias.as<float>(), weight.as<float>(), shift.as<float>(), delta.as<void>(),
                    sum.as<float>(), y.as<void>(),     stats.as<float>(),  width,             epsilon,
                    centered};
  parallel_for(rows, 1 + 16384 / width, [&](int64_t b, int64_t e) { norm_rows_of(T{}, job, b, e); });
}

struct NormGradient {
  const void* const* dys;
  int64_t count;
  const float *x, *stats, *weight, *residual;
  float* dx;
  void* dx_cast;
  float *d_weight, *d_shift;
  int64_t rows, width;
  bool centered;
};

template <class T>
INLINE Vec total_dy(const NormGradient& n, int64_t at, int64_t left) {
  Vec dy = load(static_cast<const T*>(n.dys[0]) + at, left);
  for (int64_t i = 1; i < n.count; i++) dy += load(static_cast<const T*>(n.dys[i]) + at, left);
  return dy;
}

// dx = rstd · (g − mean(g) − x̂ · mean(g x̂)) with g = dy · w; without mean(g) where rows are not centred.
template <class T>
INLINE void norm_gradient_rows(const NormGradient& n, int64_t begin, int64_t end) {
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
INLINE void norm_gradient_columns(const NormGradient& n, int64_t begin, int64_t end) {
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

CLONES void gradient_rows(float, const NormGradient& n, int64_t b, int64_t e) { norm_gradient_rows<float>(n, b, e); }
CLONES void gradient_rows(bfloat16, const NormGradient& n, int64_t b, int64_t e) {
  norm_gradient_rows<bfloat16>(n, b, e);
}
CLONES void gradient_columns(float, const NormGradient& n, int64_t b, int64_t e) {
  norm_gradient_columns<float>(n, b, e);
}
CLONES void gradient_columns(bfloat16, const NormGradient& n, int64_t b, int64_t e) {
  norm_gradient_columns<bfloat16>(n, b, e);
}

template <class T>
void norm_gradient(Context& context) {
  const Array& x = context.input(0, {ANY, SOME});
  const int64_t rows = x.shape[0], width = x.shape[1];
  const Array &stats = context.input(1, {rows, 2}), &weight = context.input(2, {width}),
              &residual = context.optional(3, x.shape);
  Numbers options = context.numbers(4);
  const bool centered = options.flag(), wants_weight = options.flag();
  options.end();
  std::vector<const void*> dys;
  for (int i = 5; i < context.inputs(); i++) dys.push_back(context.input(i, x.shape).as<void>());
  check(!dys.empty(), "dys is an empty list");
  const bool is_narrow = sizeof(T) != sizeof(float);
  const Shape none = {0};
  const Array& dx = context.output<float>(0, x.shape);
  const Array& dx_cast = context.output<T>(1, is_narrow ? x.shape : none);
  const Array& d_weight = context.output<float>(2, wants_weight ? Shape{width} : none);
  const Array& d_shift = context.output<float>(3, wants_weight && centered ? Shape{width} : none);
  const NormGradient job = {dys.data(),          static_cast<int64_t>(dys.size()), x.as<float>(), stats.as<float>(),
                            weight.as<float>(),  residual.as<float>(),             dx.as<float>(), dx_cast.as<void>(),
                            d_weight.as<float>(), d_shift.as<float>(),             rows,           width,
                            centered};
  parallel_for(rows, 1 + 8192 / width, [&](int64_t b, int64_t e) { gradient_rows(T{}, job, b, e); });
  if (wants_weight) parallel_for(width, 4 * LANES, [&](int64_t b, int64_t e) { gradient_columns(T{}, job, b, e); });
}

}  // namespace

void register_norm() {
  register_op<norm<float>, norm<bfloat16>>(
      {"VauNorm",
       {},
       {"x: float", "delta: T", "bias: float", "weight: float", "shift: float", "epsilon: float", "options: int32"},
       {"sum: float", "y: T", "stats: float"}});
  register_op<norm_gradient<float>, norm_gradient<bfloat16>>(
      {"VauNormGradient",
       {"N: int"},
       {"x: float", "stats: float", "weight: float", "residual: float", "options: int32", "dys: N * T"},
       {"dx: float", "dx_cast: T", "d_weight: float", "d_shift: float"}});
}
