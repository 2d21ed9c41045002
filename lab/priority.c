/* SPDX-License-Identifier: Apache-2.0 */
/* priority.c - see priority.h. */
#include "lab/priority.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The thread sanitizer's own locks spin, and would wait for ever for a thread of less priority. */
#if defined(__SANITIZE_THREAD__)
#define HAS_SPINNING_LOCKS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_SPINNING_LOCKS 1
#endif
#endif
#ifndef HAS_SPINNING_LOCKS
#define HAS_SPINNING_LOCKS 0
#endif

void
lab_priority_set (LabPriority priority)
{
  const struct sched_param param = { .sched_priority = (int)priority };
  int policy = priority == LAB_PRIORITY_ORDINARY ? SCHED_OTHER : SCHED_FIFO;

  if (HAS_SPINNING_LOCKS)
    return;

  prctl (PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  if (pthread_setschedparam (pthread_self (), policy, &param) != 0)
    setpriority (PRIO_PROCESS, (id_t)syscall (SYS_gettid), -20);
}
