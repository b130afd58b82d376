// Rows by token to matrices by head and back, with what happens on the way: bias, rotary embedding, scale, sums.
#include "op.h"
#include "parallel.h"
#include "rotate.h"

namespace {

struct ToHeads {
  const void* x;
  const float *bias, *cos, *sin;
  void* y;
  float scale;
  int64_t width, start, column, T, KV, R, D;
};

// Rows start … start + B · T of x `[N, width]` → y `[B · KV, T · R, D]`.
template <class T>
INLINE void to_heads_rows(const ToHeads& h, int64_t begin, int64_t end) {
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
CLONES void to_heads_of(float, const ToHeads& h, int64_t b, int64_t e) { to_heads_rows<float>(h, b, e); }
CLONES void to_heads_of(bfloat16, const ToHeads& h, int64_t b, int64_t e) { to_heads_rows<bfloat16>(h, b, e); }

template <class T>
void to_heads(Context& context) {
  Array x = context.input(0), bias = context.input(1), cos = context.input(2), sin = context.input(3),
        scale = context.input(4), options = context.input(5);
  Numbers n(options);
  const int64_t start = n.next(), column = n.next(), B = n.next(), tokens = n.next(), KV = n.next(), R = n.next(),
                D = n.next();
  if (D > MAX_HEAD) throw std::runtime_error("heads of more than 1024 dimensions");
  Array y = context.output<T>(0, {B * KV, tokens * R, D});
  const ToHeads job = {x.as<void>(),     bias.as<float>(), cos.as<float>(), sin.as<float>(), y.template as<void>(),
                       *scale.as<float>(), x.shape[1],       start,           column,          tokens,
                       KV,               R,                D};
  parallel_for(B * tokens, 1 + 8192 / (KV * R * D), [&](int64_t b, int64_t e) { to_heads_of(T{}, job, b, e); });
}

// A matrix `[B · KV, length · R, D]` of a segment of rows: tokens offset … offset + length of each of its B sequences.
struct Part {
  const void* x;
  int64_t offset, length, column, KV, R;
};

// Rows of B sequences of T tokens.
struct Segment {
  int64_t start, T;
  std::vector<Part> parts;
};

struct FromHeads {
  const Segment* segments;
  int64_t count;
  const float *cos, *sin;
  void* y;
  float scale;
  int64_t width, D, rotated, scaled;
};

// y[row, column] = Σ parts there; then the rotation turned back in the first columns, and a scale in the first columns.
template <class T>
INLINE void from_heads_rows(const FromHeads& h, int64_t begin, int64_t end, float* sums) {
  const Segment* segment = h.segments;
  for (int64_t row = begin; row < end; row++) {
    while (segment + 1 < h.segments + h.count && row >= segment[1].start) segment++;
    const int64_t b = (row - segment->start) / segment->T, t = (row - segment->start) % segment->T;
    for (int64_t j = 0; j < h.width; j += LANES) store(sums + j, Vec{}, h.width - j);
    for (const Part& part : segment->parts) {
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
CLONES void from_heads_of(float, const FromHeads& h, int64_t b, int64_t e, float* s) {
  from_heads_rows<float>(h, b, e, s);
}
CLONES void from_heads_of(bfloat16, const FromHeads& h, int64_t b, int64_t e, float* s) {
  from_heads_rows<bfloat16>(h, b, e, s);
}

template <class T>
void from_heads(Context& context) {
  Array cos = context.input(0), sin = context.input(1), scale = context.input(2), options = context.input(3);
  std::vector<Array> inputs;
  for (int i = 4; i < context.inputs(); i++) inputs.push_back(context.input(i));
  Numbers n(options);
  const int64_t rows = n.next(), width = n.next(), D = n.next(), rotated = n.next(), scaled = n.next();
  std::vector<Segment> segments(n.next());
  size_t next = 0;
  for (Segment& segment : segments) {
    segment.start = n.next();
    segment.T = n.next();
    segment.parts.resize(n.next());
    for (Part& part : segment.parts) {
      const Array& x = inputs[next++];
      part = {x.as<void>(), n.next(), 0, 0, 0, 0};
      part.column = n.next();
      part.KV = n.next();
      part.R = n.next();
      part.length = x.shape[1] / part.R;
    }
  }
  Array y = context.output<T>(0, {rows, width});
  const FromHeads job = {segments.data(), static_cast<int64_t>(segments.size()), cos.as<float>(), sin.as<float>(),
                         y.template as<void>(), *scale.as<float>(), width, D, rotated, scaled};
  parallel_for(rows, 1 + 8192 / width, [&](int64_t b, int64_t e) {
    std::vector<float> sums(width);
    from_heads_of(T{}, job, b, e, sums.data());
  });
}

}  // namespace

void register_heads() {
  register_op<to_heads<float>, to_heads<bfloat16>>(
      {"VauToHeads",
       {},
       {"x: T", "bias: float", "cos: float", "sin: float", "scale: float", "options: int32"},
       {"y: T"}});
  register_op<from_heads<float>, from_heads<bfloat16>>(
      {"VauFromHeads",
       {"N: int"},
       {"cos: float", "sin: float", "scale: float", "options: int32", "parts: N * T"},
       {"y: T"}});
}
