/* How much memory the process holds, and how much there is. Any thread. */
#ifndef WEIR_BASE_MEMORY_H
#define WEIR_BASE_MEMORY_H

#include <stdint.h>

int64_t memory_resident_bytes(void);      /* of this process, but for mapped files, which the system can drop; 0: not known */
int64_t memory_machine_bytes(void);       /* of the machine, or less: what the control group may have */

#endif
