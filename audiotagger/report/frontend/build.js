// Bundles src/ into ../assets: one program, one style, the licences of what is in them, and what they were built from.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const assets = "../assets/";
const options = { bundle: true, minify: true, charset: "ascii", target: "es2022", legalComments: "none" };
await build({ ...options, entryPoints: ["src/main.js"], format: "iife", outfile: `${assets}program.js` });
await build({ ...options, entryPoints: ["src/style.css"], outfile: `${assets}style.css` });

const { dependencies } = JSON.parse(readFileSync("package.json"));
const licences = Object.entries(dependencies).map(
  ([name, version]) => `${name} ${version}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8")}`,
);
writeFileSync(`${assets}LICENSES.txt`, licences.join("\n"));

const sources = ["package.json", ...readdirSync("src").sort().map((name) => `src/${name}`)];
const digest = createHash("sha256");
for (const name of sources) digest.update(readFileSync(name));
writeFileSync(`${assets}SOURCES.sha256`, `${digest.digest("hex")}\n`);
