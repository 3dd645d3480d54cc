#include "signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

enum { AGAIN_MS = 100 };

static pthread_mutex_t signals_lock = PTHREAD_MUTEX_INITIALIZER;
static SignalFunction *signals_function;
static void *signals_context;
static bool signals_running;

static sigset_t caught(void)
{
	sigset_t set;
	sigemptyset(&set);
	static const int NUMBERS[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT};
	for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) sigaddset(&set, NUMBERS[i]);
	return set;
}

void signals_block(void)
{
	sigset_t set = caught();
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void signals_die(int number)
{
	sigset_t set = caught();
	signal(number, SIG_DFL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
	_exit(128 + number);
}

static void *signals_main(void *context)
{
	(void)context;
	bool again = false;
	for (sigset_t set = caught(); ; ) {
		int number = again ? sigtimedwait(&set, NULL, &(struct timespec){.tv_nsec = AGAIN_MS * 1000000L}) : sigwaitinfo(&set, NULL);
		if (number < 0 && !(again && errno == EAGAIN)) continue;
		if (number < 0) number = 0;
		pthread_mutex_lock(&signals_lock);
		again = false;
		if (signals_function) again = signals_function(signals_context, number);
		else if (number == SIGINT || number == SIGTERM) signals_die(number);
		pthread_mutex_unlock(&signals_lock);
	}
	return NULL;
}

void signals_start(SignalFunction *function, void *context)
{
	pthread_t thread;
	pthread_mutex_lock(&signals_lock);
	signals_function = function;
	signals_context = context;
	if (!signals_running && pthread_create(&thread, NULL, signals_main, NULL) == 0) {
		pthread_detach(thread);
		signals_running = true;
	}
	pthread_mutex_unlock(&signals_lock);
}

void signals_stop(void)
{
	pthread_mutex_lock(&signals_lock);
	signals_function = NULL;
	pthread_mutex_unlock(&signals_lock);
}
