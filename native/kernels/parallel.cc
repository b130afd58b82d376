#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace {

using Work = std::function<void(int64_t, int64_t)>;

// Operations follow each other within microseconds, and waking a thread takes tens of them. TensorFlow's own threads
// want the cores too, but not while tokens are decoded.
constexpr std::chrono::microseconds SPIN(15), SPIN_IN_DECODING(200);
std::atomic<bool> is_decoding{false};

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

template <class Condition>
bool spin_until(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + (is_decoding ? SPIN_IN_DECODING : SPIN);
  do {
    for (int i = 0; i < 16; i++) {
      if (condition()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return condition();
}

struct Job {
  Job(int64_t count, int64_t grain, const Work& work) : count(count), grain(grain), work(work) {}

  // Takes pieces until none is left; a thread that comes late finds none, and does not touch `work`.
  void take_pieces() {
    for (;;) {
      const int64_t begin = next.fetch_add(grain);
      if (begin >= count) return;
      const int64_t end = std::min(begin + grain, count);
      work(begin, end);
      done.fetch_add(end - begin);
    }
  }
  bool is_done() const { return done.load() == count; }

  const int64_t count, grain;
  const Work& work;
  std::atomic<int64_t> next{0}, done{0};
};

// As many as TensorFlow's: src/tensor/setup/environment.ts sets them, except in a worker of Node's, whose variables are
// its own.
int wanted_threads() {
  const char* variable = std::getenv("TF_NUM_INTRAOP_THREADS");
  const int wanted = variable == nullptr ? 0 : std::atoi(variable);
  if (wanted > 0) return wanted;
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// One job at a time: TensorFlow runs eager operations one after the other.
class Pool {
 public:
  Pool() {
    helpers_ = wanted_threads() - 1;
    for (int i = 0; i < helpers_; i++) std::thread([this] { serve(); }).detach();
  }

  int threads() const { return helpers_ + 1; }

  void run(int64_t count, int64_t grain, const Work& work) {
    if (helpers_ == 0 || count <= grain) {
      for (int64_t begin = 0; begin < count; begin += grain) work(begin, std::min(begin + grain, count));
      return;
    }
    const auto job = std::make_shared<Job>(count, grain, work);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      job_ = job;
      jobs_++;
    }
    wake_.notify_all();
    job->take_pieces();
    while (!spin_until([&] { return job->is_done(); })) std::this_thread::yield();
  }

 private:
  void serve() {
    for (uint64_t seen = 0;;) {
      if (!spin_until([&] { return jobs_ != seen; })) is_decoding = false;
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return jobs_ != seen; });
      seen = jobs_;
      const std::shared_ptr<Job> job = job_;
      lock.unlock();
      job->take_pieces();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<Job> job_;
  std::atomic<uint64_t> jobs_{0};
  int helpers_ = 0;
};

// Lives as long as the process: its threads wait in it.
Pool& pool() {
  static Pool* all = new Pool;
  return *all;
}

}  // namespace

int threads() { return pool().threads(); }

void parallel_for(int64_t count, int64_t grain, const Work& work) {
  pool().run(count, std::max<int64_t>(grain, 1), work);
}

void expect_more_soon() { is_decoding = true; }
