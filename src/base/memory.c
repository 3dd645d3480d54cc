#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

int64_t memory_resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	int64_t resident, of_files;
	if (!file) return 0;
	if (fscanf(file, "%*d %" SCNd64 " %" SCNd64, &resident, &of_files) != 2) resident = of_files = 0;
	fclose(file);
	return (resident - of_files) * sysconf(_SC_PAGESIZE);
}

int64_t memory_machine_bytes(void)
{
	static const char *const LIMITS[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
	int64_t bytes = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
		FILE *file = fopen(LIMITS[i], "re");
		int64_t limit;
		if (!file) continue;
		if (fscanf(file, "%" SCNd64, &limit) == 1 && limit < bytes) bytes = limit;       /* "max": no number */
		fclose(file);
	}
	return bytes;
}
