// The program of every page: reads its data and shows the view of its kind.
import { about } from "./data.js";
import { showEvaluation } from "./evaluation.js";
import { showTagging } from "./tagging.js";

const views = { tagging: showTagging, evaluation: showEvaluation };
views[about.kind](document.getElementById("app"));
