// The program of every page: reads its data and shows the view of its kind.
import { about } from "./data.js";
import { showTagging } from "./tagging.js";

const views = { tagging: showTagging };
views[about.kind](document.getElementById("app"));
