#include "plain.h"

namespace {

// Of a centred norm, or of one without a mean.
struct Moments {
  double mean, rstd;
};

Moments moments_of(const double* x, int64_t width, bool centered, double epsilon) {
  double mean = 0, square = 0;
  for (int64_t j = 0; centered && j < width; j++) mean += x[j] / width;
  for (int64_t j = 0; j < width; j++) square += (x[j] - mean) * (x[j] - mean) / width;
  return {mean, 1 / std::sqrt(square + epsilon)};
}

template <class T>
void check_norm(int64_t width, bool centered) {
  const int64_t rows = 5;
  const float epsilon = 1e-5f;
  const std::vector<float> x = numbers<float>(rows * width), bias = numbers<float>(width), weight = numbers<float>(width),
                           shift = numbers<float>(width), residual = numbers<float>(rows * width);
  const std::vector<T> delta = numbers<T>(rows * width), dy = numbers<T>(rows * width), other = numbers<T>(rows * width);

  std::vector<double> sum(rows * width), y(rows * width), stats(2 * rows);
  std::vector<double> dx(rows * width), d_weight(width), d_shift(width);
  for (int64_t row = 0; row < rows; row++) {
    const int64_t at = row * width;
    for (int64_t j = 0; j < width; j++) sum[at + j] = static_cast<double>(x[at + j]) + value(delta[at + j]) + bias[j];
    const Moments m = moments_of(&sum[at], width, centered, epsilon);
    stats[2 * row] = m.mean, stats[2 * row + 1] = m.rstd;
    double level = 0, slope = 0;
    for (int64_t j = 0; j < width; j++) {
      const double normed = (sum[at + j] - m.mean) * m.rstd, d = value(dy[at + j]) + value(other[at + j]);
      y[at + j] = normed * weight[j] + shift[j];
      d_weight[j] += d * normed;
      d_shift[j] += d;
      level += centered ? d * weight[j] / width : 0;
      slope += d * weight[j] * normed / width;
    }
    for (int64_t j = 0; j < width; j++) {
      const double normed = (sum[at + j] - m.mean) * m.rstd, d = value(dy[at + j]) + value(other[at + j]);
      dx[at + j] = m.rstd * (d * weight[j] - level - normed * slope) + residual[at + j];
    }
  }

  const std::string what = (centered ? "layer norm of " : "RMS norm of ") + std::to_string(width);
  std::vector<float> found_sum = room<float>(rows * width), found_stats = room<float>(2 * rows);
  std::vector<T> found_y = room<T>(rows * width);
  const Norm norm = {x.data(),         bias.data(),    weight.data(),      shift.data(), delta.data(),
                     found_sum.data(), found_y.data(), found_stats.data(), width,        epsilon, centered};
  in_pieces(rows, 1, [&](int64_t begin, int64_t end) { work<T>().norm(norm, begin, end); });
  compare(what + ": sum", found_sum, sum);
  compare(what, found_y, y);
  compare(what + ": statistics", found_stats, stats);

  std::vector<float> found_dx = room<float>(rows * width), found_dw = room<float>(width), found_ds = room<float>(width);
  std::vector<T> cast = room<T>(rows * width);
  const void* dys[] = {dy.data(), other.data()};
  const NormGradient gradient = {dys,         2,           found_sum.data(), found_stats.data(), weight.data(), residual.data(),
                                 found_dx.data(), cast.data(), found_dw.data(), found_ds.data(), rows, width, centered};
  in_pieces(rows, 1, [&](int64_t begin, int64_t end) { work<T>().norm_gradient(gradient, begin, end); });
  in_pieces(width, 16, [&](int64_t begin, int64_t end) { work<T>().norm_gradient_columns(gradient, begin, end); });
  compare(what + ": dx", found_dx, dx);
  compare(what + ": dx, cast", cast, dx);
  compare(what + ": d weight", found_dw, d_weight);
  compare(what + ": d shift", found_ds, d_shift);
}

template <class T>
void check_head_layout(int64_t D) {
  const int64_t B = 2, L = 3, KV = 2, R = 2, first = 1, N = first + B * L, column = D, width = (1 + KV * R) * D;
  const float scale = 0.5f;
  const std::vector<T> x = numbers<T>(N * width);
  const std::vector<float> bias = numbers<float>(width), cos = numbers<float>(N * D), sin = numbers<float>(N * D);
  std::vector<double> heads(B * KV * L * R * D), back(N * width);
  for (int64_t b = 0; b < B; b++)
    for (int64_t t = 0; t < L; t++)
      for (int64_t h = 0; h < KV * R; h++) {
        const int64_t row = first + b * L + t, to = ((b * KV + h / R) * L + t) * R + h % R, at = column + h * D;
        for (int64_t j = 0; j < D; j++) heads[to * D + j] = (value(x[row * width + at + j]) + bias[at + j]) * scale;
        rotate_plainly(&heads[to * D], &cos[row * D], &sin[row * D], D, 1);
      }
  const std::string what = "heads of " + std::to_string(D);
  std::vector<T> y = room<T>(B * KV * L * R * D);
  const ToHeads to = {x.data(), bias.data(), cos.data(), sin.data(), y.data(), scale, width, first, column, L, KV, R, D};
  in_pieces(B * L, 1, [&](int64_t begin, int64_t end) { work<T>().to_heads(to, begin, end); });
  compare(what + ": from rows", y, heads);

  // Back into rows: those of `y` twice, the second time without its first token; and what lies before them stays zero.
  const std::vector<T> later = numbers<T>(B * KV * (L - 1) * R * D);
  const Part parts[] = {{y.data(), 0, L, column, KV, R}, {later.data(), 1, L - 1, column, KV, R}};
  const Segment segments[] = {{parts, parts, 0, first}, {parts, parts + 2, first, L}};
  for (int64_t row = first; row < N; row++) {
    const int64_t b = (row - first) / L, t = (row - first) % L;
    for (int64_t h = 0; h < KV * R; h++) {
      double* at = &back[row * width + column + h * D];
      for (int64_t j = 0; j < D; j++) {
        at[j] = value(y[(((b * KV + h / R) * L + t) * R + h % R) * D + j]);
        if (t > 0) at[j] += value(later[(((b * KV + h / R) * (L - 1) + t - 1) * R + h % R) * D + j]);
      }
    }
    for (int64_t h = 0; h < 3; h++) rotate_plainly(&back[row * width + h * D], &cos[row * D], &sin[row * D], D, -1);
    for (int64_t j = 0; j < 2 * D; j++) back[row * width + j] *= scale;
  }
  std::vector<T> rows = room<T>(N * width);
  std::vector<float> sums = room<float>(width);
  const FromHeads from = {segments, 2, cos.data(), sin.data(), rows.data(), scale, width, D, 3 * D, 2 * D};
  in_pieces(N, 1, [&](int64_t begin, int64_t end) { work<T>().from_heads(from, begin, end, sums.data()); });
  compare(what + ": into rows", rows, back);
}

}  // namespace

template <class T>
void check_norms() {
  for (const int64_t width : {5, 64, 83})
    for (const bool centered : {false, true}) check_norm<T>(width, centered);
}

template <class T>
void check_heads() {
  for (const int64_t D : {6, 32, 80}) check_head_layout<T>(D);
}

template void check_norms<float>();
template void check_norms<bfloat16>();
template void check_heads<float>();
template void check_heads<bfloat16>();
