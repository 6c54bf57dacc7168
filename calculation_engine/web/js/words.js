/** States, reasons and final words in plain language. */

import { h, icon } from "./dom.js";

const REASONS = {
  exit_code: "The program ended with an error.",
  out_of_memory: "It needed more memory than its limit.",
  time_limit: "It ran longer than its limit.",
  disk_limit: "Its files or its log grew over their limit.",
  input_invalid: "The module refused its input.",
  no_solution: "The model has no solution.",
  output_missing: "A result that the module declares is absent or wrong.",
  image_missing: "The module's container image is not there and could not be made.",
  environment_failed: "The module's environment could not be made.",
  module_error: "The module says that it failed itself.",
  lost: "What ran is gone without a record of its end, more often than is retried.",
  step_failed: "Several steps failed.",
  loop_failed: "The loop could not begin, or its models failed too often in a row.",
  stalled: "The loop came no nearer to agreement.",
  noise_floor: "What is left between the models is noise of their solvers.",
  max_evaluations: "The loop reached its limit of evaluations before the models agreed.",
  not_reproduced: "Computed anew, its result differs from the stored one.",
  superseded: "A newer job took over its slot.",
  cancelled: "Somebody asked for its end.",
  engine_error: "The engine is at fault; the administrator finds more in its log.",
};

const VERDICTS = {
  converged: "The models agree",
  converged_set: "The models agree up to a jump",
  one_way: "One pass: nothing was iterated",
  max_evaluations: "The limit of evaluations was reached before the models agreed",
  stalled: "No nearer to agreement",
  noise_floor: "What is left is noise of the solvers",
  loop_failed: "The models failed too often in a row",
  cancelled: "Cancelled before the models agreed",
};

/** Return a sentence for a reason, or the word itself where the page does not know it. */
export function reasonSentence(reason) {
  return reason ? (REASONS[reason] ?? `${reason.replaceAll("_", " ")}.`) : "";
}

/** Return a loop's final word in plain language. */
export function verdictPhrase(word) {
  return word ? (VERDICTS[word] ?? word.replaceAll("_", " ")) : "Still iterating";
}

/** Return a badge that tells a state by word, shape and colour. */
export function stateBadge(state, small = false) {
  return h("span", { class: `state ${state}${small ? " small" : ""}` }, icon(state), h("span", {}, state));
}

/** Return a solver's verdict in a line. */
export function verdictText(verdict) {
  if (!verdict) return "";
  const { status, objective } = verdict;
  const shown = status ? status.replaceAll("_", " ") : "";
  return objective === undefined || objective === null ? shown : `${shown}, objective ${Number(objective.toPrecision(10))}`;
}
