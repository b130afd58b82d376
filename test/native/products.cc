#include "plain.h"

template <class T>
void check_product(int64_t M, int64_t in, int64_t out) {
  const std::vector<T> x = numbers<T>(M * in), w = numbers<T>(out * in);
  std::vector<T> y = room<T>(M * out);
  std::vector<char> arranged(work<T>().product_room(M, in));
  const Product job = {arranged.data(), w.data(), y.data(), M, in, out};
  work<T>().arrange(x.data(), job);
  in_pieces(out, 2, [&](int64_t begin, int64_t end) { work<T>().outputs(job, begin, end); });
  std::vector<double> expected(M * out);
  for (int64_t m = 0; m < M; m++)
    for (int64_t o = 0; o < out; o++)
      for (int64_t i = 0; i < in; i++) expected[m * out + o] += value(x[m * in + i]) * value(w[o * in + i]);
  compare("product " + std::to_string(M) + " × " + std::to_string(in) + " × " + std::to_string(out), y, expected);
}

// Two pieces of a product that has more columns.
template <class T>
void check_matmul(int64_t M, int64_t K, int64_t columns, bool a_transposed, bool b_transposed) {
  const int64_t first = 3, N = columns + 5;
  const std::vector<T> a = numbers<T>(M * K), b = numbers<T>(K * N);
  std::vector<T> y = room<T>(M * N);
  for (T& x : y) put(x, 0);
  const Matmul job = {a.data(), b.data(), y.data(), M, N, K, a_transposed, b_transposed};
  in_pieces(M, 1, [&](int64_t begin, int64_t end) {
    const MatmulPiece piece = {begin, end - begin, first, columns};
    std::vector<float> buffer = room<float>(work<T>().multiply_room(piece));
    work<T>().multiply(job, piece, buffer.data());
  });
  std::vector<double> expected(y.size());
  for (int64_t m = 0; m < M; m++)
    for (int64_t n = first; n < first + columns; n++)
      for (int64_t k = 0; k < K; k++)
        expected[m * N + n] +=
            value(a_transposed ? a[k * M + m] : a[m * K + k]) * value(b_transposed ? b[n * K + k] : b[k * N + n]);
  compare("matmul " + std::to_string(M) + " × " + std::to_string(K) + " × " + std::to_string(columns), y, expected);
}

template <class T>
void check_products() {
  for (const bool a_transposed : {false, true})
    for (const bool b_transposed : {false, true}) {
      check_matmul<T>(1, 1, 1, a_transposed, b_transposed);
      check_matmul<T>(13, 40, 33, a_transposed, b_transposed);
      check_matmul<T>(170, 300, 70, a_transposed, b_transposed);
    }
  for (const int64_t M : {1, 4, 9, 16})
    for (const int64_t in : {3, 32, 100})
      for (const int64_t out : {1, 6, 35}) check_product<T>(M, in, out);
}

template void check_products<float>();
template void check_products<bfloat16>();
