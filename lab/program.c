/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - see program.h. */
#include "lab/program.h"

#include "lab/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct _LabProgram {
  pid_t pid; /* of the guard, whose status is the program's */
  int pid_fd;
  gboolean ended;
  int status;
};

/* What the children need; made before the first fork(), after which little is allowed. */
typedef struct {
  int namespace_fd, output_fd, null_fd;
  int report_fds[2]; /* the parent reads, the children write why they failed */
  char **argv, **environment;
} Start;

/* --- In the children --- */

static void
report_and_exit (const Start *start)
{
  int code = errno;

  if (write (start->report_fds[1], &code, sizeof code) < 0)
    _exit (126);
  _exit (127);
}

static void
become (const Start *start)
{
  if (setns (start->namespace_fd, CLONE_NEWNET) == 0 && dup2 (start->null_fd, STDIN_FILENO) >= 0 &&
      dup2 (start->output_fd, STDOUT_FILENO) >= 0 && dup2 (start->output_fd, STDERR_FILENO) >= 0)
    execvpe (start->argv[0], start->argv, start->environment);
  report_and_exit (start);
}

/* The parent may have ended before it could take the guard with it: nobody reads then. */
static gboolean
has_parent (const Start *start)
{
  struct pollfd poll_fd = { .fd = start->report_fds[1] };

  return poll (&poll_fd, 1, 0) == 0;
}

/* Waits for the program and buries its orphans. What it holds of the parent's descriptors is closed
 * first: a connection that the parent closes should end. */
static void
guard_program (pid_t program)
{
  int status = 0;
  pid_t pid;

  close_range (0, ~0u, 0);
  do
    pid = waitpid (-1, &status, 0);
  while ((pid < 0 && errno == EINTR) || (pid > 0 && pid != program));
  _exit (WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status));
}

/* The first process of its namespace. */
static void
guard (const Start *start)
{
  sigset_t none;

  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  signal (SIGPIPE, SIG_DFL);
  close (start->report_fds[0]);
  if (prctl (PR_SET_PDEATHSIG, SIGKILL) != 0 || setpgid (0, 0) != 0 || !has_parent (start))
    report_and_exit (start);
  pid_t program = _Fork (); /* fork() would wait for locks of threads that are not here */
  if (program == 0)
    become (start);
  if (program < 0)
    report_and_exit (start);
  guard_program (program);
}

/* --- In the parent --- */

/* 0: it runs; else why not. */
static int
read_report (int fd)
{
  int code = 0;
  gssize size;

  do
    size = read (fd, &code, sizeof code);
  while (size < 0 && errno == EINTR);
  return size == sizeof code ? code : 0;
}

/* Looks whether it has ended, and leaves it a zombie: its number is not given to anybody else
 * before free(). */
static void
look (LabProgram *program, int options)
{
  siginfo_t info = { 0 };
  int result;

  if (program->ended)
    return;
  do
    result = waitid (P_PID, (id_t)program->pid, &info, WEXITED | WNOWAIT | options);
  while (result < 0 && errno == EINTR);
  if (result < 0 || info.si_pid == 0)
    return;
  program->ended = TRUE;
  program->status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

/* As fork(), into a process namespace of its own. */
static pid_t
fork_into_namespace (void)
{
  return (pid_t)syscall (SYS_clone, (unsigned long)(SIGCHLD | CLONE_NEWPID), NULL, NULL, NULL, 0UL);
}

static LabProgram *
start_it (Start *start, GError **error)
{
  g_autofree char *what = g_strdup_printf ("start '%s'", start->argv[0]);

  if (pipe2 (start->report_fds, O_CLOEXEC) != 0) {
    lab_set_error (error, errno, what);
    return NULL;
  }
  pid_t pid = fork_into_namespace ();
  int code = errno;
  if (pid == 0)
    guard (start);
  close (start->report_fds[1]);
  if (pid > 0)
    code = read_report (start->report_fds[0]);
  close (start->report_fds[0]);
  if (pid < 0) {
    lab_set_error (error, code, what);
    return NULL;
  }
  LabProgram *program = g_new0 (LabProgram, 1);
  program->pid = pid;
  program->pid_fd = (int)syscall (SYS_pidfd_open, pid, 0);
  if (code == 0 && program->pid_fd < 0)
    code = errno;
  if (code == 0)
    return program;
  lab_set_error (error, code, what);
  lab_program_free (program);
  return NULL;
}

LabProgram *
lab_program_new (int namespace_fd, char **argv, char **environment, int output_fd, GError **error)
{
  Start start = { .namespace_fd = namespace_fd,
                  .output_fd = output_fd,
                  .null_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC),
                  .argv = argv,
                  .environment = environment };

  if (start.null_fd < 0) {
    lab_set_error (error, errno, "open /dev/null");
    return NULL;
  }
  LabProgram *program = start_it (&start, error);
  close (start.null_fd);
  return program;
}

void
lab_program_free (LabProgram *program)
{
  if (!program)
    return;
  kill (program->pid, SIGKILL);
  while (waitpid (program->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  if (program->pid_fd >= 0)
    close (program->pid_fd);
  g_free (program);
}

int
lab_program_get_fd (const LabProgram *program)
{
  return program->pid_fd;
}

gboolean
lab_program_has_ended (LabProgram *program, int *status_out)
{
  look (program, WNOHANG);
  if (program->ended)
    *status_out = program->status;
  return program->ended;
}

int
lab_program_wait (LabProgram *program)
{
  look (program, 0);
  return program->status;
}
