// Gives the pinned soljson the two commands that build tools call: --version and --standard-json.
// Output is written in a loop, because a pipe takes 64 KiB at a time and exiting early would drop the rest.
"use strict";
const fs = require("fs");
const path = require("path");
const solc = require("solc");

function write(text) {
  const bytes = Buffer.from(text);
  let sent = 0;
  while (sent < bytes.length) {
    try {
      sent += fs.writeSync(1, bytes, sent);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function readImport(base) {
  return (name) => {
    try {
      return { contents: fs.readFileSync(path.resolve(base, name), "utf8") };
    } catch {
      return { error: `File not found: ${name}` };
    }
  };
}

const args = process.argv.slice(2);
if (args.includes("--version")) {
  write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version().replace("Emscripten.clang", "Linux.g++")}\n`);
} else if (args.includes("--standard-json")) {
  const at = args.indexOf("--base-path");
  const base = at >= 0 ? args[at + 1] : process.cwd();
  const input = fs.readFileSync(0, "utf8");
  write(solc.compile(input, { import: readImport(base) }));
} else {
  process.stderr.write("solc: only --version and --standard-json are supported\n");
  process.exitCode = 1;
}
