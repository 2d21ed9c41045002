/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - a program that runs in one of the lab's namespaces.
 *
 * It has a process namespace of its own, whose first process is a guard of ours: when that is
 * killed, all that the program has ever started is killed with it by the kernel. That is done by
 * lab_program_free(), when the program itself has ended, and by the kernel when the thread that
 * made it ends, however that happens. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _LabProgram LabProgram;

/* Starts @argv in the namespace, found by PATH, with @environment (a NULL-terminated list) instead
 * of the own one; nothing on its standard input, and its output goes to @output_fd. NULL with
 * LAB_ERROR when it cannot be started. */
LabProgram *lab_program_new (int namespace_fd, char **argv, char **environment, int output_fd,
                             GError **error);

/* Kills what still runs, and returns when it is gone. Accepts NULL. */
void lab_program_free (LabProgram *program);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LabProgram, lab_program_free)

/* Readable when it has ended; owned by @program. */
int lab_program_get_fd (const LabProgram *program);

/* TRUE: it has ended, *@status_out is as from a shell: its exit status, or 128 and the signal. */
gboolean lab_program_has_ended (LabProgram *program, int *status_out);

/* Waits until it has ended: its status. */
int lab_program_wait (LabProgram *program);

G_END_DECLS
