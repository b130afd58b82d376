#include "plain.h"

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

template <class T>
void check_swiglu(int64_t count) {
  const std::vector<T> gate = numbers<T>(count, -9, 9), up = numbers<T>(count), d = numbers<T>(count);
  std::vector<double> y, d_gate, d_up;
  for (int64_t i = 0; i < count; i++) {
    const double g = value(gate[i]), p = sigmoid(g);
    y.push_back(g * p * value(up[i]));
    d_gate.push_back(value(d[i]) * value(up[i]) * p * (1 + g * (1 - p)));
    d_up.push_back(value(d[i]) * g * p);
  }
  std::vector<T> forward = room<T>(count), again = room<T>(count), by_gate = room<T>(count), by_up = room<T>(count);
  const SwigluGradient gradient = {gate.data(), up.data(), d.data(), by_gate.data(), by_up.data(), again.data()};
  in_pieces(count, 1, [&](int64_t begin, int64_t end) {
    work<T>().swiglu(gate.data(), up.data(), forward.data(), begin, end);
    work<T>().swiglu_gradient(gradient, begin, end);
  });
  compare("SwiGLU", forward, y);
  compare("SwiGLU, made again", again, y);
  compare("SwiGLU: d gate", by_gate, d_gate);
  compare("SwiGLU: d up", by_up, d_up);
}

template <class T>
void check_rows(int64_t width) {
  const int64_t rows = 3;
  const std::vector<T> x = numbers<T>(rows * width, -3, 3), d = numbers<T>(rows * width);
  const std::vector<float> bias = numbers<float>(width), base = numbers<float>(rows * width);
  std::vector<double> gelu, dx, sum, columns(width);
  for (int64_t i = 0; i < rows * width; i++) {
    const double z = value(x[i]) + bias[i % width], p = sigmoid(1.702 * z);
    gelu.push_back(z * p);
    dx.push_back(value(d[i]) * (p + 1.702 * z * p * (1 - p)));
    sum.push_back(z + base[i]);
    columns[i % width] += value(x[i]);
  }
  std::vector<T> forward = room<T>(rows * width), again = room<T>(rows * width), gradient = room<T>(rows * width);
  std::vector<float> added = room<float>(rows * width), summed = room<float>(width);
  in_pieces(rows, 1, [&](int64_t begin, int64_t end) {
    work<T>().quick_gelu({x.data(), bias.data(), nullptr, nullptr, forward.data(), width}, begin, end);
    work<T>().quick_gelu({x.data(), bias.data(), d.data(), gradient.data(), again.data(), width}, begin, end);
    work<T>().add({base.data(), bias.data(), x.data(), added.data(), width}, begin, end);
  });
  in_pieces(width, 16, [&](int64_t begin, int64_t end) {
    work<T>().sum_columns({x.data(), summed.data(), rows, width}, begin, end);
  });
  compare("quick GELU", forward, gelu);
  compare("quick GELU, made again", again, gelu);
  compare("quick GELU: dx", gradient, dx);
  compare("addition", added, sum);
  compare("sums of columns", summed, columns);
}

template <class T>
void check_adamw(int64_t count) {
  const std::vector<T> gradient = numbers<T>(count);
  std::vector<float> weight = numbers<float>(count), m = numbers<float>(count), v = numbers<float>(count, 0, 1);
  const AdamW job = {weight.data(), m.data(), v.data(), gradient.data(), 0.9f, 0.99f, 0.1f, 1e-4f, 0.95f, 0.5f};
  std::vector<double> to_weight, to_m, to_v, square(1);
  for (int64_t i = 0; i < count; i++) {
    const double g = value(gradient[i]) * job.gradient_scale;
    to_m.push_back(m[i] * static_cast<double>(job.beta1) + g * (1 - static_cast<double>(job.beta1)));
    to_v.push_back(v[i] * static_cast<double>(job.beta2) + g * g * (1 - static_cast<double>(job.beta2)));
    to_weight.push_back(weight[i] * static_cast<double>(job.decay) -
                        to_m[i] * job.step_size / (std::sqrt(to_v[i]) + job.epsilon));
    square[0] += value(gradient[i]) * value(gradient[i]);
  }
  compare("sum of squares", std::vector<float>{static_cast<float>(work<T>().squares(gradient.data(), count))}, square);
  in_pieces(count, 1, [&](int64_t begin, int64_t end) { work<T>().adamw(job, begin, end); });
  compare("AdamW: weights", weight, to_weight);
  compare("AdamW: first moments", m, to_m);
  compare("AdamW: second moments", v, to_v);
}

template <class T>
void check_draw(int64_t V) {
  const int64_t rows = 16;
  const float scale = 1.25f;
  const std::vector<T> logits = numbers<T>(rows * V, -3, 3);
  const std::vector<float> uniforms = numbers<float>(rows, 0, 1);
  const std::vector<int32_t> forbidden = {1};
  std::vector<int32_t> tokens(rows);
  std::vector<float> logprobs = room<float>(rows), buffer = room<float>(V);
  const Draw job = {logits.data(), uniforms.data(), forbidden.data(), 1, V, scale, tokens.data(), logprobs.data()};
  std::vector<double> expected_tokens, expected_logprobs;
  for (int64_t row = 0; row < rows; row++) {
    work<T>().draw(job, row, buffer.data());
    const auto weight = [&](int64_t i) { return std::exp(value(logits[row * V + i]) * scale); };
    double total = 0, allowed = 0, before = 0;
    for (int64_t i = 0; i < V; i++) total += weight(i), allowed += i == forbidden[0] ? 0 : weight(i);
    int64_t token = -1;
    while (before <= uniforms[row] * allowed) before += ++token == forbidden[0] ? 0 : weight(token);
    expected_tokens.push_back(token);
    expected_logprobs.push_back(std::log(weight(token) / total));
  }
  compare("drawn tokens", std::vector<float>(tokens.begin(), tokens.end()), expected_tokens);
  compare("log-probabilities of drawn tokens", logprobs, expected_logprobs);
}

}  // namespace

template <class T>
void check_elements() {
  for (const int64_t count : {1, 32, 77}) {
    check_swiglu<T>(count);
    check_rows<T>(count);
  }
  for (const int64_t count : {7, 5000}) check_adamw<T>(count);
}

template <class T>
void check_draws() {
  for (const int64_t V : {3, 64, 301}) check_draw<T>(V);
}

template void check_elements<float>();
template void check_elements<bfloat16>();
template void check_draws<float>();
template void check_draws<bfloat16>();
