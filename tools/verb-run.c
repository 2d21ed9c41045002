/* SPDX-License-Identifier: Apache-2.0 */
/* verb-run.c - caiman run and caiman sweep: two sets of defaults for one campaign. */
#include "tools/campaign.h"

static int
run_campaign (const char *verb, int argc, char **argv)
{
  int status;
  Campaign campaign;
  g_auto (GStrv) paths = NULL;
  if (campaign_parse (&campaign, verb, argc, argv, &paths, &status))
    status = campaign_run (&campaign, paths);
  campaign_clear (&campaign);
  return status;
}

int
verb_run (int argc, char **argv)
{
  return run_campaign ("run", argc, argv);
}

int
verb_sweep (int argc, char **argv)
{
  return run_campaign ("sweep", argc, argv);
}
