#include "plain.h"

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

template <class T>
void check_swiglu(int64_t count, bool biased) {
  const int64_t rows = 3, size = rows * count;
  const std::vector<T> gate = numbers<T>(size, -9, 9), up = numbers<T>(size), d = numbers<T>(size);
  const std::vector<float> gate_bias = numbers<float>(count), up_bias = numbers<float>(count);
  const float* biases[2] = {biased ? gate_bias.data() : nullptr, biased ? up_bias.data() : nullptr};
  std::vector<double> y, d_gate, d_up;
  for (int64_t i = 0; i < size; i++) {
    const double g = value(gate[i]) + (biased ? gate_bias[i % count] : 0), p = sigmoid(g);
    const double u = value(up[i]) + (biased ? up_bias[i % count] : 0);
    y.push_back(g * p * u);
    d_gate.push_back(value(d[i]) * u * p * (1 + g * (1 - p)));
    d_up.push_back(value(d[i]) * g * p);
  }
  std::vector<T> forward = room<T>(size), again = room<T>(size), by_gate = room<T>(size), by_up = room<T>(size);
  in_pieces(rows, 1, [&](int64_t begin, int64_t end) {
    work<T>().swiglu(
        {gate.data(), up.data(), biases[0], biases[1], nullptr, nullptr, nullptr, forward.data(), count}, begin, end);
    work<T>().swiglu({gate.data(), up.data(), biases[0], biases[1], d.data(), by_gate.data(), by_up.data(),
                      again.data(), count},
                     begin, end);
  });
  compare("SwiGLU", forward, y);
  compare("SwiGLU, made again", again, y);
  compare("SwiGLU: d gate", by_gate, d_gate);
  compare("SwiGLU: d up", by_up, d_up);
}

template <class T>
void check_gelu(int64_t width, bool by_tanh) {
  const int64_t rows = 3;
  const std::vector<T> x = numbers<T>(rows * width, -3, 3), d = numbers<T>(rows * width);
  const std::vector<float> bias = numbers<float>(width);
  std::vector<double> gelu, dx;
  for (int64_t i = 0; i < rows * width; i++) {
    const double z = value(x[i]) + bias[i % width], root = std::sqrt(2 / std::acos(-1.0));
    const double t = std::tanh(root * (z + 0.044715 * z * z * z)), p = by_tanh ? (1 + t) / 2 : sigmoid(1.702 * z);
    const double slope =
        by_tanh ? (1 - t * t) / 2 * root * (1 + 3 * 0.044715 * z * z) : 1.702 * p * (1 - p);
    gelu.push_back(z * p);
    dx.push_back(value(d[i]) * (p + z * slope));
  }
  std::vector<T> forward = room<T>(rows * width), again = room<T>(rows * width), gradient = room<T>(rows * width);
  in_pieces(rows, 1, [&](int64_t begin, int64_t end) {
    work<T>().gelu({x.data(), bias.data(), nullptr, nullptr, forward.data(), width, by_tanh}, begin, end);
    work<T>().gelu({x.data(), bias.data(), d.data(), gradient.data(), again.data(), width, by_tanh}, begin, end);
  });
  compare("GELU", forward, gelu);
  compare("GELU, made again", again, gelu);
  compare("GELU: dx", gradient, dx);
}

template <class T>
void check_rows(int64_t width) {
  const int64_t rows = 3;
  const std::vector<T> x = numbers<T>(rows * width, -3, 3);
  const std::vector<float> bias = numbers<float>(width), base = numbers<float>(rows * width);
  std::vector<double> sum, columns(width);
  for (int64_t i = 0; i < rows * width; i++) {
    sum.push_back(value(x[i]) + bias[i % width] + base[i]);
    columns[i % width] += value(x[i]);
  }
  std::vector<float> added = room<float>(rows * width), summed = room<float>(width);
  in_pieces(rows, 1, [&](int64_t begin, int64_t end) {
    work<T>().add({base.data(), bias.data(), x.data(), added.data(), width}, begin, end);
  });
  in_pieces(width, 16, [&](int64_t begin, int64_t end) {
    work<T>().sum_columns({x.data(), summed.data(), rows, width}, begin, end);
  });
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
    for (const bool biased : {false, true}) check_swiglu<T>(count, biased);
    for (const bool by_tanh : {false, true}) check_gelu<T>(count, by_tanh);
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
