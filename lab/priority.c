/* SPDX-License-Identifier: Apache-2.0 */
/* priority.c - see priority.h. */
#include "lab/priority.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void
lab_priority_set (LabPriority priority)
{
  const struct sched_param param = { .sched_priority = (int)priority };
  int policy = priority == LAB_PRIORITY_ORDINARY ? SCHED_OTHER : SCHED_FIFO;

  prctl (PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  if (pthread_setschedparam (pthread_self (), policy, &param) != 0)
    setpriority (PRIO_PROCESS, (id_t)syscall (SYS_gettid), -20);
}
