/* SPDX-License-Identifier: Apache-2.0 */
/* foreign-programs.c - see foreign-programs.h. */
#include "harness/foreign-programs.h"

#include "harness/foreign.h"
#include "lab/program.h"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <unistd.h>

typedef struct {
  ForeignPrograms *programs;
  ScenarioSide side;
  LabProgram *program; /* (nullable) */
  CaimanLoopWatch watch;
  gboolean is_watched;
} Program;

struct _ForeignPrograms {
  TestbedLab *lab;
  ForeignEndedFunc ended;
  gpointer user_data;
  Program program[SCENARIO_N_SIDES];
};

/* --- Environment --- */

static GStrv
set_variable (GStrv environment, const char *name, const char *value)
{
  return g_environ_setenv (environment, name, value, TRUE);
}

char *
foreign_format_address (const TestbedLab *lab, guint link, LabSide side)
{
  struct in_addr address = { .s_addr = lab_emulator_get_address (lab->emulator, link, side) };
  char text[INET_ADDRSTRLEN];

  return g_strdup (inet_ntop (AF_INET, &address, text, sizeof text));
}

static GStrv
add_link (GStrv environment, const TestbedLab *lab, guint link, GString *servers)
{
  g_autofree char *client = foreign_format_address (lab, link, LAB_SIDE_CLIENT);
  g_autofree char *server = foreign_format_address (lab, link, LAB_SIDE_SERVER);
  const struct {
    const char *name, *value;
  } parts[] = {
    { "NAME", scenario_get_link (lab->base.scenario, link)->name },
    { "INTERFACE", lab_emulator_get_interface (lab->emulator, link) },
    { "CLIENT", client },
    { "SERVER", server },
    { "CONGESTION", testbed_lab_get_congestion (lab, link) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    g_autofree char *name = g_strdup_printf ("CAIMAN_LAB_LINK_%u_%s", link, parts[i].name);
    environment = set_variable (environment, name, parts[i].value);
  }
  g_string_append_printf (servers, "%s%s", link > 0 ? " " : "", server);
  return environment;
}

GStrv
foreign_make_environment (const TestbedLab *lab, ScenarioSide side)
{
  guint n_links = lab->base.scenario->links->len;
  g_autofree char *count = g_strdup_printf ("%u", n_links);
  g_autofree char *entry = g_strdup_printf ("127.0.0.1:%d", FOREIGN_ENTRY_PORT);
  g_autofree char *target = g_strdup_printf ("127.0.0.1:%d", FOREIGN_TARGET_PORT);
  g_autoptr (GString) servers = g_string_new (NULL);
  GStrv environment = g_get_environ ();

  environment = set_variable (environment, "CAIMAN_LAB_SIDE", scenario_side_to_string (side));
  environment = set_variable (environment, "CAIMAN_LAB_LINKS", count);
  environment = set_variable (environment, "CAIMAN_LAB_ENTRY", entry);
  environment = set_variable (environment, "CAIMAN_LAB_TARGET", target);
  for (guint i = 0; i < n_links; i++)
    environment = add_link (environment, lab, i, servers);
  return set_variable (environment, "CAIMAN_LAB_SERVERS", servers->str);
}

/* --- Life --- */

static void
ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  Program *program = (Program *)((char *)watch - G_STRUCT_OFFSET (Program, watch));
  ForeignPrograms *programs = program->programs;
  int status;

  if (!lab_program_has_ended (program->program, &status))
    return;
  caiman_loop_remove_watch (watch);
  program->is_watched = FALSE;
  programs->ended (programs->user_data, program->side, status);
}

static gboolean
start (Program *program, char **argv, GError **error)
{
  TestbedLab *lab = program->programs->lab;
  LabSide side = program->side == SCENARIO_SIDE_CLIENT ? LAB_SIDE_CLIENT : LAB_SIDE_SERVER;
  g_auto (GStrv) environment = foreign_make_environment (lab, program->side);

  program->program = lab_program_new (lab_emulator_get_namespace (lab->emulator, side), argv,
                                      environment, STDERR_FILENO, error);
  if (!program->program)
    return FALSE;
  program->watch.ready = ready;
  program->is_watched = caiman_loop_add_watch (
      lab->base.loop, &program->watch, lab_program_get_fd (program->program), EPOLLIN, error);
  return program->is_watched;
}

ForeignPrograms *
foreign_programs_new (TestbedLab *lab, char **const argv[SCENARIO_N_SIDES], ForeignEndedFunc ended,
                      gpointer user_data, GError **error)
{
  /* The server should listen by the time that the client connects. */
  static const ScenarioSide order[] = { SCENARIO_SIDE_SERVER, SCENARIO_SIDE_CLIENT };
  ForeignPrograms *programs = g_new0 (ForeignPrograms, 1);

  programs->lab = lab;
  programs->ended = ended;
  programs->user_data = user_data;
  for (guint i = 0; i < G_N_ELEMENTS (order); i++) {
    Program *program = &programs->program[order[i]];
    program->programs = programs;
    program->side = order[i];
    if (argv[order[i]] && !start (program, argv[order[i]], error)) {
      foreign_programs_free (programs);
      return NULL;
    }
  }
  return programs;
}

void
foreign_programs_free (ForeignPrograms *programs)
{
  if (!programs)
    return;
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    Program *program = &programs->program[s];
    if (program->is_watched)
      caiman_loop_remove_watch (&program->watch);
    lab_program_free (program->program);
  }
  g_free (programs);
}
