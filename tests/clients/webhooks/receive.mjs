// A receiver of webhooks, with the published JavaScript library.
//
//     node receive.mjs SECRET [UPLOADCARE_SECRET]
//
// listens on a free port of 127.0.0.1, or on that of INTAKE_RECEIVER_PORT, and prints it. Then it prints a line of JSON for each
// delivery: `id`, `body`, and `error` where a signature does not fit, which is answered with 401 and the error, as the others
// are with 204. Without UPLOADCARE_SECRET, X-Uc-Signature is not looked at. It ends with its input. The library is in
// $INTAKE_TEST_TOOLS/webhooks, where ./check setup puts it.

import { createHmac, timingSafeEqual } from "node:crypto";
import { writeSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
const tools = process.env.INTAKE_TEST_TOOLS || join(cache, "intake/test-tools");
const require = createRequire(join(tools, "webhooks/package.json"));

let Webhook;
try {
  ({ Webhook } = require("standardwebhooks"));
} catch (error) {
  console.error(`the JavaScript library is not installed: run ./check setup (${error.message})`);
  process.exit(2);
}

// More than any event has.
const LONGEST = 1 << 20;
const [secret, uploadcareSecret] = process.argv.slice(2);

/** The error of the library, or of Uploadcare's signature. */
function verify(headers, body) {
  try {
    new Webhook(secret).verify(body, headers);
  } catch (error) {
    return error.message || "not verified";
  }
  if (uploadcareSecret !== undefined) {
    const expected = Buffer.from(`v1=${createHmac("sha256", uploadcareSecret).update(body).digest("hex")}`);
    const given = Buffer.from(headers["x-uc-signature"] ?? "");
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return "X-Uc-Signature does not fit";
  }
  return null;
}

const server = createServer(async (request, response) => {
  const pieces = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length > LONGEST) return response.writeHead(413).end();
    pieces.push(piece);
  }
  const body = Buffer.concat(pieces);
  const error = verify(request.headers, body);
  // What was received is on record before it is acknowledged.
  const line = { id: request.headers["webhook-id"], body: body.toString(), error };
  writeSync(1, `${JSON.stringify(line)}\n`);
  response.writeHead(error ? 401 : 204).end(error ?? undefined);
});
server.listen(Number(process.env.INTAKE_RECEIVER_PORT ?? 0), "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit(0));
