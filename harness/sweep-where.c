/* SPDX-License-Identifier: Apache-2.0 */
/* sweep-where.c - conditions of a sweep: "where = link lte.delay >= link wifi.delay".
 *
 * Both sides become lists of quantities, one for each value of the swept parameter; so what cannot
 * be compared is found before anything is compared, and a million combinations take a moment. */
#include "harness/sweep-private.h"

#include <string.h>

typedef enum {
  OPERATOR_LT,
  OPERATOR_LE,
  OPERATOR_GT,
  OPERATOR_GE,
  OPERATOR_EQ,
  OPERATOR_NE
} Operator;

/* Longer ones first: "<=" begins with "<". */
static const struct {
  const char *text;
  Operator operator;
} operators[] = {
  { "<=", OPERATOR_LE }, { ">=", OPERATOR_GE }, { "!=", OPERATOR_NE },
  { "<", OPERATOR_LT },  { ">", OPERATOR_GT },  { "=", OPERATOR_EQ },
};

typedef struct {
  char *name;         /* as written */
  int axis;           /* -1: one value at every point */
  GPtrArray *texts;   /* of char *, borrowed but for a constant's, which is @name */
  GArray *quantities; /* of Quantity */
} Operand;

typedef struct {
  Operand left, right;
  Operator operator;
} Condition;

static void
operand_clear (Operand *operand)
{
  g_free (operand->name);
  g_clear_pointer (&operand->texts, g_ptr_array_unref);
  g_clear_pointer (&operand->quantities, g_array_unref);
}

static void
condition_clear (gpointer data)
{
  Condition *condition = data;
  operand_clear (&condition->left);
  operand_clear (&condition->right);
}

/* ---- reading ---- */

/* The value that the file itself gives @group.@key, or what stands for it: [config] for a side, the
 * key for both directions for one of them. (nullable) */
static const char *
find_in_file (const ScanDoc *doc, const char *group, const char *key)
{
  const char *behind = g_str_has_prefix (key, "up.")     ? key + strlen ("up.")
                       : g_str_has_prefix (key, "down.") ? key + strlen ("down.")
                                                         : key;
  gboolean is_side = strcmp (group, "client") == 0 || strcmp (group, "server") == 0;
  const char *groups[] = { group, is_side ? "config" : group };
  const char *keys[] = { key, behind };

  for (guint i = 0; i < 2; i++) {
    const ScanGroup *found = scan_doc_find (doc, groups[i]);
    for (guint j = 0; found && j < 2; j++) {
      const ScanEntry *entry = scan_group_find (found, keys[j]);
      if (entry)
        return entry->value;
    }
  }
  return NULL;
}

/* One value of @operand. */
static void
add_text (Operand *operand, const char *text)
{
  Quantity quantity = quantity_parse (text);

  g_ptr_array_add (operand->texts, (gpointer)text);
  g_array_append_val (operand->quantities, quantity);
}

/* Finds out what @operand is by its name. Returns what is wrong. */
static char *
resolve_operand (Operand *operand, const Scenario *scenario, const ScanDoc *doc)
{
  const ScanGroup *list = scan_doc_find (doc, "sweep");
  const ScenarioSweep *sweep = sweep_find_parameter (scenario, operand->name);
  g_autofree char *group = NULL;
  g_autofree char *key = NULL;
  const char *value;

  operand->axis = sweep ? (int)sweep->axis : -1;
  for (guint i = 0; sweep && i < sweep->values->len; i++)
    add_text (operand, g_ptr_array_index (sweep->values, i));
  if (sweep)
    return NULL;
  if (quantity_parse (operand->name).kind != QUANTITY_WORD || !strchr (operand->name, '.') ||
      !scenario_split_parameter (operand->name, &group, &key))
    value = operand->name;
  else
    value = find_in_file (doc, group, key);
  if (!value && scan_group_find (list, operand->name))
    return NULL; /* swept, and its list in error, which was told */
  if (!value)
    return g_strdup_printf ("'%s' is neither swept nor given in the file", operand->name);
  add_text (operand, value);
  return NULL;
}

/* @length bytes of @text with one space between words; (transfer full) */
static char *
normalise (const char *text, gsize length)
{
  g_autofree char *part = g_strstrip (g_strndup (text, length));
  g_auto (GStrv) words = *part != '\0' ? scan_split (part, ' ') : NULL;

  return words ? g_strjoinv (" ", words) : g_steal_pointer (&part);
}

static void
operand_init (Operand *operand, const char *text, gsize length)
{
  *operand = (Operand) { .name = normalise (text, length),
                         .texts = g_ptr_array_new (),
                         .quantities = g_array_new (FALSE, FALSE, sizeof (Quantity)) };
}

/* The kind that all quantities of @operand have; a word when they differ or one is a word. */
static QuantityKind
get_kind (const Operand *operand)
{
  QuantityKind kind = QUANTITY_ENDLESS;

  for (guint i = 0; i < operand->quantities->len; i++) {
    QuantityKind this = g_array_index (operand->quantities, Quantity, i).kind;
    if (this == QUANTITY_ENDLESS)
      continue;
    if (this == QUANTITY_WORD || (kind != QUANTITY_ENDLESS && this != kind))
      return QUANTITY_WORD;
    kind = this;
  }
  return kind;
}

/* Whether the two sides can be compared like that. */
static char *
check_kinds (const Condition *condition)
{
  const Operand *left = &condition->left, *right = &condition->right;
  QuantityKind kinds[2] = { get_kind (left), get_kind (right) };
  gboolean is_equality = condition->operator== OPERATOR_EQ || condition->operator== OPERATOR_NE;

  for (guint i = 0; i < 2; i++) {
    if (kinds[i] == QUANTITY_WORD && !is_equality)
      return g_strdup_printf ("'%s' has no order: only = and != will do",
                              i == 0 ? left->name : right->name);
  }
  if (kinds[0] != kinds[1] && kinds[0] != QUANTITY_WORD && kinds[1] != QUANTITY_WORD &&
      kinds[0] != QUANTITY_ENDLESS && kinds[1] != QUANTITY_ENDLESS)
    return g_strdup_printf ("'%s' is %s and '%s' %s", left->name,
                            quantity_kind_to_string (kinds[0]), right->name,
                            quantity_kind_to_string (kinds[1]));
  return NULL;
}

/* "A >= B" into @condition, which is to be cleared in any case. Returns what is wrong. */
static char *
parse_condition (const char *text, Condition *condition, const Scenario *scenario,
                 const ScanDoc *doc)
{
  gsize before = strcspn (text, "<>=!"), length = 0;
  char *problem;

  for (guint i = 0; i < G_N_ELEMENTS (operators) && length == 0; i++) {
    if (g_str_has_prefix (text + before, operators[i].text)) {
      condition->operator= operators[i].operator;
      length = strlen (operators[i].text);
    }
  }
  const char *behind = text + before + length;
  operand_init (&condition->left, text, before);
  operand_init (&condition->right, behind, strlen (behind));
  if (length == 0 || *condition->left.name == '\0' || *condition->right.name == '\0' ||
      strpbrk (behind, "<>=!"))
    return g_strdup_printf ("'%s' is not of the form A >= B, with <, <=, >, >=, = or != between",
                            text);
  problem = resolve_operand (&condition->left, scenario, doc);
  if (!problem)
    problem = resolve_operand (&condition->right, scenario, doc);
  return problem ? problem : check_kinds (condition);
}

/* Appends the conditions of @entry, joined by "and", to @conditions. */
static void
read_where (const Fields *fields, const ScanEntry *entry, const Scenario *scenario,
            const ScanDoc *doc, GArray *conditions)
{
  g_auto (GStrv) parts = g_strsplit (entry->value, " and ", -1);

  for (guint i = 0; parts[i]; i++) {
    Condition condition = { 0 };
    char *problem = parse_condition (g_strstrip (parts[i]), &condition, scenario, doc);
    if (problem) {
      fields_take_problem (fields, entry, problem);
      condition_clear (&condition);
    } else
      g_array_append_val (conditions, condition);
  }
}

/* ---- asking ---- */

/* The order of two values: below 0, 0, above 0. Those that have none are equal or not by text. */
static int
compare (const Operand *left, guint i, const Operand *right, guint j)
{
  const Quantity *a = &g_array_index (left->quantities, Quantity, i);
  const Quantity *b = &g_array_index (right->quantities, Quantity, j);

  if (a->kind == QUANTITY_WORD || b->kind == QUANTITY_WORD)
    return strcmp (g_ptr_array_index (left->texts, i), g_ptr_array_index (right->texts, j));
  if (a->number != b->number)
    return a->number < b->number ? -1 : 1;
  /* Equal numbers of two kinds come from a list of several kinds: "5" is not "5B". */
  return (int)a->kind - (int)b->kind;
}

static gboolean
holds (const Condition *condition, const guint *indices)
{
  const Operand *left = &condition->left, *right = &condition->right;
  int order = compare (left, left->axis < 0 ? 0 : indices[left->axis], right,
                       right->axis < 0 ? 0 : indices[right->axis]);

  switch (condition->operator) {
  case OPERATOR_LT:
    return order < 0;
  case OPERATOR_LE:
    return order <= 0;
  case OPERATOR_GT:
    return order > 0;
  case OPERATOR_GE:
    return order >= 0;
  case OPERATOR_EQ:
    return order == 0;
  case OPERATOR_NE:
    return order != 0;
  }
  g_assert_not_reached ();
}

static GArray *
find_points (const Scenario *scenario, const GArray *conditions)
{
  guint n = sweep_count_combinations (scenario);
  g_autofree guint *indices = g_new0 (guint, scenario->n_sweep_axes + 1);
  GArray *points = g_array_new (FALSE, FALSE, sizeof (guint32));

  for (guint32 combination = 0; combination < n; combination++) {
    gboolean ok = TRUE;
    sweep_split_combination (scenario, combination, indices);
    for (guint i = 0; ok && i < conditions->len; i++)
      ok = holds (&g_array_index (conditions, Condition, i), indices);
    if (ok)
      g_array_append_val (points, combination);
  }
  return points;
}

void
sweep_read_conditions (Scenario *scenario, const ScanDoc *doc, const ScanGroup *group,
                       gboolean is_good, ScanErrors *errors)
{
  Fields fields = { errors, group };
  guint n_errors = scan_errors_count (errors);
  const ScanEntry *last = NULL;
  g_autoptr (GArray) conditions = g_array_new (FALSE, FALSE, sizeof (Condition));
  g_array_set_clear_func (conditions, condition_clear);

  for (guint i = 0; i < group->entries->len; i++) {
    const ScanEntry *entry = g_ptr_array_index (group->entries, i);
    if (!sweep_is_keyword (entry->key, "where"))
      continue;
    last = entry;
    read_where (&fields, entry, scenario, doc, conditions);
  }
  if (!last || !is_good || scan_errors_count (errors) != n_errors)
    return;
  scenario->sweep_points = find_points (scenario, conditions);
  if (scenario->sweep_points->len > 0)
    return;
  g_clear_pointer (&scenario->sweep_points, g_array_unref);
  fields_error (&fields, last, "no point of the sweep is left");
}
