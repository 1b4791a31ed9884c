// Drives the published JavaScript REST client, as published, against the server under test.
//
//   node rest.mjs SCENARIO BASE_URL JSON
//
// prints one JSON object on stdout. When the client fails, its error goes to stderr and the exit code is 1; a call
// which cannot be understood exits with 2.
//
// JSON holds `publicKey` and `secretKey`, `simple` to send the secret instead of a signature, and what a scenario
// names below.

import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// A server that never answers must not hold the test run for ever.
const DEADLINE_SECONDS = 300

const tools =
  process.env.INTAKE_TEST_TOOLS ||
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'intake', 'test-tools')

/** The client lies outside of the checkout, where `./check setup` put it, and is looked up from there. */
function published() {
  return createRequire(join(tools, 'js', 'package.json'))('@uploadcare/rest-client')
}

/** What a call ends with: its answer, or the message and the status of its error. */
async function outcome(call) {
  try {
    return { answer: (await call) ?? null }
  } catch (error) {
    return { message: error.message, status: error.status ?? null }
  }
}

const scenarios = {
  /** -> the names of all functions. */
  async calls(client) {
    return { functions: Object.keys(client).filter((name) => typeof client[name] === 'function') }
  },

  /** `uuid`, `other`, `missing` -> a file, stored, deleted and stored again; then both at once. */
  async files(client, settings, { uuid, other, missing }) {
    const info = await client.fileInfo({ uuid, include: 'appdata' }, settings)
    const stored = await client.storeFile({ uuid }, settings)
    const deleted = await client.deleteFile({ uuid }, settings)
    const restored = await client.storeFile({ uuid }, settings)
    const uuids = [uuid, other, 'invalid', missing]
    const batch = await client.storeFiles({ uuids }, settings)
    const gone = await client.deleteFiles({ uuids }, settings)
    const unknown = await outcome(client.fileInfo({ uuid: missing }, settings))
    return { info, stored, deleted, restored, batch, gone, unknown }
  },

  /** `query` -> all pages of the list of files, and back to the first one by the paginator. */
  async pages(client, settings, { query }) {
    const pages = []
    for await (const page of client.paginate(client.listOfFiles)(query, settings)) pages.push(page)
    const paginator = new client.Paginator(client.listOfFiles, query, settings)
    const seen = []
    while (paginator.hasNextPage()) seen.push((await paginator.next()).results.map((file) => file.uuid))
    while (paginator.hasPrevPage()) seen.push((await paginator.prev()).results.map((file) => file.uuid))
    return { pages, seen }
  },

  /** `uuid` -> its metadata and tags, changed by every call. */
  async descriptions(client, settings, { uuid }) {
    const key = '-:45az_'
    const empty = await client.getMetadata({ uuid }, settings)
    const made = await client.updateMetadata({ uuid, key, value: 'cat' }, settings)
    const changed = await client.updateMetadata({ uuid, key, value: 'dog' }, settings)
    const value = await client.getMetadataValue({ uuid, key }, settings)
    const all = await client.getMetadata({ uuid }, settings)
    await client.deleteMetadata({ uuid, key }, settings)
    const deleted = await outcome(client.getMetadataValue({ uuid, key }, settings))
    const replaced = await client.replaceTags({ uuid, tags: ['Cat', 'dog'] }, settings)
    const updated = await client.updateTags({ uuid, add: ['ant'], delete: ['cat'] }, settings)
    const { tags } = await client.getTags({ uuid }, settings)
    return { empty, made, changed, value, all, deleted, replaced, updated, tags }
  },

  /** `id` of a group -> its description, the list of groups, and what is left of it after its deletion. */
  async groups(client, settings, { id }) {
    const info = await client.groupInfo({ uuid: id }, settings)
    const list = await client.listOfGroups({ ordering: '-datetime_created', limit: 10 }, settings)
    const deleted = await outcome(client.deleteGroup({ uuid: id }, settings))
    const after = await outcome(client.groupInfo({ uuid: id }, settings))
    return { info, list, deleted, after }
  },

  /** `uuid` -> a copy, and what every call ends with that this server does not offer. */
  async copies(client, settings, { uuid }) {
    const metadata = { pet: 'cat' }
    const copy = await client.copyFileToLocalStorage({ source: uuid, store: true, metadata }, settings)
    const type = client.ConversionType.VIDEO
    const addon = { addonName: client.AddonName.UC_CLAMAV_VIRUS_SCAN, target: uuid }
    const refused = {
      remote: await outcome(client.copyFileToRemoteStorage({ source: uuid, target: 'bucket' }, settings)),
      search: await outcome(client.searchFiles({ query: 'cats' }, settings)),
      addon: await outcome(client.executeAddon(addon, settings)),
      addonStatus: await outcome(client.addonExecutionStatus({ ...addon, requestId: uuid }, settings)),
      convert: await outcome(client.convert({ type, paths: [uuid] }, settings)),
      conversion: await outcome(client.conversionJobStatus({ type, token: 5 }, settings)),
      conversionInfo: await outcome(client.conversionInfo({ uuid }, settings))
    }
    return { copy, refused }
  },

  /** `target` -> a webhook, made twice, listed, changed and removed. */
  async webhooks(client, settings, { target }) {
    const hook = { targetUrl: target, event: client.WebhookEvent.FILE_UPLOADED, isActive: true, signingSecret: '12345X' }
    const made = await client.createWebhook(hook, settings)
    const again = await outcome(client.createWebhook(hook, settings))
    const list = await client.listOfWebhooks({}, settings)
    const changed = await client.updateWebhook({ id: made.id, ...hook, isActive: false }, settings)
    await client.deleteWebhook({ targetUrl: target }, settings)
    await client.deleteWebhook({ targetUrl: target }, settings)
    const empty = await outcome(client.deleteWebhook({ targetUrl: '' }, settings))
    const after = await client.listOfWebhooks({}, settings)
    return { made, again, list, changed, empty, after }
  },

  /** -> what a client with a wrong secret is told. */
  async strangers(client, settings) {
    return outcome(client.listOfFiles({}, settings))
  }
}

function auth(client, { publicKey, secretKey, simple }) {
  const Schema = simple ? client.UploadcareSimpleAuthSchema : client.UploadcareAuthSchema
  return new Schema({ publicKey, secretKey })
}

async function main([name, apiBaseURL, json]) {
  const scenario = scenarios[name]
  if (!scenario || !apiBaseURL || !json) {
    console.error(`usage: node rest.mjs SCENARIO BASE_URL JSON, with a scenario of ${Object.keys(scenarios).join(', ')}`)
    return 2
  }
  const client = published()
  const options = JSON.parse(json)
  const settings = { apiBaseURL, authSchema: auth(client, options), retryNetworkErrorMaxTimes: 0 }
  console.log(JSON.stringify(await scenario(client, settings, options)))
  return 0
}

setTimeout(() => {
  console.error(`no answer in ${DEADLINE_SECONDS} s`)
  process.exit(1)
}, DEADLINE_SECONDS * 1000).unref()

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error) => {
    console.error(error)
    process.exit(1)
  }
)
