#include "base/nearest.h"

#include <ctype.h>
#include <string.h>

enum { NEAREST_BYTES_MAX = 63, NEAREST_FAR = 1000 };

static int smaller(int a, int b) { return a < b ? a : b; }
static int lower(char c) { return tolower((unsigned char)c); }

/* Optimal string alignment: three rows of the classic table suffice. */
int nearest_distance(const char *a, const char *b)
{
	int la = (int)strnlen(a, NEAREST_BYTES_MAX + 1), lb = (int)strnlen(b, NEAREST_BYTES_MAX + 1);
	if (la > NEAREST_BYTES_MAX || lb > NEAREST_BYTES_MAX) return NEAREST_FAR;
	int rows[3][NEAREST_BYTES_MAX + 1];
	for (int j = 0; j <= lb; j++) rows[0][j] = j;
	for (int i = 1; i <= la; i++) {
		int *above2 = rows[(i + 1) % 3], *above = rows[(i - 1) % 3], *row = rows[i % 3];
		row[0] = i;
		for (int j = 1; j <= lb; j++) {
			int differs = lower(a[i - 1]) != lower(b[j - 1]);
			row[j] = smaller(smaller(above[j] + 1, row[j - 1] + 1), above[j - 1] + differs);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
				row[j] = smaller(row[j], above2[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

void nearest_init(Nearest *nearest, const char *name)
{
	int allowed = (int)strlen(name) / 3;
	if (allowed < 1 && name[0] && name[1]) allowed = 1;                   /* a lone letter is near to every other one */
	*nearest = (Nearest){.name = name, .distance = allowed + 1};
}

void nearest_offer(Nearest *nearest, const char *candidate)
{
	int distance = nearest_distance(nearest->name, candidate);
	if (distance >= nearest->distance) return;
	nearest->distance = distance;
	nearest->best = candidate;
}
