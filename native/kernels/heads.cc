// Rows by token to matrices by head and back, with what happens on the way: bias, rotary embedding, scale, sums.
#include <algorithm>

#include "op.h"
#include "parallel.h"

namespace {

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
  const ToHeads job = {x.as<void>(),
                       bias.as<float>(),
                       cos.as<float>(),
                       sin.as<float>(),
                       y.as<void>(),
                       scale,
                       width,
                       start,
                       column,
                       tokens,
                       KV,
                       R,
                       D};
  parallel_for(B * tokens, 1 + 8192 / (KV * R * D), [&](int64_t b, int64_t e) { work<T>().to_heads(job, b, e); });
}

// Of the parts among the inputs.
constexpr int FIRST = 4;

template <class T>
void from_heads(Context& context) {
  Numbers options = context.numbers(3);
  const int64_t rows = options.next(), width = options.next(1), D = options.next(1, MAX_HEAD);
  const int64_t rotated = options.next(0, width), scaled = options.next(0, width);
  const Array& cos = context.optional(0, {rows, D});
  const Array& sin = context.input(1, cos.shape);
  check(rotated == 0 || (cos.size > 0 && rotated % D == 0 && D % 2 == 0), "these columns cannot be rotated by heads");
  const float scale = context.scalar(2);
  // Both are read by their places, so they must not grow.
  std::vector<Segment> segments(options.next(1, 1 + context.inputs()));
  std::vector<Part> parts(context.inputs() - FIRST);
  Part* part = parts.data();
  int64_t start = 0;
  for (Segment& segment : segments) {
    const int64_t end = options.next(start, rows), length = options.next(1), B = (end - start) / length;
    check(B * length == end - start, "a segment does not have whole sequences");
    const int64_t count = options.next(1);
    check(count <= parts.data() + parts.size() - part, "options has more parts than there are");
    segment = {part, part + count, start, length};
    start = end;
    int64_t last = 0;
    for (; part < segment.end; part++) {
      part->offset = options.next(0, length);
      part->column = options.next(0, width);
      part->KV = options.next(1);
      part->R = options.next(1);
      const int64_t columns = times({part->KV, part->R, D});
      check(columns <= width - part->column, "a part goes beyond the last column");
      last = std::max(last, part->column + columns);
      const int index = FIRST + static_cast<int>(part - parts.data());
      const Array& x = context.input(index, {times({B, part->KV}), SOME, D});
      part->x = x.as<void>();
      part->length = x.shape[1] / part->R;
      check(part->length * part->R == x.shape[1] && part->offset + part->length <= length,
            "a part does not have the rows of some tokens");
    }
    check(last == width, "the parts do not reach the last column");
  }
  options.end();
  check(start == rows, "the segments do not cover all rows");
  check(part == parts.data() + parts.size(), "options has fewer parts than there are");
  const Array& y = context.output<T>(0, {rows, width});
  const FromHeads job = {segments.data(), static_cast<int64_t>(segments.size()),
                         cos.as<float>(), sin.as<float>(),
                         y.as<void>(),    scale,
                         width,           D,
                         rotated,         scaled};
  parallel_for(rows, 1 + 8192 / width, [&](int64_t b, int64_t e) {
    std::vector<float> sums(width);
    work<T>().from_heads(job, b, e, sums.data());
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
