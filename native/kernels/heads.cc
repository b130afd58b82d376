// Rows by token to matrices by head and back, with what happens on the way: bias, rotary embedding, scale, sums.
#include <algorithm>

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
  Numbers options = context.numbers(5);
  const int64_t start = options.next(), column = options.next(), B = options.next(), tokens = options.next(),
                KV = options.next(1), R = options.next(1), D = options.next(1, MAX_HEAD);
  options.end();
  const Array& x = context.input(0, {ANY, SOME});
  const int64_t N = x.shape[0], width = x.shape[1];
  check(times({B, tokens}) <= N - start, "x has fewer rows than options asks for");
  check(times({KV, R, D}) <= width - column, "x has fewer columns than options asks for");
  const Array &bias = context.optional(1, {width}), &cos = context.optional(2, {N, D});
  const Array& sin = context.input(3, cos.shape);
  check(cos.size == 0 || D % 2 == 0, "heads of an odd number of dimensions cannot be rotated");
  const float scale = context.scalar(4);
  const Array& y = context.output<T>(0, {times({B, KV}), times({tokens, R}), D});
  const ToHeads job = {x.as<void>(), bias.as<float>(), cos.as<float>(), sin.as<float>(), y.as<void>(), scale, width,
                       start,        column,           tokens,          KV,              R,            D};
  parallel_for(B * tokens, 1 + 8192 / (KV * R * D), [&](int64_t b, int64_t e) { to_heads_of(T{}, job, b, e); });
}

// A matrix `[B · KV, length · R, D]` of a segment of rows: tokens offset … offset + length of each of its B sequences.
struct Part {
  const void* x;
  int64_t offset, length, column, KV, R;
};

// From row `start` on: sequences of T tokens.
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
  Numbers options = context.numbers(3);
  const int64_t rows = options.next(), width = options.next(1), D = options.next(1, MAX_HEAD);
  const int64_t rotated = options.next(0, width), scaled = options.next(0, width);
  const Array& cos = context.optional(0, {rows, D});
  const Array& sin = context.input(1, cos.shape);
  check(rotated == 0 || (cos.size > 0 && rotated % D == 0 && D % 2 == 0), "these columns cannot be rotated by heads");
  const float scale = context.scalar(2);
  std::vector<Segment> segments(options.next(1, 1 + context.inputs()));
  int next = 4;
  int64_t start = 0;
  for (Segment& segment : segments) {
    const int64_t end = options.next(start, rows);
    segment.start = start;
    segment.T = options.next(1);
    const int64_t B = (end - start) / segment.T;
    check(B * segment.T == end - start, "a segment does not have whole sequences");
    start = end;
    segment.parts.resize(options.next(1, context.inputs()));
    int64_t last = 0;
    for (Part& part : segment.parts) {
      part.offset = options.next(0, segment.T);
      part.column = options.next(0, width);
      part.KV = options.next(1);
      part.R = options.next(1);
      const int64_t columns = times({part.KV, part.R, D});
      check(columns <= width - part.column, "a part goes beyond the last column");
      last = std::max(last, part.column + columns);
      check(next < context.inputs(), "options has more parts than there are");
      const Array& x = context.input(next++, {times({B, part.KV}), SOME, D});
      part.x = x.as<void>();
      part.length = x.shape[1] / part.R;
      check(part.length * part.R == x.shape[1] && part.offset + part.length <= segment.T,
            "a part does not have the rows of some tokens");
    }
    check(last == width, "the parts do not reach the last column");
  }
  options.end();
  check(start == rows, "the segments do not cover all rows");
  check(next == context.inputs(), "options has fewer parts than there are");
  const Array& y = context.output<T>(0, {rows, width});
  const FromHeads job = {segments.data(), static_cast<int64_t>(segments.size()), cos.as<float>(), sin.as<float>(),
                         y.as<void>(), scale, width, D, rotated, scaled};
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
