// The official JavaScript client, as `./check setup` installs it.

const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { homedir } = require('node:os')
const { basename, join } = require('node:path')

const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
const tools = process.env.INTAKE_TEST_TOOLS || join(cache, 'intake', 'test-tools')
const { base } = createRequire(join(tools, 'js', 'package.json'))('@uploadcare/upload-client')

const [url, first] = process.argv.slice(2)
base(readFileSync(first), {
  baseURL: url.replace('/base/', ''),
  publicKey: 'demopublickey',
  store: false,
  fileName: basename(first),
  contentType: 'text/plain',
  metadata: { note: 'Grüße' },
})
