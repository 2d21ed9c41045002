/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - see program.h. */
#include "lab/program.h"

#include "lab/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct _LabProgram {
  pid_t pid;
  int pid_fd;
  gboolean ended;
  int status;
};

/* What the child needs; made before fork(), after which little is allowed. */
typedef struct {
  int namespace_fd, output_fd, null_fd, report_fd;
  pid_t parent;
  char **argv, **environment;
} Start;

/* In the child, which never returns. */
static void
become (const Start *start)
{
  sigset_t none;

  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  signal (SIGPIPE, SIG_DFL);
  if (setpgid (0, 0) == 0 && prctl (PR_SET_PDEATHSIG, SIGKILL) == 0 &&
      getppid () == start->parent && setns (start->namespace_fd, CLONE_NEWNET) == 0 &&
      dup2 (start->null_fd, STDIN_FILENO) >= 0 && dup2 (start->output_fd, STDOUT_FILENO) >= 0 &&
      dup2 (start->output_fd, STDERR_FILENO) >= 0)
    execvpe (start->argv[0], start->argv, start->environment);
  int code = errno;
  if (write (start->report_fd, &code, sizeof code) < 0)
    _exit (126);
  _exit (127);
}

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

/* Looks whether it has ended, and leaves it a zombie: its number, and that of its group, are not
 * given to anybody else before free(). */
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

static LabProgram *
start_it (Start *start, GError **error)
{
  int report[2];
  g_autofree char *what = g_strdup_printf ("start '%s'", start->argv[0]);

  if (pipe2 (report, O_CLOEXEC) != 0) {
    lab_set_error (error, errno, what);
    return NULL;
  }
  start->report_fd = report[1];
  start->parent = getpid ();
  pid_t pid = fork ();
  int code = errno;
  if (pid == 0)
    become (start);
  close (report[1]);
  if (pid > 0)
    code = read_report (report[0]);
  close (report[0]);
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
  kill (-program->pid, SIGKILL);
  kill (program->pid, SIGKILL); /* it may not have made its group yet */
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
