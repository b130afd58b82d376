// Part of the addon that loads TensorFlow: keeps signals off the threads that compute.
//
// oneDNN's float32 product for AVX-512 points the stack register into its buffer on the heap while it runs. A handler
// that is entered then (Ctrl-C, the end of a child such as ffmpeg, a terminal that is resized) has its frame written
// over what lies below that buffer. Threads inherit the mask of the one that makes them: blocking here, before
// TensorFlow has made its own, covers them all. One thread waits with signals open, so that they still arrive.
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <initializer_list>

static void* wait_for_signals(void*) {
  for (;;) pause();
}

__attribute__((constructor)) static void keep_signals_off() {
  sigset_t signals;
  sigfillset(&signals);
  // What a thread raises by what it does stays with it, and so does the profiler's question where it is.
  for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPIPE, SIGPROF})
    sigdelset(&signals, own);
  pthread_t thread;
  if (pthread_create(&thread, nullptr, wait_for_signals, nullptr) != 0) return;
  pthread_detach(thread);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}
#endif
