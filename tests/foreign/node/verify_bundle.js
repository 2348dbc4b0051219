// Verifies a folder of evidence offline with @sigstore/verify: inclusion and signed notes.
//
//   node verify_bundle.js FOLDER [KEYS]
//
// KEYS is a file of keys that was not taken from the folder; without it FOLDER/log.vkey is believed.
// Consistency and the history of the stream are not checked here: @sigstore/verify has neither.
// Prints OK and exits with 0, or FAIL with the reason and exits with 1.
"use strict";

const { readFileSync, readdirSync, existsSync } = require("node:fs");
const { join } = require("node:path");
const { verifyTLogInclusion } = require("@sigstore/verify/dist/tlog");
const { crypto } = require("@sigstore/core");

const [folder, keys = join(folder, "log.vkey")] = process.argv.slice(2);
const SPKI_OF_ED25519 = Buffer.from("302a300506032b6570032100", "hex");

const read = (name) => readFileSync(join(folder, name), "utf8");

function demand(holds, why) {
  if (!holds) throw new Error(why);
}

// One key as @sigstore/verify wants its logs: found by the first four bytes of `logID`.
function log(vkey) {
  const [, name, id, material] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey);
  const key = Buffer.from(material, "base64");
  const found = crypto.digest("sha256", Buffer.from(`${name}\n`), key).subarray(0, 4);
  demand(key.length === 33 && key[0] === 1 && found.toString("hex") === id, `no key: ${vkey}`);
  const publicKey = crypto.createPublicKey(Buffer.concat([SPKI_OF_ED25519, key.subarray(1)]));
  return { name, logID: found, baseURL: name, publicKey };
}

// The lines of a signed note; one signature must be of a known key under the origin's name.
function open(signed, logs, originLine) {
  const end = signed.lastIndexOf("\n\n") + 1;
  const text = signed.slice(0, end);
  const lines = text.split("\n");
  const signatures = [...signed.slice(end + 1).matchAll(/^\u2014 (\S+) (\S+)$/gm)];
  const holds = signatures.some(([, name, base64]) => {
    const content = Buffer.from(base64, "base64");
    const known = logs.find((log) => log.logID.equals(content.subarray(0, 4)));
    return (
      known?.name === name &&
      name === lines[originLine] &&
      crypto.verify(Buffer.from(text), known.publicKey, content.subarray(4))
    );
  });
  demand(holds, "no valid signature of a known key");
  return lines;
}

function included(index, checkpoint, logs) {
  const proof = read(`proofs/${index}.tlog-proof`);
  const cut = proof.indexOf("\n\n");
  const [version, ...lines] = proof.slice(0, cut).split("\n");
  if (lines[0].startsWith("extra ")) lines.shift();
  demand(version === "c2sp.org/tlog-proof@v1" && lines[0] === `index ${index}`, "no such proof");
  demand(proof.slice(cut + 2) === checkpoint, `proof ${index} holds another checkpoint`);
  const [, size, root] = checkpoint.split("\n");
  verifyTLogInclusion(
    {
      canonicalizedBody: readFileSync(join(folder, "leaves", index)),
      inclusionProof: {
        logIndex: index,
        treeSize: size,
        rootHash: Buffer.from(root, "base64"),
        hashes: lines.slice(1).map((line) => Buffer.from(line, "base64")),
        checkpoint: { envelope: checkpoint },
      },
    },
    logs,
  );
}

function main() {
  const logs = readFileSync(keys, "utf8").trim().split("\n").map(log);
  const checkpoint = read("checkpoint");
  const [origin, size, root] = open(checkpoint, logs, 0);
  if (existsSync(join(folder, "checkpoint.old"))) open(read("checkpoint.old"), logs, 0);
  const head = open(read("head"), logs, 1);
  demand(head[0] === "asin-sync head v1", "head is no head of a stream");
  demand(`${[head[1], head[4], head[5]]}` === `${[origin, size, root]}`, "head of another checkpoint");
  const leaves = readdirSync(join(folder, "leaves"));
  demand(leaves.length > 0, "no leaves");
  for (const index of leaves) included(index, checkpoint, logs);
  return `OK sigstore ${origin}: ${leaves.length} of ${size} leaves, head ${head[3]}`;
}

try {
  console.log(main());
} catch (error) {
  console.log(`FAIL ${error.message}`);
  process.exitCode = 1;
}
