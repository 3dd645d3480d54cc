/* Signals, in a thread of their own: what they do may lock, allocate and write, unlike a handler.
 *
 *     signals_block();                        // first thing in main: threads that are made later inherit it
 *     signals_start(function, context);       // SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT; returns at once
 */
#ifndef WEIR_SHELL_SIGNALS_H
#define WEIR_SHELL_SIGNALS_H

#include <stdbool.h>

/* After so many calls with number 0 a second has gone by. */
enum { SIGNALS_HURRY_TICKS = 10 };

/* True: to be called again in a moment, with number 0, unless another signal comes before. */
typedef bool SignalFunction(void *context, int number);

void signals_block(void);
/* The function runs in the signals' thread, for one signal at a time. May be called again to change it. */
void signals_start(SignalFunction *function, void *context);
/* After this the function is not running and is not called any more. */
void signals_stop(void);
/* Ends the process by this signal, as if it had not been caught. */
void signals_die(int number) __attribute__((noreturn));

#endif
