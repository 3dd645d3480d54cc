#include "editor.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "base/vec.h"
#include "draw.h"

enum { HISTORY_ENTRIES = 5000, HISTORY_BYTES_MAX = 8 << 20, IDLE_MS = 1000, LISTED_MAX = 120, LIST_WIDTH_UNKNOWN = 80 };

struct Editor {
	EditLine *el;
	History *history;
	char *history_path;                   /* NULL: nowhere to keep it */
	EditorSide side;
	const char *prompt, *before;
	StrBuf right;                         /* to the right of the prompt */
	int wake_fd;
	atomic_bool interrupted, hung_up, resized;
	bool editing;                         /* under lock: a line is on the terminal */
	StrBuf said;                          /* under lock: to be shown above the line */
	pthread_mutex_t lock;
	mbstate_t decoding;
};

static Editor *editor_of(EditLine *el)
{
	void *data = NULL;
	el_get(el, EL_CLIENTDATA, &data);
	return data;
}

static char *prompt_of(EditLine *el) { return (char *)(uintptr_t)editor_of(el)->prompt; }
static char *right_prompt_of(EditLine *el) { return editor_of(el)->right.text; }

/* ---- what others say ---- */

static void wake(Editor *editor) { eventfd_write(editor->wake_fd, 1); }

void editor_say(Editor *editor, const char *text)
{
	pthread_mutex_lock(&editor->lock);
	if (editor->editing) {
		strbuf_printf(&editor->said, "%s\n", text);
		wake(editor);
	}
	else fprintf(stderr, "%s\n", text);
	pthread_mutex_unlock(&editor->lock);
}

void editor_interrupt(Editor *editor)
{
	atomic_store(&editor->interrupted, true);
	wake(editor);
}

void editor_hang_up(Editor *editor)
{
	atomic_store(&editor->hung_up, true);
	wake(editor);
}

void editor_resize(Editor *editor)
{
	atomic_store(&editor->resized, true);
	wake(editor);
}

/* Above the line: it goes, the text comes, it is drawn again below. */
static void show_said(Editor *editor)
{
	pthread_mutex_lock(&editor->lock);
	if (editor->said.bytes) {
		fprintf(stdout, "\r\x1b[J%s", editor->said.text);
		fflush(stdout);
		strbuf_clear(&editor->said);
		el_set(editor->el, EL_REFRESH);
	}
	pthread_mutex_unlock(&editor->lock);
}

/* Only while the line is short: a wrapped one could not be drawn again where it is. */
static void refresh_right(Editor *editor)
{
	StrBuf right = STRBUF_INIT;
	if (editor->side.idle) editor->side.idle(editor->side.context, &right);
	const LineInfo *line = el_line(editor->el);
	bool is_short = line->lastchar - line->buffer < 40 && !memchr(line->buffer, '\n', (size_t)(line->lastchar - line->buffer));
	if (strcmp(right.text, editor->right.text) != 0 && is_short) {
		strbuf_clear(&editor->right);
		strbuf_add(&editor->right, right.text, right.bytes);
		fputs("\r\x1b[K", stdout);
		fflush(stdout);
		el_set(editor->el, EL_REFRESH);
	}
	strbuf_release(&right);
}

/* ---- characters ---- */

static bool await_byte(Editor *editor, char *out)
{
	for (;;) {
		if (atomic_load(&editor->interrupted) || atomic_load(&editor->hung_up)) return false;
		if (atomic_exchange(&editor->resized, false)) {
			el_resize(editor->el);
			el_set(editor->el, EL_PREP_TERM, 1);
		}
		show_said(editor);
		struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = editor->wake_fd, .events = POLLIN}};
		int n = poll(fds, 2, editor->side.idle ? IDLE_MS : -1);
		eventfd_t count;
		if (n == 0) refresh_right(editor);
		if (n > 0 && fds[1].revents) eventfd_read(editor->wake_fd, &count);
		else if (n > 0 && fds[0].revents) return read(STDIN_FILENO, out, 1) == 1;
	}
}

static int get_character(EditLine *el, wchar_t *out)
{
	Editor *editor = editor_of(el);
	for (;;) {
		char byte;
		if (!await_byte(editor, &byte)) return 0;
		size_t n = mbrtowc(out, &byte, 1, &editor->decoding);
		if (n == (size_t)-2) continue;
		if (n == (size_t)-1) {                        /* no UTF-8: passed over */
			memset(&editor->decoding, 0, sizeof editor->decoding);
			continue;
		}
		return 1;
	}
}

/* ---- completion ---- */

typedef struct Candidates { VEC(char *) words; } Candidates;

static void offer(void *list, const char *word) { vec_push(&((Candidates *)list)->words, mem_strdup(word)); }
static int compare_words(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void sort_unique(Candidates *found)
{
	if (found->words.count) qsort(found->words.at, (size_t)found->words.count, sizeof *found->words.at, compare_words);
	int kept = 0;
	for (int i = 0; i < found->words.count; i++) {
		if (kept && strcmp(found->words.at[kept - 1], found->words.at[i]) == 0) free(found->words.at[i]);
		else found->words.at[kept++] = found->words.at[i];
	}
	found->words.count = kept;
}

static size_t common_prefix(const Candidates *found)
{
	size_t bytes = strlen(found->words.at[0]);
	for (int i = 1; i < found->words.count; i++) {
		size_t n = 0;
		while (n < bytes && found->words.at[i][n] == found->words.at[0][n]) n++;
		bytes = n;
	}
	while (bytes && ((unsigned char)found->words.at[0][bytes] & 0xc0) == 0x80) bytes--;
	return bytes;
}

/* In columns, below the line. */
static void list_words(const Candidates *found)
{
	int width = 0, count = found->words.count > LISTED_MAX ? LISTED_MAX : found->words.count;
	for (int i = 0; i < count; i++) {
		int own = draw_width(found->words.at[i], strlen(found->words.at[i]));
		if (own > width) width = own;
	}
	const char *given = getenv("COLUMNS");
	int columns = given && atoi(given) > 0 ? atoi(given) : LIST_WIDTH_UNKNOWN, per_line = columns / (width + 2) > 0 ? columns / (width + 2) : 1;
	int lines = (count + per_line - 1) / per_line;
	for (int l = 0; l < lines; l++) {
		fputs("\r\n", stdout);
		for (int i = l; i < count; i += lines) {
			const char *word = found->words.at[i];
			fprintf(stdout, "%s%*s", word, width + 2 - draw_width(word, strlen(word)), "");
		}
	}
	if (count < found->words.count) fprintf(stdout, "\r\n... %d more", found->words.count - count);
	fputs("\r\n", stdout);
	fflush(stdout);
}

static size_t word_bytes(const char *text, size_t bytes)
{
	size_t n = 0;
	while (n < bytes) {
		unsigned char c = (unsigned char)text[bytes - n - 1];
		bool in_word = c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!in_word) break;
		n++;
	}
	return n;
}

/* The spelling of what is completed counts, not that of what was typed. */
static void insert_word(EditLine *el, size_t typed, const char *word, size_t bytes, bool whole)
{
	StrBuf insert = STRBUF_INIT;
	strbuf_add(&insert, word, bytes);
	if (whole && bytes && !strchr("(./", word[bytes - 1])) strbuf_addc(&insert, ' ');
	el_deletestr(el, (int)typed);
	el_insertstr(el, insert.text);
	strbuf_release(&insert);
}

static unsigned char complete(EditLine *el, int key)
{
	(void)key;
	Editor *editor = editor_of(el);
	const LineInfo *line = el_line(el);
	StrBuf text = STRBUF_INIT;
	strbuf_adds(&text, editor->before);
	strbuf_add(&text, line->buffer, (size_t)(line->cursor - line->buffer));
	size_t typed = word_bytes(text.text, text.bytes);
	Candidates found = {0};
	editor->side.candidates(editor->side.context, text.text, text.bytes, offer, &found);
	sort_unique(&found);
	unsigned char result = CC_ERROR;
	if (found.words.count) {
		size_t common = common_prefix(&found);
		bool only = found.words.count == 1;
		if (only || common > typed) insert_word(el, typed, found.words.at[0], common, only);
		else list_words(&found);
		result = only || common > typed ? CC_REFRESH : CC_REDISPLAY;
	}
	for (int i = 0; i < found.words.count; i++) free(found.words.at[i]);
	vec_release(&found.words);
	strbuf_release(&text);
	return result;
}

/* ---- history ---- */

static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	StrBuf path = STRBUF_INIT;
	if (state && *state) {
		strbuf_printf(&path, "%s/weir", state);
		if (mkdir(state, 0700) != 0 && errno != EEXIST) { }           /* opening the file will tell */
		mkdir(path.text, 0700);
		strbuf_adds(&path, "/history");
	}
	else if (home && *home) strbuf_printf(&path, "%s/.weir_history", home);
	return path.bytes ? strbuf_detach(&path) : NULL;
}

static void history_load(Editor *editor)
{
	HistEvent event;
	struct stat info;
	editor->history = history_init();
	history(editor->history, &event, H_SETSIZE, HISTORY_ENTRIES);
	history(editor->history, &event, H_SETUNIQUE, 1);
	if (!(editor->history_path = history_path())) return;
	history(editor->history, &event, H_LOAD, editor->history_path);
	if (stat(editor->history_path, &info) == 0 && info.st_size > HISTORY_BYTES_MAX) history(editor->history, &event, H_SAVE, editor->history_path);
}

/* A line of libedit's history files: what is no plain character is written in octal. */
static void encode_entry(StrBuf *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c > ' ' && c < 0x7f && c != '\\') strbuf_addc(out, (char)c);
		else strbuf_printf(out, "\\%03o", c);
	}
	strbuf_addc(out, '\n');
}

/* Appended at once, so that several shells do not lose each other's. */
void editor_remember(Editor *editor, const char *text)
{
	HistEvent event;
	struct stat info;
	if (history(editor->history, &event, H_ENTER, text) < 0 || !editor->history_path) return;
	int fd = open(editor->history_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0) return;
	StrBuf entry = STRBUF_INIT;
	if (fstat(fd, &info) == 0 && info.st_size == 0) strbuf_adds(&entry, "_HiStOrY_V2_\n");
	encode_entry(&entry, text);
	if (write(fd, entry.text, entry.bytes) < 0) { }               /* a full disk must not keep anybody from working */
	close(fd);
	strbuf_release(&entry);
}

/* ---- life ---- */

Editor *editor_open(const EditorSide *side)
{
	Editor *editor = mem_new(Editor);
	editor->side = *side;
	editor->prompt = editor->before = "";
	editor->right = editor->said = STRBUF_INIT;
	editor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&editor->lock, NULL);
	editor->el = el_init("weir", stdin, stdout, stderr);
	EditLine *el = editor->el;
	el_set(el, EL_CLIENTDATA, editor);
	el_set(el, EL_PROMPT, prompt_of);
	el_set(el, EL_RPROMPT, right_prompt_of);
	el_set(el, EL_EDITOR, "emacs");
	el_set(el, EL_GETCFN, get_character);
	history_load(editor);
	el_set(el, EL_HIST, history, editor->history);
	el_wset(el, EL_ADDFN, L"weir-complete", L"Complete the word", complete);      /* el_set() would copy both and lose the copies */
	el_set(el, EL_BIND, "^I", "weir-complete", NULL);
	el_set(el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(el, NULL);
	return editor;
}

void editor_close(Editor *editor)
{
	el_end(editor->el);
	history_end(editor->history);
	strbuf_release(&editor->right);
	strbuf_release(&editor->said);
	pthread_mutex_destroy(&editor->lock);
	close(editor->wake_fd);
	free(editor->history_path);
	free(editor);
}

static void set_editing(Editor *editor, bool editing)
{
	pthread_mutex_lock(&editor->lock);
	editor->editing = editing;
	if (!editing && editor->said.bytes) {
		fputs(editor->said.text, stderr);
		strbuf_clear(&editor->said);
	}
	pthread_mutex_unlock(&editor->lock);
}

EditorResult editor_read(Editor *editor, const char *prompt, const char *before, const char **line)
{
	int count = 0;
	editor->prompt = prompt;
	editor->before = before;
	strbuf_clear(&editor->right);
	memset(&editor->decoding, 0, sizeof editor->decoding);
	atomic_store(&editor->interrupted, false);
	set_editing(editor, true);
	el_set(editor->el, EL_PREP_TERM, 1);          /* before the prompt: what is typed at once must not be echoed twice */
	*line = el_gets(editor->el, &count);
	set_editing(editor, false);
	if (atomic_load(&editor->interrupted)) {
		fputs("^C\n", stdout);
		return EDITOR_CANCELED;
	}
	if (atomic_load(&editor->hung_up) || !*line || count <= 0) return EDITOR_END;
	return EDITOR_LINE;
}
