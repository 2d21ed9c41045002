/* SPDX-License-Identifier: Apache-2.0 */
/* foreign-mptcp.c - the kernel's path manager, told to use all links: the server signals its
 * address on each of them, and the client opens a subflow to each that it hears of (ip-mptcp(8)).
 */
#include "harness/foreign-programs.h"

#include "lab/namespace.h"
#include "lab/program.h"

#include <unistd.h>

/* Runs `ip mptcp ...` and waits for it. */
static gboolean
run_ip (const TestbedLab *lab, LabSide side, const char *const *argv, GError **error)
{
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (LabProgram) program =
      lab_program_new (lab_emulator_get_namespace (lab->emulator, side), (char **)argv, environment,
                       STDERR_FILENO, error);

  if (!program)
    return FALSE;
  int status = lab_program_wait (program);
  if (status == 0)
    return TRUE;
  g_autofree char *command = g_strjoinv (" ", (char **)argv);
  g_set_error (error, LAB_ERROR, LAB_ERROR_FAILED, "'%s' has ended with status %d", command,
               status);
  return FALSE;
}

gboolean
foreign_set_up_mptcp (const TestbedLab *lab, GError **error)
{
  static const char *const limits[] = {
    "ip", "mptcp", "limits", "set", "subflow", "8", "add_addr_accepted", "8", NULL
  };
  gboolean ok =
      run_ip (lab, LAB_SIDE_CLIENT, limits, error) && run_ip (lab, LAB_SIDE_SERVER, limits, error);

  /* The first link's address is the one that is connected to. */
  for (guint i = 1; ok && i < lab->base.scenario->links->len; i++) {
    g_autofree char *address = foreign_format_address (lab, i, LAB_SIDE_SERVER);
    const char *const endpoint[] = { "ip",
                                     "mptcp",
                                     "endpoint",
                                     "add",
                                     address,
                                     "dev",
                                     lab_emulator_get_interface (lab->emulator, i),
                                     "signal",
                                     NULL };
    ok = run_ip (lab, LAB_SIDE_SERVER, endpoint, error);
  }
  return ok;
}
