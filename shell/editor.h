/* The editor: lines from a person, by libedit: keys, history, completion; and what others have to say meanwhile, above the line.
 *
 *     Editor *editor = editor_open(candidates, context);
 *     switch (editor_read(editor, "weir> ", &line)) { case EDITOR_LINE: ...; case EDITOR_CANCELED: ...; case EDITOR_END: ... }
 *     editor_remember(editor, statement);
 *     editor_close(editor);
 *
 * One thread reads; editor_say, editor_interrupt and editor_resize are for any thread.
 */
#ifndef WEIR_SHELL_EDITOR_H
#define WEIR_SHELL_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

typedef struct Editor Editor;
typedef enum EditorResult { EDITOR_LINE, EDITOR_CANCELED, EDITOR_END } EditorResult;

typedef struct EditorSide {
	/* Offers what could stand in the place of the word that ends at the cursor: text is the line (the statement so far before it), up to the
	 * cursor. */
	void (*candidates)(void *context, const char *text, size_t bytes, void (*offer)(void *list, const char *word), void *list);
	/* Once a second while a line is awaited; what it puts into out stands to the right of the prompt. May be NULL. */
	void (*idle)(void *context, StrBuf *out);
	void *context;
} EditorSide;

Editor *editor_open(const EditorSide *side);
void editor_close(Editor *editor);
/* One line, with its newline, valid until the next call. `before`: lines of the statement that came before, for completion. */
EditorResult editor_read(Editor *editor, const char *prompt, const char *before, const char **line);
/* Keeps it in the history, here and in the file. */
void editor_remember(Editor *editor, const char *text);
/* A line of text above the one that is being edited, or just on the terminal. */
void editor_say(Editor *editor, const char *text);
void editor_interrupt(Editor *editor);            /* Ctrl-C: the line is given up */
void editor_hang_up(Editor *editor);              /* the terminal is gone, or the process is to end: EDITOR_END from now on */
void editor_resize(Editor *editor);               /* SIGWINCH, SIGCONT */

#endif
